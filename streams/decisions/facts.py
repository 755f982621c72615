"""What CEL rules may ask about a person and a moment, by name (docs/offers.md lists it)."""

from typing import Any

from streams.contracts.times import DAY_MS
from streams.customer import Customer, Moment
from streams.customer.counters import count
from streams.customer.row import new_customer

WINDOW_DAYS = (1, 7, 30, 365)


def facts_of(person: Customer, moment: Moment, now_ms: int) -> dict[str, Any]:
    """The variables `person` and `moment` of a rule.

    Counts are by window (`person.counts.product_views.d7`); money is in the shop's currency.
    """
    return {"person": _person(person, now_ms), "moment": _moment(moment)}


def fact_names() -> dict[str, frozenset[str]]:
    """What `person` and `moment` hold for everybody, by variable.

    >>> sorted(fact_names()["moment"])[:3]
    ['category', 'channel', 'dwell_ms']
    """
    nobody = new_customer("nobody", 0)
    moment = Moment(kind="product_viewed", at_ms=0, event_id="none", channel="web")
    return {name: frozenset(facts) for name, facts in facts_of(nobody, moment, 0).items()}


def _person(person: Customer, now_ms: int) -> dict[str, Any]:
    spend, rhythm = person.spend, person.rhythm
    return {
        "known": person.known,
        "tenure_days": (now_ms - person.created_at_ms) / DAY_MS,
        "orders": float(spend.orders) if spend else 0.0,
        "spend": spend.total if spend else 0.0,
        "cart_value": person.cart.value if person.cart else 0.0,
        "risk": person.churn.risk if person.churn.risk is not None else 0.0,
        "band": person.churn.band,
        "stage": person.churn.stage or "new",
        "days_since_purchase": -1.0 if rhythm is None else _days_since_purchase(person, now_ms),
        "traits": dict(person.traits),
        "affinities": {a.category: a.score for a in person.affinities},
        "counts": {
            name: {f"d{d}": count(c, now_ms, d * DAY_MS) for d in WINDOW_DAYS}
            for name, c in person.counters.items()
        },
        "locale": person.locale,
        "timezone": person.timezone,
    }


def _days_since_purchase(person: Customer, now_ms: int) -> float:
    last = max((order.at_ms for order in person.orders), default=None)
    return -1.0 if last is None else (now_ms - last) / DAY_MS


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        "kind": moment.kind,
        "channel": moment.channel,
        "product_id": moment.product_id,
        "category": moment.category,
        "price": float(moment.price),
        "dwell_ms": float(moment.dwell_ms),
        "store_id": moment.store_id,
        "zone_id": moment.zone_id,
        "zone_type": moment.zone_type,
        "value": float(moment.value),
    }
