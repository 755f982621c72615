"""Orders over all channels: each counted once, its sums always those of its newest facts.

`orders` makes the facts of one order; here they change the person's sums by the difference of
before and after, so that neither the order of arrival nor a repetition shows. Facts of an order
that has not been completed yet wait among the loose ones. What is undone stays in the rhythm:
somebody who came and bought was not gone. docs/orders.md tells the rules.
"""

from msgspec.structs import replace

from streams.contracts.inputs.events import Purchase
from streams.contracts.sums import sum_of
from streams.contracts.times import DAY_MS
from streams.customer import carts, counters, rhythm
from streams.customer.activity import counted
from streams.customer.browsing import may_remember_interests
from streams.customer.change import Change, EventTiming, Sale
from streams.customer.decay import Amounts, add_faded_sums, faded_sums
from streams.customer.interests import WEIGHT_BOUGHT, liked
from streams.customer.orders import (
    digest_of,
    exact,
    newest_orders,
    of_this_version,
    unknown_order,
    was_counted,
    with_cancellation,
    with_completion,
    with_digests,
    with_discounts,
    with_lines,
    with_return,
    with_total,
)
from streams.customer.row import LOOSE_ORDERS_MAX, Affinity, Cart, Counter, Customer, Order, Spend
from streams.customer.trigger_events import TriggerEvent
from streams.customer.zone_time import offset_ms

CATEGORIES_MAX = 8


def completed(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_completed`: spend, rhythm, interests, the cart, and a trigger event.

    A total of zero is no purchase, though what was ordered is no longer in the cart, and one below
    zero is what came back of an order.
    """
    amount = event.total.value
    if amount < 0.0:
        return refunded(person, event, timing)
    if amount == 0.0:
        return _ordered_for_nothing(person, event, timing)
    before = counted_order(person, event.order_id)
    if before is None and was_counted(person.order_digests, event.order_id):
        return Change(person, ignored="duplicate")
    order, channel = before or _loose_order(person, event.order_id), event.sales_channel
    told = with_completion(order, timing.at_ms, amount, channel or event.channel)
    after = with_discounts(told, discount(event), coupon_discount(event))
    if before is not None:
        person = _told_more(person, event, before)
        change = change_order(person, before, after, timing.places.tick_ms)
        said_again = replace(after, total_said=before.total_said) == before and not event.coupons
        return replace(change, ignored="duplicate") if said_again else change
    person = _bought(person, event, after, timing)
    sale = Sale(None, replace(after, lines=()) if after.lines else after)
    return Change(person, (_trigger_event(event, timing, amount),), purchased=True, sale=sale)


def updated(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_updated`: the order's total is another one, unless a newer event said so already.

    Its lines are lines of the order: they leave the cart as of the order's own moment.
    """
    order = _order(person, event.original_order_id or event.order_id)
    if order is None:
        return Change(person, ignored="not_applicable")
    after = with_total(order, timing.at_ms, event.total.value, updated=True)
    after = with_discounts(after, discount(event), coupon_discount(event))
    if order.completed:
        person = _told_more(person, event, order)
    else:
        after = with_lines(after, event.items)
    return change_order(person, order, after, timing.places.tick_ms)


def refunded(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_refunded`: its total, of either sign, was given back; at most what was paid."""
    order = _order(person, event.original_order_id or event.order_id)
    if order is None:
        return Change(person, ignored="not_applicable")
    after = with_return(order, event.event_id, timing.at_ms, abs(event.total.value))
    return change_order(person, order, after, timing.places.tick_ms)


def cancelled(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_cancelled`: all of the order is given back, whatever the event's total."""
    order = _order(person, event.original_order_id or event.order_id)
    if order is None:
        return Change(person, ignored="not_applicable")
    after = with_cancellation(order, timing.at_ms)
    return change_order(person, order, after, timing.places.tick_ms)


def _ordered_for_nothing(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """An order of total zero: its lines leave the cart, its coupons count, and nothing else."""
    if not event.items and not event.coupons:
        return Change(person, ignored="not_applicable")
    known = counted_order(person, event.order_id)
    at_ms = timing.at_ms if known is None else known.at_ms
    return Change(replace(person, cart=carts.told_more(person.cart, event.items, at_ms)))


def _told_more(person: Customer, event: Purchase, order: Order) -> Customer:
    """The cart without lines that are told of an order which has been counted."""
    cart = carts.told_more(person.cart, event.items, order.at_ms)
    return person if cart is person.cart else replace(person, cart=cart)


def discount(event: Purchase) -> float:
    """What was taken off: on the lines, and by coupons beside them."""
    lines = sum_of(max(item.discount, 0.0) for item in event.items)
    return lines + coupon_discount(event)


def coupon_discount(event: Purchase) -> float:
    """What its coupons took off."""
    return sum_of(max(coupon.discount, 0.0) for coupon in event.coupons)


def change_order(person: Customer, before: Order, after: Order, tick_ms: int) -> Change:
    """The person with an order's newest facts, the sums moved by the difference."""
    if after == before:
        return Change(person, sale=Sale(before, after) if before.completed else None)
    if not before.completed:
        others = tuple(o for o in person.loose_orders if o.order_id != after.order_id)
        return Change(replace(person, loose_orders=(*others, after)[-LOOSE_ORDERS_MAX:]))
    spend = _respent(person, before, after)
    person = replace(
        person,
        orders=_with(person.orders, after),
        spend=replace(
            spend,
            refunds=max(spend.refunds + _is_returned(after) - _is_returned(before), 0),
            discount_total=exact(spend.discount_total + after.discount - before.discount),
        ),
        counters=_recounted(person, before, after),
        rhythm=_moved(person, before, after, tick_ms),
    )
    return Change(person, sale=Sale(before, after))


def without_orders(person: Customer, order_ids: set[str]) -> Customer:
    """The person without orders that another row has counted as well (before a merge)."""
    for order in map(of_this_version, person.orders):
        if order.order_id not in order_ids:
            continue
        spend = _spent(person.spend, -order.net, order.at_ms)
        person = replace(
            person,
            spend=replace(
                spend,
                orders=max(spend.orders - 1, 0),
                refunds=max(spend.refunds - _is_returned(order), 0),
                discount_total=exact(max(spend.discount_total - order.discount, 0.0)),
            ),
            orders=tuple(o for o in person.orders if o.order_id != order.order_id),
            counters={
                **person.counters,
                "orders": counters.removed(person.counters.get("orders"), order.at_ms),
            },
        )
    return person


def counted_order(person: Customer, order_id: str) -> Order | None:
    """The order, if it is a purchase whose facts are still kept."""
    for order in reversed(person.orders):
        if order.order_id == order_id:
            order = of_this_version(order)
            return order if order.completed else None
    return None


def _loose_order(person: Customer, order_id: str) -> Order:
    """What has been said of an order that is not completed yet (an old row: among the orders)."""
    for order in (*person.loose_orders, *person.orders):
        if order.order_id == order_id:
            return of_this_version(order)
    return unknown_order(order_id)


def _order(person: Customer, order_id: str) -> Order | None:
    """The order that a fact is about; None where its facts are no longer kept."""
    order = counted_order(person, order_id)
    if order is None and was_counted(person.order_digests, order_id):
        return None
    return order or _loose_order(person, order_id)


def _bought(person: Customer, event: Purchase, order: Order, timing: EventTiming) -> Customer:
    """The person after an order that had not been counted."""
    at_ms = order.at_ms
    cart: Cart | None = carts.bought(person.cart, event.items, at_ms)
    if order.lines:
        cart = carts.told_more(cart, order.lines, at_ms)
        order = replace(order, lines=())
    spend = _spent(person.spend, order.net, at_ms)
    offset = offset_ms(person.timezone, at_ms)
    person = replace(
        person,
        orders=_with(person.orders, order),
        loose_orders=tuple(o for o in person.loose_orders if o.order_id != order.order_id),
        order_digests=with_digests(person.order_digests, digest_of(order.order_id)),
        spend=replace(
            spend,
            orders=spend.orders + 1,
            refunds=spend.refunds + _is_returned(order),
            discount_total=exact(spend.discount_total + order.discount),
        ),
        rhythm=rhythm.record_purchase(
            person.rhythm, at_ms, order.completed, offset, tick_ms=timing.places.tick_ms
        ),
        counters=counted(person.counters, "orders", at_ms),
        affinities=_interests(person, event, at_ms),
        cart=cart,
    )
    if order.returned_at_ms is not None:
        held = counted(person.counters, "refunds", order.returned_at_ms)
        person = replace(person, counters=held)
    return person


def _is_returned(order: Order) -> int:
    return int(order.returned_at_ms is not None or order.refunded > 0.0)


def _respent(person: Customer, before: Order, after: Order) -> Spend:
    """The sums with an order's new net amount, at the order's own age."""
    if after.at_ms == before.at_ms:
        return _spent(person.spend, after.net - before.net, after.at_ms)
    spend = _spent(person.spend, -before.net, before.at_ms)
    if 0 < spend.at_ms - after.at_ms <= DAY_MS and spend.at_ms == before.at_ms:
        others = (o.at_ms for o in person.orders if o.order_id != after.order_id)
        spend = _as_of(spend, max((after.at_ms, *others)))
    return _spent(spend, after.net, after.at_ms)


def _recounted(person: Customer, before: Order, after: Order) -> dict[str, Counter]:
    held = person.counters
    moves = (
        ("orders", before.at_ms, after.at_ms),
        ("refunds", before.returned_at_ms, after.returned_at_ms),
    )
    for name, old_ms, new_ms in moves:
        if old_ms == new_ms or new_ms is None:
            continue
        if old_ms is not None:
            held = {**held, name: counters.removed(held.get(name), old_ms)}
        held = counted(held, name, new_ms)
    return held


def _moved(person: Customer, before: Order, after: Order, tick_ms: int) -> rhythm.Rhythm | None:
    """The rhythm when an order turns out to be older, or to have been of another amount."""
    if person.rhythm is None or (after.at_ms, after.completed) == (before.at_ms, before.completed):
        return person.rhythm
    offset = offset_ms(person.timezone, before.at_ms)
    others = [o.at_ms for o in person.orders if o.order_id != after.order_id]
    moved = rhythm.move_last_back(
        person.rhythm,
        before.at_ms,
        max([after.at_ms, *(at_ms for at_ms in others if at_ms <= before.at_ms)]),
        offset,
        tick_ms=tick_ms,
    )
    return rhythm.correct_last_amount(moved, after.at_ms, before.completed, after.completed, offset)


def _spent(spend: Spend | None, amount: float, at_ms: int) -> Spend:
    old = spend or Spend(at_ms)
    day, week, month = add_faded_sums(old, old.at_ms, Amounts(amount, amount, amount), at_ms)
    return replace(
        old,
        at_ms=max(old.at_ms, at_ms),
        day=max(day, 0.0),
        week=max(week, 0.0),
        month=max(month, 0.0),
        total=exact(max(old.total + amount, 0.0)),
    )


def _as_of(spend: Spend, at_ms: int) -> Spend:
    """The fading sums of at most a day earlier, where nothing was spent since."""
    day, week, month = faded_sums(spend, at_ms - spend.at_ms)
    return replace(spend, at_ms=at_ms, day=day, week=week, month=month)


def _with(orders: tuple[Order, ...], order: Order) -> tuple[Order, ...]:
    return newest_orders((*(o for o in orders if o.order_id != order.order_id), order))


def _interests(person: Customer, event: Purchase, at_ms: int) -> tuple[Affinity, ...]:
    if not may_remember_interests(person):
        return person.affinities
    affinities = person.affinities
    for category in dict.fromkeys(item.category for item in event.items[:CATEGORIES_MAX]):
        if category:
            affinities = liked(affinities, category, WEIGHT_BOUGHT, at_ms)
    return affinities


def _trigger_event(event: Purchase, timing: EventTiming, amount: float) -> TriggerEvent:
    first = event.items[0] if event.items else None
    return TriggerEvent(
        kind="order_completed",
        at_ms=timing.now_ms,
        event_id=event.event_id,
        channel=event.channel,
        product_id=first.product_id if first else "",
        category=first.category if first else "",
        price=first.unit_price if first else 0.0,
        store_id=event.store_id or "",
        value=amount,
        traceparent=event.traceparent,
    )
