"""The orders of two rows that become one: each order once, with the facts of both."""

from msgspec.structs import replace

from streams.customer import carts
from streams.customer.orders import (
    DIGEST_BYTES,
    joined,
    of_this_version,
    was_counted,
    with_digests,
)
from streams.customer.purchases import change_order, counted_order, without_orders
from streams.customer.row import LOOSE_ORDERS_MAX, Customer, Order


def one_order_each(into: Customer, other: Customer, tick_ms: int) -> tuple[Customer, Customer]:
    """The two rows without what both would count: the facts of a shared order stand in one."""
    into, other = _without_answered(into, other, tick_ms)
    other, into = _without_answered(other, into, tick_ms)
    shared = {o.order_id for o in into.orders} & {o.order_id for o in other.orders}
    for order in other.orders:
        if order.order_id in shared:
            into = _told(into, order, tick_ms)
    mine, theirs = into.order_digests, other.order_digests
    counted = {o.order_id for o in other.orders if was_counted(mine, o.order_id)}
    other = without_orders(other, shared | counted)
    again = {o.order_id for o in into.orders if was_counted(theirs, o.order_id)}
    return without_orders(into, again - shared - counted), other


def loose_of_both(into: Customer, other: Customer) -> tuple[Order, ...]:
    """What is known of orders that neither row has seen completed."""
    loose = {order.order_id: order for order in into.loose_orders}
    for order in other.loose_orders:
        mine = loose.get(order.order_id)
        loose[order.order_id] = order if mine is None else joined(mine, order)
    return tuple(loose.values())[-LOOSE_ORDERS_MAX:]


def digests_of_both(into: Customer, other: Customer) -> bytes:
    """Every order that either row has counted."""
    mine, theirs = into.order_digests, other.order_digests
    digests = [theirs[at : at + DIGEST_BYTES] for at in range(0, len(theirs), DIGEST_BYTES)]
    known = {mine[at : at + DIGEST_BYTES] for at in range(0, len(mine), DIGEST_BYTES)}
    return with_digests(b"".join(d for d in digests if d not in known), mine)


def _without_answered(holder: Customer, other: Customer, tick_ms: int) -> tuple[Customer, Customer]:
    """What the other's loose facts say of orders that the holder has, told to the holder."""
    bought = {order.order_id for order in holder.orders}
    for order in other.loose_orders:
        if order.order_id in bought:
            holder = _told(holder, order, tick_ms)
    rest = tuple(o for o in other.loose_orders if o.order_id not in bought)
    return holder, replace(other, loose_orders=rest)


def _told(person: Customer, order: Order, tick_ms: int) -> Customer:
    before = counted_order(person, order.order_id)
    if before is None or before == of_this_version(order):
        return person
    after = joined(before, of_this_version(order))
    if order.lines:
        cart = carts.told_more(person.cart, order.lines, before.at_ms)
        person = replace(person, cart=cart)
    return change_order(person, before, after, tick_ms).person
