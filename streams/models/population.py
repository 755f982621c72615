"""A bounded sample of customers on which BG/NBD and MBG/CNBD-k are fitted, chosen by hash.

A customer is in the sample when their hash is below a threshold; when the sample is full the
threshold halves (adaptive sampling: Flajolet 1990). So the sample is uniform over customers, the
same in every run, and each customer stands in it once, with their newest history.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from streams.contracts.internal.learning import CUSTOMER_KEY
from streams.models import mbgcnbd
from streams.models.bgnbd import BgNbd, cold_start, fit
from streams.models.fitting import CUSTOMERS_MIN, Column, tells_enough
from streams.models.mbgcnbd import MbgCnbd

CUSTOMERS_MAX = 960  # so that what a learner remembers stays below 64 KB
DIGITS = 3  # of a tick
KEY_MAX = float(2**53)
MISSED_TICKS = 1.5


class ReservoirState(Struct, frozen=True, forbid_unknown_fields=True):
    """The threshold, and the entries: key, x, t_x, T in ticks, and up to when that was known."""

    threshold: float = KEY_MAX
    rows: tuple[tuple[float, float, float, float, int], ...] = ()


class Reservoir:
    """The newest purchase history of at most `CUSTOMERS_MAX` customers."""

    def __init__(self, state: ReservoirState | None = None) -> None:
        """`state`: what `dump` gave, else empty."""
        state = state or ReservoirState()
        self.threshold = state.threshold
        self.rows = {row[0]: row[1:] for row in state.rows}

    def put(
        self, features: Mapping[str, float], returned: bool, observed_at_ms: int, tick_ms: int
    ) -> None:
        """Note a scoring moment: a silent tick after it is part of the history.

        Not so while customers are few, for a tick with a purchase is not part of it yet: in a short
        history that makes who is slow look like who has left.
        """
        key = features[CUSTOMER_KEY]
        if key >= self.threshold:
            return
        x, t_x, age = features["x"], features["t_x_ticks"], features["T_ticks"]
        ends_here = returned or len(self.rows) < CUSTOMERS_MIN
        age = round(age if ends_here else age + 1.0, DIGITS)
        self.rows[key] = (x, min(round(t_x, DIGITS), age), age, observed_at_ms)
        while len(self.rows) > CUSTOMERS_MAX:
            self.threshold /= 2.0
            self.rows = {k: row for k, row in self.rows.items() if k < self.threshold}

    @property
    def tells_enough(self) -> bool:
        """Whether a population can be told of these customers without a prior."""
        return tells_enough(np.array([row[0] for row in self.rows.values()]))

    def fit(self, old: BgNbd | None, now_ms: int, tick_ms: int) -> BgNbd | None:
        """BG/NBD on the sample as it stands at `now_ms`; `old` where the fit is degenerate."""
        if not self.rows:
            return old
        start = old or cold_start(tick_ms)
        found = fit(*self._histories(now_ms, tick_ms), start)
        return old if found is start else found

    def fit_regular(
        self, old: MbgCnbd | None, k: float, now_ms: int, tick_ms: int
    ) -> MbgCnbd | None:
        """MBG/CNBD-k on the same sample; `old` where the fit is degenerate."""
        if not self.rows:
            return old
        return mbgcnbd.fit(*self._histories(now_ms, tick_ms), k) or old

    def _histories(self, now_ms: int, tick_ms: int) -> tuple[Column, Column, Column]:
        """x, t_x and T of each customer, up to `now_ms`.

        Who has missed a tick is no longer scored, being silent for longer than the horizon: they
        have been silent up to now.
        """
        table = np.array([self.rows[key] for key in sorted(self.rows)])
        unseen = (now_ms - table[:, 3]) / tick_ms
        age = table[:, 2] + np.where(unseen > MISSED_TICKS, unseen, 0.0)
        return table[:, 0], table[:, 1], age

    def dump(self) -> ReservoirState:
        """The entries in the order of their keys."""
        return ReservoirState(
            self.threshold, tuple((key, *self.rows[key]) for key in sorted(self.rows))
        )
