"""The cart, told anew: lines that are put in, taken out, shown whole and bought, by event time."""

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.audit.orders import order_id_of
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
    orders = _orders(known)
    lines: Lines = {}
    changed_ms, changed_by, emptied_by = 0, "", ""
    for a in sorted(known, key=lambda a: (a.at_ms, a.place)):
        if a.at_ms > at_ms:
            break
        before = dict(lines)
        is_order = isinstance(a.event, Purchase)
        if not is_order:
            lines = _after(lines, a)
        elif a.place in orders:
            lines = _bought(lines, orders[a.place], names)
        if before and not lines:
            emptied_by = a.event_id
        if (lines != before and not is_order) or a.event.event_name == "checkout_started":
            changed_ms, changed_by = a.at_ms, a.event_id
    return CartTold(lines, changed_ms, changed_by, emptied_by)


def _orders(known: list[Arrival]) -> dict[int, list[Purchase]]:
    """What is told of each order, by the place of the event that tells of it first.

    An order is what was completed, of zero too; updates and a second system tell more of it.
    """
    first: dict[str, int] = {}
    told: dict[str, list[Purchase]] = {}
    for a in sorted(known, key=lambda a: a.place):
        event = a.event
        if not isinstance(event, Purchase):
            continue
        if event.event_name == "order_completed" and event.total.value >= 0:
            first.setdefault(event.order_id, a.place)
        elif event.event_name != "order_updated":
            continue
        told.setdefault(order_id_of(event), []).append(event)
    return {place: told[order_id] for order_id, place in first.items()}


def _after(lines: Lines, arrival: Arrival) -> Lines:
    event = arrival.event
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


def _bought(lines: Lines, told: list[Purchase], names: Names) -> Lines:
    """The lines without what an order holds; a purchase that does not say takes all of them."""
    made = next(order for order in told if order.event_name == "order_completed")
    if not made.items and made.total.value > 0:
        return {}
    most: dict[str, int] = {}
    for order in told:
        pieces: dict[str, int] = {}
        for item in order.items:
            product_id = item.product_id if item.product_id in lines else names.get(item.gtin or "")
            if product_id is not None:
                pieces[product_id] = pieces.get(product_id, 0) + item.quantity
        most |= {name: max(n, most.get(name, 0)) for name, n in pieces.items()}
    for product_id, count in most.items():
        lines = _fewer(lines, product_id, count)
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
