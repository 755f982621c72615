"""What CEL rules may ask about a person and a moment, by name (docs/offers.md lists it)."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from streams.contracts.times import DAY_MS
from streams.customer import Customer, TriggerEvent
from streams.customer.counters import count

WINDOWS = {f"d{days}": days * DAY_MS for days in (1, 7, 30, 365)}


Fact = object
"""What a rule may read: a truth value, a number, a text, or lists and maps of them."""


class FactNames(Struct, frozen=True):
    """Names of facts, by the variable that holds them.

    `windows`: (name, milliseconds) of counts, besides those that are always there.
    """

    person: frozenset[str] = frozenset()
    trigger: frozenset[str] = frozenset()
    windows: frozenset[tuple[str, int]] = frozenset()

    def __or__(self, other: "FactNames") -> "FactNames":
        return FactNames(
            self.person | other.person,
            self.trigger | other.trigger,
            self.windows | other.windows,
        )

    def __bool__(self) -> bool:
        return bool(self.person or self.trigger)


def facts_of(
    person: Customer, trigger_event: TriggerEvent, now_ms: int, names: FactNames
) -> dict[str, dict[str, Fact]]:
    """The variables `person` and `trigger` of a rule, with these facts.

    Counts are by window (`person.counts.product_views.d7`); money is in the shop's currency.
    """
    of_person = {name: OF_PERSON[name](person, now_ms) for name in names.person}
    if names.windows and "counts" in of_person:
        of_person["counts"] = _counts(person, now_ms, WINDOWS | dict(names.windows))
    return {
        "person": of_person,
        "trigger": {name: OF_TRIGGER[name](trigger_event) for name in names.trigger},
    }


def _days_since_purchase(person: Customer, now_ms: int) -> float:
    if person.rhythm is None or not person.orders:
        return -1.0
    return (now_ms - max(order.at_ms for order in person.orders)) / DAY_MS


def _counts(
    person: Customer, now_ms: int, windows: Mapping[str, int] = WINDOWS
) -> dict[str, dict[str, float]]:
    return {
        name: {window: count(c, now_ms, length_ms) for window, length_ms in windows.items()}
        for name, c in person.counters.items()
    }


OF_PERSON: Mapping[str, Callable[[Customer, int], Fact]] = {
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
OF_TRIGGER: Mapping[str, Callable[[TriggerEvent], Fact]] = {
    "kind": lambda event: event.kind,
    "channel": lambda event: event.channel,
    "product_id": lambda event: event.product_id,
    "category": lambda event: event.category,
    "price": lambda event: float(event.price),
    "dwell_ms": lambda event: float(event.dwell_ms),
    "store_id": lambda event: event.store_id,
    "zone_id": lambda event: event.zone_id,
    "zone_type": lambda event: event.zone_type,
    "value": lambda event: float(event.value),
}
ALL_FACTS = FactNames(frozenset(OF_PERSON), frozenset(OF_TRIGGER))
