"""What contacts saved, measured in four ways: by treated against control, and by the truth.

All are of the same thing, the margin that a contacted case saves in the play less its cost:

* `treated - control`: as a shop would, the mean margin after the case of those who were contacted,
  less that of those who were not
* `adjusted`: the same, less what the margin before the case foretells of it (CUPED: Deng, Xu,
  Kohavi and Walker 2013)
* `pairs`: by the truth, the same person with and without the contact, by the same luck
* `luck averaged`: by the truth, the same on the average of the luck that was still to come
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import hypot, sqrt

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.churn_play import Play
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import WorldKind
from streams.simulator.worlds.shops import SHOPS
from streams.simulator.worlds.truth import PlannedOrder

SEEN_DAYS_MIN = 14.0
Z95 = 1.96
PEOPLE_MIN = 2


class Entry(Struct, frozen=True, kw_only=True):
    """A case; money is in the shop's currency, in the play alone.

    Attributes:
        person: of which world and who; what is of one person is not independent.
        after: margin of orders from the case on, less the cost of the contact.
        foretold: margin of orders before it, at the same pace until the end of the play.
        pair: what the contact changed by the same luck, less its cost; 0 of a control.
        luck: the same on the average of luck, of a control what a contact would have done.
    """

    person: tuple[int, str]
    treated: bool
    after: float
    foretold: float
    pair: float
    luck: float


class Estimate(Struct, frozen=True):
    """Saved a contacted case with its 95 % interval (1.96 standard errors, people resampled)."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """The lower end."""
        return self.value - Z95 * self.error

    @property
    def high(self) -> float:
        """The upper end."""
        return self.value + Z95 * self.error


Way = Callable[[Sequence[Entry]], Estimate | None]


def entries_of(play: Play) -> Iterator[Entry]:
    """The cases of a play with the product."""
    people = {person.customer_id: person for person in play.people}
    coupons = {effect.decision_id: effect.margin for effect in play.offers}
    pairs = {e.case_id: e.margin + coupons.get(e.decision_id or "", 0.0) for e in play.contacts}
    for chance in play.chances:
        cost = chance.cost if chance.treated else 0.0
        after, foretold = margins_around(
            play.kind, people[chance.customer_id].orders, chance.at_ms, play.end_ms
        )
        yield Entry(
            person=(play.seed, chance.customer_id),
            treated=chance.treated,
            after=after - cost,
            foretold=foretold,
            pair=pairs.get(chance.case_id, 0.0) - cost,
            luck=chance.margin + chance.coupon - chance.cost,
        )


def margins_around(
    kind: WorldKind, orders: Sequence[PlannedOrder], at_ms: int, end_ms: int
) -> tuple[float, float]:
    """Margin after a moment until the end, and what the pace before it foretells of that."""
    shares = [department.margin_share for department in SHOPS[kind].departments]
    before = [o for o in orders if o.at_ms <= at_ms]
    after = sum(o.margin(shares[o.department]) for o in orders if at_ms < o.at_ms < end_ms)
    if not before:
        return after, 0.0
    seen_ms = max(at_ms - before[0].at_ms, SEEN_DAYS_MIN * DAY_MS)
    made = sum(o.margin(shares[o.department]) for o in before)
    return after, made * (end_ms - at_ms) / seen_ms


def treated_less_control(entries: Sequence[Entry]) -> Estimate | None:
    """The difference of the two means; None without two people of each arm."""
    arms = [[e for e in entries if e.treated is treated] for treated in (True, False)]
    means = [_mean(arm, [e.after for e in arm]) for arm in arms]
    if means[0] is None or means[1] is None:
        return None
    return Estimate(means[0].value - means[1].value, hypot(means[0].error, means[1].error))


def adjusted(entries: Sequence[Entry]) -> Estimate | None:
    """The same after taking off what the margin before foretells, at the slope within the arms."""
    told = np.array([[e.treated, e.foretold, e.after] for e in entries], dtype=np.float64)
    within = told[:, 1:].copy() if len(told) else np.zeros((0, 2))
    for arm in (0.0, 1.0):
        chosen = told[:, 0] == arm if len(told) else np.zeros(0, bool)
        within[chosen] -= within[chosen].mean(axis=0) if chosen.any() else 0.0
    spread = float((within[:, 0] ** 2).sum())
    slope = float((within[:, 0] * within[:, 1]).sum()) / spread if spread else 0.0
    return treated_less_control([replace(e, after=e.after - slope * e.foretold) for e in entries])


def pairs(entries: Sequence[Entry]) -> Estimate | None:
    """Of those who were contacted, each against the same life without; None below two people."""
    treated = [e for e in entries if e.treated]
    return _mean(treated, [e.pair for e in treated])


def luck_averaged(entries: Sequence[Entry]) -> Estimate | None:
    """The same, on the average of the luck that was to come."""
    treated = [e for e in entries if e.treated]
    return _mean(treated, [e.luck for e in treated])


def best_of(entries: Sequence[Entry]) -> list[Entry]:
    """Whom of the same cases somebody would contact who knows all but the luck to come."""
    return [entry for entry in entries if entry.luck > 0.0]


WAYS: Mapping[str, Way] = {
    "treated - control": treated_less_control,
    "adjusted": adjusted,
    "pairs": pairs,
    "luck averaged": luck_averaged,
}


def _mean(entries: Sequence[Entry], values: Sequence[float]) -> Estimate | None:
    """A mean over cases whose error is over people: they are drawn, with all their cases."""
    by_person: dict[tuple[int, str], list[float]] = defaultdict(list)
    for entry, value in zip(entries, values, strict=True):
        by_person[entry.person].append(value)
    n = len(by_person)
    if n < PEOPLE_MIN:
        return None
    mean = sum(values) / len(values)
    off = [sum(found) - mean * len(found) for found in by_person.values()]
    return Estimate(mean, sqrt(n / (n - 1) * sum(o * o for o in off)) / len(values))
