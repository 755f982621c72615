"""The cart, told anew: lines that are put in, taken out, shown whole and bought, by event time."""

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.contracts.common import Product
from streams.contracts.inputs.events import App, Clickstream, Purchase

Lines = dict[str, int]
Names = dict[str, str]


class CartTold(Struct, frozen=True):
    """The cart at a moment: pieces by product, when it changed last, and by which event.

    `emptied_by`: the event that took the last piece out.
    """

    lines: Lines
    changed_ms: int = 0
    changed_by: str = ""
    emptied_by: str = ""


def cart_of(known: list[Arrival], at_ms: int) -> CartTold:
    """The cart by all that had come, as of `at_ms`: what happened counts in order of event time."""
    names = _product_by_gtin(known)
    purchases = _purchases(known)
    lines: Lines = {}
    changed_ms, changed_by, emptied_by = 0, "", ""
    for a in sorted(known, key=lambda a: (a.at_ms, a.place)):
        if a.at_ms > at_ms:
            break
        before = dict(lines)
        is_order = isinstance(a.event, Purchase)
        if not is_order or a.place in purchases:
            lines = _after(lines, a, names)
        if before and not lines:
            emptied_by = a.event_id
        if (lines != before and not is_order) or a.event.event_name == "checkout_started":
            changed_ms, changed_by = a.at_ms, a.event_id
    return CartTold(lines, changed_ms, changed_by, emptied_by)


def _purchases(known: list[Arrival]) -> set[int]:
    """The places of the events that tell of a purchase first: one is told twice by two systems."""
    first: dict[str, int] = {}
    for a in sorted(known, key=lambda a: a.place):
        event = a.event
        if not isinstance(event, Purchase) or event.event_name != "order_completed":
            continue
        if event.total.value > 0.0:
            first.setdefault(event.order_id, a.place)
    return set(first.values())


def _after(lines: Lines, arrival: Arrival, names: Names) -> Lines:
    event = arrival.event
    if isinstance(event, Purchase):
        return _bought(lines, event, names)
    if not isinstance(event, Clickstream | App):
        return lines
    if event.cart is not None:
        shown: Lines = {}
        for product in event.cart.items:
            shown[product.product_id] = shown.get(product.product_id, 0) + product.quantity
        return {name: pieces for name, pieces in shown.items() if pieces > 0}
    if event.product is None:
        return lines
    pieces = max(event.product.quantity, 1)
    if event.event_name == "product_added":
        return lines | {event.product.product_id: lines.get(event.product.product_id, 0) + pieces}
    if event.event_name == "product_removed":
        return _fewer(lines, event.product.product_id, pieces)
    return lines


def _bought(lines: Lines, order: Purchase, names: Names) -> Lines:
    """The lines without what an order holds; an order that does not say takes all of them."""
    if not order.items:
        return {}
    for item in order.items:
        product_id = item.product_id if item.product_id in lines else names.get(item.gtin or "")
        if product_id is not None:
            lines = _fewer(lines, product_id, max(item.quantity, 1))
    return lines


def _fewer(lines: Lines, product_id: str, pieces: int) -> Lines:
    left = lines.get(product_id, 0) - pieces
    others = {name: count for name, count in lines.items() if name != product_id}
    return others | {product_id: left} if left > 0 else others


def _product_by_gtin(known: list[Arrival]) -> Names:
    """Which product a GTIN names, by what was seen of the person."""
    return {p.gtin: p.product_id for a in known for p in _products(a) if p.gtin}


def _products(arrival: Arrival) -> list[Product]:
    event = arrival.event
    if not isinstance(event, Clickstream | App):
        return []
    shown = () if event.cart is None else event.cart.items
    return [*shown, *((event.product,) if event.product is not None else ())]
