"""What is known of one order: its facts make the same `Order` in whatever order they arrive.

Facts are what events say: completed (when, for how much), the newest total, parts that came back,
cancelled. Each is taken in by one function here, and `settled` says what follows of all of them.
docs/orders.md tells the rules.
"""

from collections.abc import Iterable
from hashlib import blake2b

from msgspec.structs import replace

from streams.contracts.common import Product
from streams.customer.row import (
    LOOSE_LINES_MAX,
    ORDER_DIGESTS_MAX,
    ORDERS_MAX,
    REFUND_MARKS_MAX,
    CartItem,
    Order,
)

DIGEST_BYTES = 5
MONEY_DECIMALS = 6


def exact(amount: float) -> float:
    """The amount as its decimal says it: the double next to a number of at most six decimals.

    >>> exact(0.1 + 0.2)
    0.3
    """
    return round(amount, MONEY_DECIMALS)


def unknown_order(order_id: str) -> Order:
    """An order of which nothing has been said yet."""
    return Order(order_id, 0, 0.0, "web")


def with_completion(order: Order, at_ms: int, amount: float, channel: str) -> Order:
    """It was completed at `at_ms`, for `amount`; of two tellings the earlier is the moment."""
    order = with_total(order, at_ms, amount, updated=False)
    if not order.completed or (at_ms, channel) < (order.at_ms, order.channel):
        order = replace(order, at_ms=at_ms, channel=channel, completed=amount)
    return order


def with_discounts(order: Order, discount: float, coupon_discount: float) -> Order:
    """So much was taken off; of several tellings the most."""
    return replace(
        order,
        discount=max(order.discount, exact(discount)),
        coupon_discount=max(order.coupon_discount, exact(coupon_discount)),
    )


def with_lines(order: Order, items: Iterable[Product | CartItem]) -> Order:
    """What it is of, kept until it is completed: of each product the most pieces that were told."""
    pieces: dict[tuple[str, str], int] = {}
    for item in items:
        key = (item.product_id or "", item.gtin or "")
        pieces[key] = pieces.get(key, 0) + item.quantity
    for line in order.lines:
        key = (line.product_id, line.gtin)
        pieces[key] = max(pieces.get(key, 0), line.quantity)
    lines = [CartItem(name, "", count, 0.0, gtin) for (name, gtin), count in pieces.items()]
    lines.sort(key=lambda line: (line.product_id, line.gtin))
    return replace(order, lines=tuple(lines[:LOOSE_LINES_MAX]))


def with_total(order: Order, at_ms: int, amount: float, *, updated: bool) -> Order:
    """Its total is `amount`, as of `at_ms`; of one moment an update wins, then the larger."""
    said = 2 * at_ms + updated
    amount = exact(max(amount, 0.0))
    if (said, amount) > (order.total_said, order.amount):
        return settled(replace(order, total_said=said, amount=amount))
    return order


def with_return(order: Order, event_id: str, at_ms: int, amount: float) -> Order:
    """`amount` of it came back; the same event again changes nothing, and neither does nothing.

    "The same" is known of the newest `REFUND_MARKS_MAX` returns by event time.
    """
    mark = int.from_bytes(blake2b(event_id.encode(), digest_size=4).digest(), "big")
    if amount <= 0.0 or mark in _marks_of(order):
        return order
    order = replace(
        order,
        given_back=exact(order.given_back + amount),
        returns=_newest_returns((*order.returns, (at_ms, mark))),
    )
    return settled(_came_back(order, at_ms))


def with_cancellation(order: Order, at_ms: int) -> Order:
    """All of it came back, for good."""
    return settled(_came_back(replace(order, cancelled=True), at_ms))


def settled(order: Order) -> Order:
    """What came back is at most what was paid; a cancelled order came back whole."""
    back = order.amount if order.cancelled else min(order.given_back, order.amount)
    return order if back == order.refunded else replace(order, refunded=back)


def of_this_version(order: Order) -> Order:
    """An order that an earlier version stored, with the facts that it did not keep."""
    if order.completed or order.total_said or order.returned_at_ms is not None:
        return order
    return replace(order, completed=order.amount, given_back=order.refunded)


def joined(a: Order, b: Order) -> Order:
    """One order of which two rows know facts; returns that both were told of count once."""
    first, second = sorted((a, b), key=lambda o: (not o.completed, o.at_ms, o.channel, o.completed))
    newer = max(a, b, key=lambda o: (o.total_said, o.amount))
    times = [o.returned_at_ms for o in (a, b) if o.returned_at_ms is not None]
    return settled(
        replace(
            first,
            amount=newer.amount,
            total_said=newer.total_said,
            given_back=_given_back_of_both(a, b),
            marks=tuple(sorted({*a.marks, *b.marks}))[-REFUND_MARKS_MAX:],
            returns=_newest_returns((*a.returns, *b.returns)),
            cancelled=a.cancelled or b.cancelled,
            returned_at_ms=min(times, default=None),
            discount=max(first.discount, second.discount),
            coupon_discount=max(first.coupon_discount, second.coupon_discount),
            lines=() if first.completed else with_lines(first, second.lines).lines,
        )
    )


def newest_orders(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The newest `ORDERS_MAX`, the newest last."""
    return tuple(sorted(orders, key=lambda o: (o.at_ms, o.order_id)))[-ORDERS_MAX:]


def digest_of(order_id: str) -> bytes:
    """Five bytes that stand for an order's id once its facts are no longer kept."""
    return blake2b(order_id.encode(), digest_size=DIGEST_BYTES).digest()


def was_counted(digests: bytes, order_id: str) -> bool:
    """Whether an order's id is among the digests.

    >>> was_counted(digest_of("o-1") + digest_of("o-2"), "o-2"), was_counted(b"", "o-2")
    (True, False)
    """
    digest = digest_of(order_id)
    at = digests.find(digest)
    while at >= 0 and at % DIGEST_BYTES:
        at = digests.find(digest, at + 1)
    return at >= 0


def with_digests(digests: bytes, more: bytes) -> bytes:
    """The digests with more behind them; beyond `ORDER_DIGESTS_MAX` the oldest goes."""
    return (digests + more)[-ORDER_DIGESTS_MAX * DIGEST_BYTES :]


def _given_back_of_both(a: Order, b: Order) -> float:
    """What came back by both: a refund that both rows were told of counts once."""
    if a.completed and b.completed:
        return max(a.given_back, b.given_back)
    for fewer, more in ((a, b), (b, a)):
        if _marks_of(fewer) and _marks_of(fewer) <= _marks_of(more):
            return more.given_back
    return exact(a.given_back + b.given_back)


def _marks_of(order: Order) -> set[int]:
    return {*order.marks, *(mark for _, mark in order.returns)}


def _newest_returns(returns: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(set(returns))[-REFUND_MARKS_MAX:])


def _came_back(order: Order, at_ms: int) -> Order:
    """The earliest moment at which any of it came back."""
    if order.returned_at_ms is not None and order.returned_at_ms <= at_ms:
        return order
    return replace(order, returned_at_ms=at_ms)
