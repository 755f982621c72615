"""Orders over all channels: each counted once, and what is given back is taken off again.

The sums do not depend on the order in which completions, refunds and cancellations of an order
arrive, while the order is among the last `ORDERS_MAX`. A refund before its order leaves a stub
(an `Order` with amount 0) that the completion fills in. Purchases that are undone stay in the
rhythm: somebody who came and bought was not gone.
"""

from msgspec.structs import replace

from streams.contracts.inputs.events import Purchase
from streams.contracts.times import DAY_MS
from streams.customer import carts
from streams.customer.activity import counted
from streams.customer.browsing import may_remember_interests
from streams.customer.change import Change, EventTiming
from streams.customer.decay import add_faded
from streams.customer.interests import WEIGHT_BOUGHT, liked
from streams.customer.rhythm import record_purchase
from streams.customer.row import ORDERS_MAX, Affinity, Customer, Order, Spend
from streams.customer.trigger_events import TriggerEvent
from streams.customer.zone_time import offset_ms


def completed(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_completed`: spend, rhythm, interests, an empty cart, and a trigger event."""
    known = _find(person, event.order_id)
    if known is not None and not _is_stub(known):
        return Change(person, ignored="duplicate")
    at_ms = timing.at_ms
    amount = max(event.total.value, 0.0)
    refunded = min(known.refunded, amount) if known else 0.0
    order = Order(event.order_id, at_ms, amount, event.sales_channel or event.channel, refunded)
    spend = _spent(person.spend, amount - refunded, at_ms)
    offset = offset_ms(person.timezone, at_ms)
    person = replace(
        person,
        orders=_with(person.orders, order),
        spend=replace(
            spend, orders=spend.orders + 1, discount_total=spend.discount_total + discount(event)
        ),
        rhythm=record_purchase(person.rhythm, at_ms, amount, offset, tick_ms=timing.places.tick_ms),
        counters=counted(person.counters, "orders", at_ms),
        affinities=_interests(person, event, at_ms),
        cart=carts.emptied(person.cart, at_ms),
    )
    return Change(person, (_trigger_event(event, timing, amount),), purchased=True)


def updated(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_updated`: the order's total is another one; nothing for an order we do not know."""
    known = _find(person, event.order_id)
    if known is None or _is_stub(known):
        return Change(person, ignored="not_applicable")
    amount = max(event.total.value, known.refunded)
    return Change(_adjusted(person, known, replace(known, amount=amount)))


def refunded(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_refunded`: its total, of either sign, was given back; at most what was paid."""
    return _given_back(person, event, timing, abs(event.total.value))


def cancelled(person: Customer, event: Purchase, timing: EventTiming) -> Change:
    """`order_cancelled`: all of the order is given back."""
    known = _find(person, event.original_order_id or event.order_id)
    amount = known.amount if known and not _is_stub(known) else abs(event.total.value)
    return _given_back(person, event, timing, amount)


def discount(event: Purchase) -> float:
    """What was taken off: on the lines, and by coupons beside them."""
    lines = sum(max(item.discount, 0.0) for item in event.items)
    return lines + sum(max(coupon.discount, 0.0) for coupon in event.coupons)


def newest_orders(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The newest `ORDERS_MAX`, the newest last."""
    return tuple(sorted(orders, key=lambda o: (o.at_ms, o.order_id)))[-ORDERS_MAX:]


def without_orders(person: Customer, order_ids: set[str]) -> Customer:
    """The person without orders that another row has counted as well (before a merge)."""
    for order in person.orders:
        if order.order_id not in order_ids or _is_stub(order):
            continue
        person = _adjusted(person, order, replace(order, refunded=order.amount))
        spend = person.spend or Spend(order.at_ms)
        person = replace(
            person,
            spend=replace(spend, orders=max(spend.orders - 1, 0)),
            orders=tuple(o for o in person.orders if o.order_id != order.order_id),
        )
    return person


def _given_back(person: Customer, event: Purchase, timing: EventTiming, amount: float) -> Change:
    order_id = event.original_order_id or event.order_id
    known = _find(person, order_id)
    if known is None:
        known = Order(order_id, timing.at_ms, 0.0, event.sales_channel or event.channel)
    limit = amount + known.refunded if _is_stub(known) or known.amount == 0.0 else known.amount
    after = replace(known, refunded=min(known.refunded + amount, limit))
    person = _adjusted(person, known, after)
    spend = person.spend or Spend(timing.at_ms)
    person = replace(
        person,
        spend=replace(spend, refunds=spend.refunds + 1),
        counters=counted(person.counters, "refunds", timing.at_ms),
    )
    return Change(person)


def _adjusted(person: Customer, old: Order, new: Order) -> Customer:
    """The sums with an order's new net amount, at the order's own age."""
    difference = max(new.amount - new.refunded, 0.0) - max(old.amount - old.refunded, 0.0)
    spend = _spent(person.spend, difference, old.at_ms)
    return replace(person, orders=_with(person.orders, new), spend=spend)


def _spent(spend: Spend | None, amount: float, at_ms: int) -> Spend:
    old = spend or Spend(at_ms)
    return replace(
        old,
        at_ms=max(old.at_ms, at_ms),
        day=max(add_faded(old.day, old.at_ms, amount, at_ms, DAY_MS), 0.0),
        week=max(add_faded(old.week, old.at_ms, amount, at_ms, 7 * DAY_MS), 0.0),
        month=max(add_faded(old.month, old.at_ms, amount, at_ms, 30 * DAY_MS), 0.0),
        total=max(old.total + amount, 0.0),
    )


def _find(person: Customer, order_id: str) -> Order | None:
    return next((order for order in person.orders if order.order_id == order_id), None)


def _is_stub(order: Order) -> bool:
    return order.amount == 0.0 and order.refunded > 0.0


def _with(orders: tuple[Order, ...], order: Order) -> tuple[Order, ...]:
    return newest_orders((*(o for o in orders if o.order_id != order.order_id), order))


def _interests(person: Customer, event: Purchase, at_ms: int) -> tuple[Affinity, ...]:
    if not may_remember_interests(person):
        return person.affinities
    affinities = person.affinities
    for category in dict.fromkeys(item.category for item in event.items[:ORDERS_MAX]):
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
