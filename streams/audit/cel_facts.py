"""CEL conditions over facts that are told anew; a fact that cannot be is said, never guessed."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cel

from streams.audit.carts import cart_of
from streams.audit.verdicts import FINE, Answer, Broken, Unknown
from streams.audit.views import DecisionView
from streams.audit.zones import spot_of
from streams.contracts.inputs.events import App, Beacon, Clickstream, Profile, Purchase
from streams.contracts.times import DAY_MS

FACT = re.compile(r"\b(person|trigger)\b(?:\s*\.\s*(\w+))?")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def says(source: str, at: DecisionView) -> Answer:
    """Whether a condition is true; a condition that fails on this person says no."""
    variables: dict[str, dict[str, Any]] = {"person": {}, "trigger": {}}
    for variable, name in set(FACT.findall(QUOTED.sub("''", source))):
        tell = FACTS[variable].get(name)
        value = Unknown(f"{variable}.{name or '*'} is not told anew") if tell is None else tell(at)
        if isinstance(value, Unknown):
            return value
        variables[variable][name] = value
    try:
        true = _compiled(source).execute(cel.Context(variables=variables)) is True
    except Exception:  # a name without a value, types that do not compare: it says no
        true = False
    return FINE if true else Broken(f"{source} is not true with {variables}", _proof(at))


@lru_cache(maxsize=512)
def _compiled(source: str) -> Any:
    return cel.compile(source)


def _proof(at: DecisionView) -> tuple[str, ...]:
    return (at.trigger.event_id,) if at.trigger is not None else ()


def _known(at: DecisionView) -> bool:
    return at.person is not None and any(part.known for part in at.person.parts(at.place))


def _tenure_days(at: DecisionView) -> float | Unknown:
    if not at.known:
        return Unknown("nothing is known of the person")
    parts = [] if at.person is None else at.person.parts(at.place)
    first = [p.arrivals[0].at_ms for p in parts if p.arrivals]
    return (at.at_ms - min(first)) / DAY_MS


def _orders(at: DecisionView) -> float | Unknown:
    if not at.orders.simple:
        return Unknown("orders were changed or given back")
    return float(len(at.orders.completed))


def _spend(at: DecisionView) -> float | Unknown:
    return at.orders.total if at.orders.simple else Unknown("orders were changed or given back")


def _days_since_purchase(at: DecisionView) -> float | Unknown:
    if not at.orders.simple:
        return Unknown("orders were changed or given back")
    newest_ms = at.orders.newest_ms
    return (at.at_ms - newest_ms) / DAY_MS if newest_ms else -1.0


def _traits(at: DecisionView) -> dict[str, Any] | Unknown:
    said: dict[str, Any] = {}
    for a in sorted(at.known, key=lambda a: (a.at_ms, a.place)):
        event = a.event
        if isinstance(event, Profile) and event.traits:
            if event.op in ("increment", "append"):
                return Unknown("traits were added to")
            for name, value in event.traits.items():
                if event.op == "unset":
                    said.pop(name, None)
                else:
                    said[name] = value
    return said if len(said) <= TRAITS_MAX else Unknown("more traits than a row keeps")


def _timezone(at: DecisionView) -> str | Unknown:
    names = {str(zone) for zone in at.zones}
    return names.pop() if len(names) == 1 else Unknown("the zone may be one of two")


def _product(at: DecisionView) -> Any:
    event = None if at.trigger is None else at.trigger.event
    return event.product if isinstance(event, Clickstream | App) else None


def _of_product(name: str, without: Any) -> Callable[[DecisionView], Any]:
    def tell(at: DecisionView) -> Any:
        if at.trigger is None or at.said.trigger.kind not in BROWSED:
            return Unknown(f"trigger.{name} of {at.said.trigger.kind}")
        value = getattr(_product(at), name, None)
        return without if value is None else value

    return tell


TRAITS_MAX = 16
BROWSED = ("product_viewed", "search_without_result", "application_opened")


def dwell_ms_of(at: DecisionView) -> int | Unknown:
    """How long the page or screen of the moment was looked at."""
    event = None if at.trigger is None else at.trigger.event
    if isinstance(event, Clickstream):
        return event.page.dwell_ms or 0
    if isinstance(event, App):
        return (event.screen.dwell_ms or 0) if event.screen is not None else 0
    return Unknown("how long the moment lasted")


def _dwell(at: DecisionView) -> float | Unknown:
    dwell = dwell_ms_of(at)
    return dwell if isinstance(dwell, Unknown) else float(dwell)


def _spot(place: int) -> Callable[[DecisionView], Any]:
    def tell(at: DecisionView) -> Any:
        event = None if at.trigger is None else at.trigger.event
        if isinstance(event, Purchase):
            return Unknown("where an order was made")
        spot = spot_of(event, at.world.beacons) if isinstance(event, Beacon) else None
        return "" if spot is None else spot[place]

    return tell


def _channel(at: DecisionView) -> str | Unknown:
    return Unknown("the moment's event") if at.trigger is None else at.trigger.event.channel


def _cart_value(at: DecisionView) -> float | Unknown:
    if not cart_of(at.accepted, at.at_ms).lines:
        return 0.0
    return Unknown("the value of a cart")


def _price(at: DecisionView) -> float | Unknown:
    price = _of_product("price", 0.0)(at)
    return float(price) if isinstance(price, int | float) else Unknown("the price of the product")


FACTS: dict[str, dict[str, Callable[[DecisionView], Any]]] = {
    "person": {
        "known": _known,
        "tenure_days": _tenure_days,
        "orders": _orders,
        "spend": _spend,
        "days_since_purchase": _days_since_purchase,
        "cart_value": _cart_value,
        "traits": _traits,
        "timezone": _timezone,
    },
    "trigger": {
        "kind": lambda at: at.said.trigger.kind,
        "channel": _channel,
        "product_id": _of_product("product_id", ""),
        "category": _of_product("category", ""),
        "price": _price,
        "dwell_ms": _dwell,
        "store_id": _spot(0),
        "zone_id": _spot(1),
        "zone_type": _spot(2),
    },
}
