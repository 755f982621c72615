"""One event joined with the person's open decisions."""

from streams.contracts.inputs.events import App, InputEvent, OfferFeedback, Purchase
from streams.customer import Sale
from streams.customer.row import Customer
from streams.feedback.closing import Changed, Use, with_shown, without_redemptions
from streams.feedback.outcomes import opened_push, report
from streams.feedback.purchases import credit_order, each_once, order_id_of, shown_on
from streams.feedback.rules import CreditRules
from streams.feedback.sales import sold
from streams.feedback.shown import charge_shown, credit_shown


def credit(
    person: Customer,
    event: InputEvent,
    now_ms: int,
    rules: CreditRules,
    sale: Sale | None = None,
) -> Changed:
    """The person with outcomes credited, and what was seen and labeled.

    Label 1 is known at once, label 0 when the window closes (`expire`). Learned in the order in
    which they become known, young decisions look better than they are while the first windows are
    open; the shared part of the model is moved alike for all offers by that, so their order is
    not, and the level is right when the first windows have closed. An order that is refunded or
    cancelled later takes no label back.

    Args:
        person: the row, the event already applied.
        event: any event; reports on offers and orders are credited, others pass.
        now_ms: the row's time, not before the event's.
        rules: of the shop; a compiled policy is one.
        sale: what the event changed of an order, as `apply` found it; None: an order is new.
    """
    if isinstance(event, OfferFeedback):
        return report(person, event, now_ms, rules)
    if isinstance(event, App) and event.event_name == "push_opened":
        return opened_push(person, event, now_ms)
    if not isinstance(event, Purchase):
        return person, ()
    person, credited = _coupons(person, event, now_ms, rules, sale)
    if sale is not None and sale.after.cancelled and rules.places.coupon_after_cancel == "free":
        person = without_redemptions(person, sale.after.order_id, rules.budgets)
    return person, credited + (sold(person, sale, rules.policies) if sale is not None else ())


def _coupons(
    person: Customer, event: Purchase, now_ms: int, rules: CreditRules, sale: Sale | None
) -> Changed:
    """What an order, or an update of it, is credited to; an order of zero by its coupons alone."""
    is_update = event.event_name == "order_updated"
    at_ms = min(event.at_ms if sale is None or not is_update else sale.after.at_ms, now_ms)
    order_id, event = order_id_of(event), each_once(person, event, at_ms, rules.places)
    if event.event_name == "order_completed" and event.total.value >= 0.0:
        is_new = event.total.value > 0.0 and (sale is None or sale.before is None)
        whole = Use(at_ms, now_ms, event.total.value, order_id)
        person, credited = credit_order(person, event, whole, rules, is_new=is_new)
        if not person.coupons_shown:
            return person, credited
        person, more = credit_shown(person, now_ms, rules)
        return person, credited + more
    if event.event_name != "order_updated" or not event.coupons:
        return person, ()
    if sale is not None:
        whole = Use(at_ms, now_ms, sale.after.completed, order_id)
        person, credited = credit_order(person, event, whole, rules, is_new=False)
        person, charged = charge_shown(person, now_ms, rules)
        return person, credited + charged
    for coupon in event.coupons:
        person = with_shown(person, shown_on(event, coupon, at_ms))
    return charge_shown(person, now_ms, rules)
