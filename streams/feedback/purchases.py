"""Which decision an order belongs to: its coupons say so, else the offer that was viewed last.

Explicit wins. A coupon that names a decision credits it; one that names an offer (by `offer_id`, or
by its code or GCN) credits the newest unused decision for it. Only an order without such a coupon
is attributed: to the offer that was viewed last inside the window and whose categories the order
meets. That is an *assisted purchase*: it is label 1, but no redemption. An offer with a coupon of
its own is never assisted: who had the coupon and did not show it would have bought anyway. One
order credits one decision a coupon, or one by attribution; one decision is credited once.
"""

from typing import NamedTuple

from msgspec.structs import replace

from streams.contracts.coupons import folded
from streams.contracts.inputs.events import CouponUse, Purchase
from streams.contracts.outputs.effects import Effect, OutcomeSeen
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer import Places
from streams.customer.orders import exact
from streams.customer.row import Customer, OpenDecision, ShownCoupon
from streams.feedback.closing import Changed, Use, assist, charge_again, redeem, with_shown
from streams.feedback.outcomes import find, redeem_unknown
from streams.feedback.raising import charge_raised, is_charged, units_told
from streams.feedback.rules import CreditRules

GCN_DIGITS_MIN = 13


def credit_order(
    person: Customer,
    event: Purchase,
    whole: Use,
    rules: CreditRules,
    *,
    is_new: bool,
) -> Changed:
    """The person after an order was told, and what it was credited to.

    Coupons count whenever they are told; an order is attributed to a view only when it `is_new`.
    `whole` is the use of the whole order, in which coupons share. A coupon whose decision the row
    does not hold is remembered: the row may be merged with one that does.
    """
    at_ms, places, before_it = whole.at_ms, rules.places, person
    coupons = [c for c in event.coupons if named_by(person, c, at_ms, places) is not None]
    others = [(c, _holder(person, c, at_ms)) for c in event.coupons if c not in coupons]
    strange = [coupon for coupon, holder in others if holder is None]
    effects: list[Effect] = []
    told = dict[str, int]()
    for coupon, holder in others:
        if holder is not None:
            budget = rules.budgets.get(holder.offer_id)
            use = replace(whole, discount=coupon.discount, budget=budget)
            person, charged = charge_again(person, holder.offer_id, use)
            effects.extend(charged)
            _add(told, holder.offer_id, use)
    for coupon in coupons:
        named = named_by(person, coupon, at_ms, places)
        if named is None:
            continue
        if not named.offer_id:
            strange.append(coupon)
            continue
        budget = rules.budgets.get(named.offer_id)
        share = whole.amount / len(coupons)
        before = person
        use = replace(whole, amount=share, discount=coupon.discount, budget=budget)
        if _is_told_anew(before_it, coupon, named.offer_id, whole.order_id):
            _add(told, named.offer_id, use)
            continue
        later = _learned_later(person, named, use, rules.policies, places)
        if later is None:
            person, use = paid_before(person, named, use, places)
            later = credit_use(person, named, use, rules.policies)
        person, used = later
        effects.extend(used)
        _add(told, named.offer_id, use)
        is_again = bool(person.redemptions) and person.redemptions[-1].again
        if named.decision is None and person is not before and not is_again:
            own = replace(coupon, offer_id=named.offer_id, decision_id=named.decision_id or None)
            person = with_shown(person, shown_on(event, own, at_ms, counted=True))
    person, raised = charge_raised(person, whole.order_id, told, whole.now_ms)
    effects.extend(raised)
    for coupon in strange:
        person = with_shown(person, shown_on(event, coupon, at_ms))
    if not coupons and is_new:
        person, assisted = _attribute(person, event, whole.now_ms, rules.policies)
        effects.extend(assisted)
    return person, tuple(effects)


def each_once(person: Customer, event: Purchase, at_ms: int, places: Places) -> Purchase:
    """The event with each coupon that it names once, at what all its mentions took off.

    A till may tell of a coupon line by line, here by its code and there by its decision: all that
    is of one offer is one coupon, unless decisions or GCNs tell two apart. Of its mentions the one
    that says most stays: one that is of a use to come, with a decision, with a GCN.
    """
    if len(event.coupons) < 2:
        return event
    found: list[tuple[tuple[str, ...], list[tuple[int, CouponUse]]]] = []
    told = []
    for number, coupon in enumerate(event.coupons):
        named = named_by(person, coupon, at_ms, places)
        little = (named is None, coupon.decision_id is None, coupon.gcn is None, number)
        told.append((little, _is_for(person, coupon, at_ms, named, places), coupon))
    for little, whose, coupon in sorted(told, key=lambda each: each[0]):
        alike = [some for key, some in found if key == whose and _is_one(some, coupon)]
        if alike:
            alike[0].append((little[-1], coupon))
        else:
            found.append((whose, [(little[-1], coupon)]))
    if len(found) == len(event.coupons):
        return event
    found.sort(key=lambda each: min([number for number, _ in each[1]]))
    once = [_added_up([coupon for _, coupon in some]) for _, some in found]
    return replace(event, coupons=tuple(once))


def _is_for(
    person: Customer, coupon: CouponUse, at_ms: int, named: "Named | None", places: Places
) -> tuple[str, ...]:
    """What two mentions of one coupon have in common: the offer, or while it is unknown all."""
    known = _holder(person, coupon, at_ms) if named is None else named
    if known is not None and known.offer_id:
        return (known.offer_id,)
    terms = places.coupon(coupon.code, coupon.gcn)
    if terms is not None:
        return (terms.offer_id,)
    spelled = (coupon.code, coupon.gcn, coupon.offer_id, coupon.decision_id)
    return ("", *["" if each is None else folded(each) for each in spelled])


def _is_one(mentions: list[tuple[int, CouponUse]], coupon: CouponUse) -> bool:
    """Whether no decision and no GCN tells it apart; a GCN may lack its serial number."""
    for _, other in mentions:
        both = coupon.decision_id is not None and other.decision_id is not None
        if both and coupon.decision_id != other.decision_id:
            return False
        one, two = coupon.gcn or "", other.gcn or ""
        if not one.startswith(two) and not two.startswith(one):
            return False
    return True


def _added_up(mentions: list[CouponUse]) -> CouponUse:
    if len(mentions) == 1:
        return mentions[0]
    return replace(mentions[0], discount=exact(sum([max(c.discount, 0.0) for c in mentions])))


def _is_told_anew(person: Customer, coupon: CouponUse, offer_id: str, order_id: str) -> bool:
    """Whether an earlier event of the order told of this coupon: not of another one in hand."""
    own = coupon.decision_id is not None or coupon.gcn is not None
    return not own and is_charged(person, offer_id, order_id)


def _add(told: dict[str, int], offer_id: str, use: Use) -> None:
    """One more coupon of the event, with what it took off."""
    told[offer_id] = told.get(offer_id, 0) + units_told(use.discount, use.budget)


def offer_shown(person: Customer, shown: ShownCoupon, places: Places) -> str:
    """The offer of a coupon, by what it names; of a decision alone, by its contact."""
    if shown.offer_id:
        return shown.offer_id
    known = places.coupon(shown.code or None, shown.gcn or None)
    if known is not None:
        return known.offer_id
    return offer_sent(person, shown.decision_id, None)


def paid_for(
    person: Customer, offer_id: str, decision_id: str, order_id: str, places: Places
) -> ShownCoupon | None:
    """The coupon of the order that was charged before it was known whose it is, if there is one.

    Another decision's is another coupon.
    """
    return shown_of(person, offer_id, decision_id, order_id, places, counted=False)


def shown_of(
    person: Customer,
    offer_id: str,
    decision_id: str,
    order_id: str,
    places: Places,
    *,
    counted: bool,
) -> ShownCoupon | None:
    """The order's coupon that was `counted` as a use, or only charged; not of another decision."""
    if not order_id or not offer_id:
        return None
    for shown in person.coupons_shown:
        was = shown.counted if counted else shown.charged and not shown.counted
        is_paid = was and shown.order_id == order_id
        is_other = shown.decision_id and decision_id and shown.decision_id != decision_id
        if is_paid and not is_other and offer_shown(person, shown, places) == offer_id:
            return shown
    return None


def paid_before(person: Customer, named: "Named", use: Use, places: Places) -> tuple[Customer, Use]:
    """The use with what its order was charged by another of the coupon's names, which is done."""
    if use.charged or use.budget is None or is_charged(person, named.offer_id, use.order_id):
        return person, use
    paid = paid_for(person, named.offer_id, named.decision_id, use.order_id, places)
    if paid is None:
        return person, use
    rest = tuple(c for c in person.coupons_shown if c is not paid)
    return replace(person, coupons_shown=rest), replace(use, charged=True, cost=paid.cost)


def shown_on(
    event: Purchase, coupon: CouponUse, at_ms: int, *, counted: bool = False
) -> ShownCoupon:
    """A coupon of an order, as the row remembers it."""
    return ShownCoupon(
        order_id_of(event),
        at_ms,
        len(event.coupons),
        folded(coupon.code or ""),
        coupon.gcn or "",
        coupon.offer_id or "",
        coupon.decision_id or "",
        counted,
        discount=0.0 if counted else coupon.discount,
    )


def order_id_of(event: Purchase) -> str:
    """Which order an event is about."""
    own = event.event_name == "order_completed" or event.original_order_id is None
    return event.order_id if own else event.original_order_id or event.order_id


class Named(NamedTuple):
    """What a coupon names: an offer, and the decision that made it, where the row holds it."""

    offer_id: str
    decision_id: str
    decision: OpenDecision | None


def named_by(person: Customer, coupon: CouponUse, at_ms: int, places: Places) -> Named | None:
    """The decision or offer of a coupon; None: it is none of this person's."""
    decision = find(person, coupon.decision_id) if coupon.decision_id else None
    if decision is None and coupon.decision_id is None:
        decision = _newest(person, coupon, at_ms)
    if decision is not None:
        return Named(decision.offer_id, decision.decision_id, decision)
    if coupon.decision_id or coupon.offer_id:
        offer_id = coupon.offer_id or offer_sent(person, coupon.decision_id or "", at_ms)
        return Named(offer_id, coupon.decision_id or "", None)
    return _sent_before(person, coupon, at_ms, places)


def offer_sent(person: Customer, decision_id: str, at_ms: int | None) -> str:
    """The offer that a decision sent by then, also one that has left the row; else empty.

    None: whenever it was. Of a charge it is asked so, for an update may name a decision that is
    newer than its order, and the money is gone.
    """
    sent = [
        c
        for c in person.contacts
        if c.decision_id == decision_id and (at_ms is None or c.at_ms <= at_ms)
    ]
    return sent[-1].offer_id if sent and decision_id else ""


def _sent_before(person: Customer, coupon: CouponUse, at_ms: int, places: Places) -> Named | None:
    """The offer whose coupon it is, if it was sent to the person and may still be used."""
    terms = places.coupon(coupon.code, coupon.gcn)
    if terms is None:
        return None
    for contact in reversed(person.contacts):
        until_ms = min(contact.at_ms + terms.redeem_within_ms, terms.until_ms)
        if contact.offer_id == terms.offer_id and contact.at_ms <= at_ms <= until_ms:
            return Named(contact.offer_id, contact.decision_id, None)
    return None


def credit_use(person: Customer, named: Named, use: Use, policies: Policies) -> Changed:
    """The person after the use of an offer was credited to its decision, if the row holds it."""
    if named.decision is not None:
        return redeem(person, named.decision, use)
    return redeem_unknown(person, named.decision_id, named.offer_id, use, policies)


def label_use(person: Customer, named: Named, use: Use, policies: Policies) -> Changed | None:
    """The decision's label, where the offer counts as used already; None: no decision is known."""
    if named.decision is None:
        return None
    after, effects = credit_use(person, named, use, policies)
    labels = tuple(effect for effect in effects if not isinstance(effect, OutcomeSeen))
    return replace(after, redemptions=person.redemptions), labels


def _learned_later(
    person: Customer, named: Named, use: Use, policies: Policies, places: Places
) -> Changed | None:
    """The label of a decision, where a visitor's order had named its offer alone; else None."""
    counted = shown_of(
        person, named.offer_id, named.decision_id, use.order_id, places, counted=True
    )
    if counted is None or not is_charged(person, named.offer_id, use.order_id):
        return None
    rest = tuple(c for c in person.coupons_shown if c is not counted)
    use = replace(use, charged=True)
    return label_use(replace(person, coupons_shown=rest), named, use, policies)


def _holder(person: Customer, coupon: CouponUse, at_ms: int) -> OpenDecision | None:
    """A decision that the row holds whose coupon it is, whatever became of it."""
    waiting = (*person.open_decisions, *person.coupons_out)
    return next((d for d in waiting if _is_of(coupon, d, at_ms)), None)


def _newest(person: Customer, coupon: CouponUse, at_ms: int) -> OpenDecision | None:
    """The newest decision for the coupon's offer that is not used yet and may be at `at_ms`."""
    waiting = (*person.open_decisions, *person.coupons_out)
    unused = (d for d in waiting if d.status != "used" and _is_of(coupon, d, at_ms))
    return max(unused, key=lambda d: (d.decided_at_ms, d.decision_id), default=None)


def _is_of(coupon: CouponUse, decision: OpenDecision, at_ms: int) -> bool:
    """Whether it is this offer's coupon, and was decided by then.

    A GCN may carry a serial number behind the offer's own.
    """
    if decision.decided_at_ms > at_ms:
        return False
    if coupon.offer_id is not None:
        return coupon.offer_id == decision.offer_id
    if decision.redeem_until_ms and at_ms > decision.redeem_until_ms:
        return False
    if coupon.code is not None:
        code = folded(coupon.code)
        if any(code == folded(own) for own in (decision.offer_id, *decision.coupons)):
            return True
    gcn = coupon.gcn or ""
    return any(len(own) >= GCN_DIGITS_MIN and gcn.startswith(own) for own in decision.coupons)


def _attribute(person: Customer, event: Purchase, now_ms: int, policies: Policies) -> Changed:
    """Label 1 for the offer viewed last before the order, if the order is of its categories."""
    at_ms = min(event.at_ms, now_ms)
    since_ms = at_ms - round(policies.arbitration.attribution_window_days * DAY_MS)
    bought = {item.category for item in event.items if item.category}
    viewed = [
        (d.viewed_at_ms, d.decision_id, d)
        for d in person.open_decisions
        if d.viewed_at_ms is not None
        and since_ms <= d.viewed_at_ms <= at_ms
        and d.status == "open"
        and d.dismissed_at_ms is None
        and not d.coupons
        and (not d.categories or bought.intersection(d.categories))
    ]
    return assist(person, max(viewed)[-1], now_ms) if viewed else (person, ())
