"""What CEL rules may ask about a person and a moment, by name (docs/offers.md lists it)."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from streams.contracts.times import DAY_MS
from streams.customer import Customer, Moment
from streams.customer.counters import count

WINDOW_DAYS = (1, 7, 30, 365)


class FactNames(Struct, frozen=True):
    """Names of facts, by the variable that holds them."""

    person: frozenset[str] = frozenset()
    moment: frozenset[str] = frozenset()

    def __or__(self, other: "FactNames") -> "FactNames":
        return FactNames(self.person | other.person, self.moment | other.moment)

    def __bool__(self) -> bool:
        return bool(self.person or self.moment)


def facts_of(person: Customer, moment: Moment, now_ms: int, names: FactNames) -> dict[str, Any]:
    """The variables `person` and `moment` of a rule, with these facts.

    Counts are by window (`person.counts.product_views.d7`); money is in the shop's currency.
    """
    return {
        "person": {name: OF_PERSON[name](person, now_ms) for name in names.person},
        "moment": {name: OF_MOMENT[name](moment) for name in names.moment},
    }


def _days_since_purchase(person: Customer, now_ms: int) -> float:
    if person.rhythm is None or not person.orders:
        return -1.0
    return (now_ms - max(order.at_ms for order in person.orders)) / DAY_MS


def _counts(person: Customer, now_ms: int) -> dict[str, dict[str, float]]:
    return {
        name: {f"d{d}": count(c, now_ms, d * DAY_MS) for d in WINDOW_DAYS}
        for name, c in person.counters.items()
    }


OF_PERSON: Mapping[str, Callable[[Customer, int], Any]] = {
    "known": lambda person, _: person.known,
    "tenure_days": lambda person, now_ms: (now_ms - person.created_at_ms) / DAY_MS,
    "orders": lambda person, _: float(person.spend.orders) if person.spend else 0.0,
    "spend": lambda person, _: person.spend.total if person.spend else 0.0,
    "cart_value": lambda person, _: person.cart.value if person.cart else 0.0,
    "risk": lambda person, _: person.churn.risk if person.churn.risk is not None else 0.0,
    "band": lambda person, _: person.churn.band,
    "stage": lambda person, _: person.churn.stage or "new",
    "days_since_purchase": _days_since_purchase,
    "traits": lambda person, _: dict(person.traits),
    "affinities": lambda person, _: {a.category: a.score for a in person.affinities},
    "counts": _counts,
    "locale": lambda person, _: person.locale,
    "timezone": lambda person, _: person.timezone,
}
OF_MOMENT: Mapping[str, Callable[[Moment], Any]] = {
    "kind": lambda moment: moment.kind,
    "channel": lambda moment: moment.channel,
    "product_id": lambda moment: moment.product_id,
    "category": lambda moment: moment.category,
    "price": lambda moment: float(moment.price),
    "dwell_ms": lambda moment: float(moment.dwell_ms),
    "store_id": lambda moment: moment.store_id,
    "zone_id": lambda moment: moment.zone_id,
    "zone_type": lambda moment: moment.zone_type,
    "value": lambda moment: float(moment.value),
}
ALL_FACTS = FactNames(frozenset(OF_PERSON), frozenset(OF_MOMENT))
