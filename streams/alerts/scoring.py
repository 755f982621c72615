"""A person's risk at one moment, as the life cycle and the messages read it."""

from typing import Protocol

from msgspec import Struct

from streams.contracts.common import RiskBandName, Stance
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.contracts.reference.structs import ChurnDefinition
from streams.features.churn_signals import PRIOR_LIFT


class Score(Protocol):
    """What is said of the person's risk; `models.ChurnScore` is one."""

    @property
    def risk(self) -> float:
        """P(no purchase within the horizon)."""

    @property
    def carried(self) -> bool:
        """Whether this shop's own data carry it, and not what is published of another shop."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reason codes, the strongest first."""

    @property
    def expected_next_purchase_at_ms(self) -> int:
        """When the person's own rhythm expects a purchase."""

    @property
    def overdue_ratio(self) -> float:
        """Silence in units of the person's usual gap."""


class Capacity(Protocol):
    """What must be gained for a case to open; `models.CapacityModel` is one."""

    def threshold(self, per_week: float) -> float | None:
        """The gain above which so many looks a week lie; None while too little was seen."""


class Lifts(Protocol):
    """What each churn signal is worth; `models.SignalLifts` is one."""

    def lift(self, code: ChurnSignalCode) -> float:
        """How many times the odds of leaving are what they were without it, at strength 1."""

    def cases(self, code: ChurnSignalCode) -> int | None:
        """From how many moments of this shop that was learned; None while it is a judgment."""


class PriorLifts(Struct, frozen=True):
    """The judgment, before anything was learned."""

    def lift(self, code: ChurnSignalCode) -> float:
        """What the table says."""
        return PRIOR_LIFT[code]

    def cases(self, code: ChurnSignalCode) -> int | None:
        """From none."""
        return None


PRIOR_LIFTS: Lifts = PriorLifts()


class SaveRates(Protocol):
    """What contacts have been worth in this shop; `models.SaveRates` is one."""

    def at(
        self, band: RiskBandName, prior: float, now_ms: int, stance: Stance | None = None
    ) -> float:
        """Of those in this band who would leave, the share that stays because of a contact."""


class Scoring(Struct, frozen=True):
    """A score, when it was taken, and by what.

    Attributes:
        score: of this moment.
        now_ms: row time.
        event_id: what led to this evaluation; empty at a tick.
        model_version: the churn snapshot's version.
        capacity: what a week has time for; None: for all.
        lifts: what each signal is worth.
        save_rate: what contacts have been worth; None where nothing is learned of it.
        purchased: a purchase led to this evaluation; it may resolve the case, and nothing else.
    """

    score: Score
    now_ms: int
    event_id: str
    model_version: str
    capacity: Capacity | None = None
    lifts: Lifts = PRIOR_LIFTS
    save_rate: SaveRates | None = None
    purchased: bool = False

    def save_rate_of(
        self, band: RiskBandName, stance: Stance, definition: ChurnDefinition
    ) -> float:
        """The save rate by which a case of this band, of somebody of this stance, is decided."""
        if self.save_rate is None:
            return definition.save_rate
        return round(self.save_rate.at(band, definition.save_rate, self.now_ms, stance), 6)
