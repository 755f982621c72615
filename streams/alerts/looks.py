"""What an evaluation finds, before it is known what becomes of the case."""

from msgspec import Struct

from streams.alerts.lifts import is_strong, lift, standing_ms, stated_risk
from streams.alerts.scoring import Scoring
from streams.contracts.common import RiskBandName
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS
from streams.customer import Customer

BANDS: tuple[RiskBandName, ...] = ("low", "medium", "high")
OVERDUE_MIN = 1.0  # usual gaps
HALFWAY = 0.5  # of the usual gap, and of the horizon


class Look(Struct, frozen=True, kw_only=True):
    """A person at one evaluation.

    Attributes:
        score: the model's risk, without the signals.
        risk: the risk that is stated: the score with what the signals add.
        band: the band of the stated risk.
        bought_ms: the newest order that stands; None without any.
        strong: codes of strong signals that nothing was bought after, and that may open a case.
        lifting: the signals that lift the stated risk now, each with its factor on the odds before
            the limit of all.
        late: the score may open a case: it is carried by the shop's own data, and the person is
            silent for longer than usual, or halfway both to that and to the horizon; a day at
            least.
        carried: by the shop's own data.
    """

    score: float
    risk: float
    band: RiskBandName
    bought_ms: int | None
    strong: frozenset[str]
    lifting: dict[ChurnSignalCode, float]
    late: bool
    carried: bool


def look(person: Customer, scoring: Scoring, definition: ChurnDefinition) -> Look:
    """The evaluation of a person whose signals are up to date."""
    bought_ms, score, lifts = standing_ms(person), scoring.score, scoring.lifts
    risk = round(stated_risk(score.risk, person, lifts), 6)
    silent_ms = None if bought_ms is None else scoring.now_ms - bought_ms
    return Look(
        score=round(score.risk, 6),
        risk=risk,
        band=band_of(risk, definition),
        bought_ms=bought_ms,
        strong=frozenset(s.code for s in person.signals if is_strong(s, bought_ms, lifts)),
        lifting={
            s.code: factor for s in person.signals if (factor := lift(s, bought_ms, lifts)) > 1.0
        },
        late=score.carried and _is_late(silent_ms, score.overdue_ratio, definition),
        carried=score.carried,
    )


def _is_late(silent_ms: int | None, overdue_ratio: float, definition: ChurnDefinition) -> bool:
    """By the person's own habit, or halfway to it and to what the shop calls leaving.

    Who buys more seldom than once a horizon is lost to the shop before they are overdue.
    """
    if silent_ms is not None and silent_ms < DAY_MS:
        return False
    halfway = silent_ms is not None and silent_ms >= HALFWAY * definition.horizon_ms
    return overdue_ratio >= (HALFWAY if halfway else OVERDUE_MIN)


def band_of(risk: float, definition: ChurnDefinition) -> RiskBandName:
    """The band of a stated risk, and of nothing else."""
    reached = [band.name for band in definition.bands if risk >= band.from_risk]
    return reached[-1] if reached else "low"


def left_below(band: RiskBandName, definition: ChurnDefinition) -> float:
    """Below which stated risk an open case leaves its band."""
    start = next((b.from_risk for b in definition.bands if b.name == band), 0.0)
    return start - definition.hysteresis
