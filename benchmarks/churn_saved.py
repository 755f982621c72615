"""What contacts saved by the truth, and whom they should have left alone.

The simulator holds what each person would have done without the contact, so every figure is paired:
the same person, the same luck, with and without.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from benchmarks.churn_play import Alarm, Play

RESAMPLES = 1_000


class Mean(Struct, frozen=True):
    """A mean with its 95 % bootstrap interval."""

    count: int
    value: float
    low: float
    high: float


class LeftAlone(Struct, frozen=True, kw_only=True):
    """Sleeping dogs who were still there, among those alerted about; a contact wakes them up.

    `contacts`: those of the alerts that came to a contact that can wake somebody up, so neither a
    control nor one that settled a complaint; `by_risk`: alerts among about as many by the risk
    alone; `people`: of all.
    """

    alerts: int
    asleep: int
    contacts: int
    contacts_asleep: int
    by_risk: int
    by_risk_asleep: int
    people: int
    people_asleep: int


def saved(plays: Sequence[Play], *, later: float) -> Mean:
    """Margin that the contact of a case saved, less its cost; the interval is over people.

    `later` is the weight of what it changes after the play.
    """
    by_person: dict[tuple[int, str], list[float]] = defaultdict(list)
    for play in plays:
        for customer_id, margin, margin_later in _saved_in(play):
            by_person[play.seed, customer_id].append(margin + later * margin_later)
    if not by_person:
        return Mean(0, 0.0, 0.0, 0.0)
    sums = np.array([[sum(saved), len(saved)] for saved in by_person.values()])
    rng = np.random.default_rng(0)
    picks = rng.integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[picks].sum(axis=1)
    low, high = np.percentile(means[:, 0] / means[:, 1], [2.5, 97.5])
    total, count = sums.sum(axis=0)
    return Mean(int(count), float(total / count), float(low), float(high))


def saved_less_cost(plays: Sequence[Play]) -> float:
    """All that contacts saved in the plays, less their cost."""
    return sum(margin for play in plays for _, margin, _ in _saved_in(play))


def _saved_in(play: Play) -> Iterator[tuple[str, float, float]]:
    """Whom, by how much in the play, by how much after it; of every contact of the play.

    Where an offer was the contact, what its coupon did counts, and its cost instead of a call's.
    """
    offers = {effect.decision_id: effect for effect in play.offers}
    for effect in play.contacts:
        offer = offers.get(effect.decision_id or "")
        coupon = 0.0 if offer is None else offer.margin
        cost = play.contact_cost if offer is None else offer.contact_cost
        yield effect.customer_id, effect.margin + coupon - cost, effect.margin_later


def left_alone(alarms: Sequence[Alarm], by_risk: Iterable[Sequence[Alarm]]) -> LeftAlone:
    """Alerts of the product beside those by risk at the threshold that gives about as many."""
    nearest = min(by_risk, key=lambda others: abs(len(others) - len(alarms)))
    plays = {id(alarm.play): alarm.play for alarm in (*alarms, *nearest)}
    kinds = {key: {p.customer_id: p for p in play.people} for key, play in plays.items()}

    def asleep(of: Sequence[Alarm]) -> int:
        return sum(
            kinds[id(a.play)][a.moment.customer_id].contact_type == "sleeping_dog"
            and a.moment.leaves_ms > a.moment.at_ms
            for a in of
        )

    waking = [e for p in plays.values() for e in p.contacts if e.action != "service_recovery"]
    everybody = [person for play in plays.values() for person in play.people]
    return LeftAlone(
        alerts=len(alarms),
        asleep=asleep(alarms),
        contacts=len(waking),
        contacts_asleep=sum(
            e.contact_type == "sleeping_dog" and e.leaves_before_ms > e.at_ms for e in waking
        ),
        by_risk=len(nearest),
        by_risk_asleep=asleep(nearest),
        people=len(everybody),
        people_asleep=sum(person.contact_type == "sleeping_dog" for person in everybody),
    )


def offers_by_arm(plays: Sequence[Play]) -> dict[str, tuple[int, float]]:
    """By arm: offers, and the incremental margin that they brought, less contact costs."""
    found: dict[str, tuple[int, float]] = {}
    for effect in (effect for play in plays for effect in play.offers):
        count, margin = found.get(effect.arm, (0, 0.0))
        found[effect.arm] = count + 1, margin + effect.margin - effect.contact_cost
    return dict(sorted(found.items()))
