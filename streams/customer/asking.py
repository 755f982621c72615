"""An offer is asked for: nothing of the person changes, and a decision is wanted at once."""

from streams.contracts.inputs.events import Question
from streams.contracts.times import to_ms
from streams.customer.change import Change, EventTiming
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent


def asked(person: Customer, event: Question, timing: EventTiming) -> Change:
    """`offer_requested`: a trigger event of the placement that is to be filled."""
    product = event.product
    trigger_event = TriggerEvent(
        kind="offer_requested",
        at_ms=timing.at_ms,
        event_id=event.event_id,
        channel=event.channel,
        product_id=product.product_id if product else "",
        category=product.category if product else "",
        price=(product.price or 0.0) if product else 0.0,
        store_id=event.store_id or "",
        traceparent=event.traceparent,
        placement=event.placement or "",
        answer_by_ms=to_ms(event.answer_by) if event.answer_by else 0,
    )
    return Change(person, (trigger_event,))
