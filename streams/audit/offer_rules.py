"""What each offer must keep of its own terms: when, where, to whom, how often."""

from streams.audit.cel_facts import says
from streams.audit.consent import may, may_by_channel
from streams.audit.orders import end_of_redemption_ms, may_name
from streams.audit.verdicts import FINE, Answer, Broken, Unknown, holds
from streams.audit.views import OfferView
from streams.audit.where import store_of
from streams.audit.world import Contact
from streams.contracts.inputs.events import OfferFeedback
from streams.contracts.times import DAY_MS, to_ms

REFUSED = "offer_refused_not_relevant"
NO_TOPIC = ("standard", "mandatory", "transactional", "default")


def known_offer(at: OfferView) -> Answer:
    """The offer is one of the reference data."""
    return holds(at.spec is not None, f"there is no offer {at.offer.offer.offer_id}")


def not_paused(at: OfferView) -> Answer:
    """A paused offer is not made."""
    return None if at.spec is None else holds(not at.spec.paused, "the offer is paused")


def live(at: OfferView) -> Answer:
    """Offers are made from `valid_from` up to, not including, `valid_until`."""
    if at.spec is None:
        return None
    good = to_ms(at.spec.valid_from) <= at.at_ms < to_ms(at.spec.valid_until)
    return holds(good, f"{at.at.isoformat()} is outside its validity")


def channel(at: OfferView) -> Answer:
    """The channel is one of the offer's."""
    if at.spec is None:
        return None
    return holds(at.offer.channel in at.spec.channels, f"{at.offer.channel} is not its channel")


def trigger_kind(at: OfferView) -> Answer:
    """An offer that names kinds of trigger is made by those only."""
    if at.spec is None or not at.spec.triggers:
        return None
    kind = at.offer.trigger.kind
    return holds(kind in at.spec.triggers, f"{kind} is not its trigger", at.offer.trigger.event_id)


def consent_to_purpose(at: OfferView) -> Answer:
    """The person grants the offer's purpose, and does not object."""
    return None if at.spec is None else may(at.known, at.spec.purpose)


def consent_to_channel(at: OfferView) -> Answer:
    """The person grants push, e-mail or SMS, and the phone lets a push through."""
    return may_by_channel(at.known, at.offer.channel)


def store(at: OfferView) -> Answer:
    """An offer of certain stores is made there, or to who is at home there."""
    if at.spec is None or not at.spec.conditions.store_ids:
        return None
    here = store_of(at)
    if isinstance(here, Unknown):
        return here
    return holds(here in at.spec.conditions.store_ids, f"{here or 'no store'} is not its store")


def stock(at: OfferView) -> Answer:
    """An offer of a product that is known to be out of stock is not made."""
    if at.spec is None or at.spec.stock_product_id is None:
        return None
    here = store_of(at)
    if isinstance(here, Unknown):
        return here
    product, held = at.spec.stock_product_id, at.world.stock
    pieces = held.get((product, here), held.get((product, "*")))
    return holds(pieces is None or pieces > 0, f"{product} is out of stock")


def offer_cap(at: OfferView) -> Answer:
    """An offer's own cap: so many in so many days to one person."""
    if at.spec is None or at.spec.cap is None:
        return None
    cap = at.spec.cap
    inside = [c for c in _same(at) if at.at_ms - to_ms(c.said.decided_at) < cap.days * DAY_MS]
    return holds(
        len(inside) < cap.count,
        f"{len(inside) + 1} times in {cap.days:g} days, {cap.count} are allowed",
        *_proof(inside),
    )


def once_per_person(at: OfferView) -> Answer:
    """An offer that may be used once is not made again after it was used."""
    if at.spec is None or not at.spec.once_per_person:
        return None
    use = at.used.get(at.spec.offer_id)
    return FINE if use is None else Broken("it was used before", (use.event_id,))


def already_open(at: OfferView) -> Answer:
    """An offer that the person has, can still use and has not used is not made again."""
    if at.spec is None:
        return None
    usable = [c for c in _same(at) if _is_usable(at, c) and not _used_since(at, c)]
    return holds(not usable, "the person has it and can still use it", *_proof(usable))


def never_with(at: OfferView) -> Answer:
    """Offers that exclude each other are not open for one person at one time."""
    if at.spec is None:
        return None
    own = at.spec.offer_id
    excluded = set(at.spec.never_with)
    excluded |= {o.offer_id for o in at.world.reference.offers if own in o.never_with}
    if not excluded:
        return None
    others = [c for c in at.earlier if c.said.offer.offer_id in excluded and _is_usable(at, c)]
    names = ", ".join(sorted({c.said.offer.offer_id for c in others}))
    return holds(not others, f"never with {names}", *_proof(others))


def not_after(at: OfferView) -> Answer:
    """An offer waits for its days after certain other offers."""
    if at.spec is None or not at.spec.not_after:
        return None
    waits = at.spec.not_after
    others = [
        c
        for c in at.earlier
        if at.at_ms - to_ms(c.said.decided_at) < waits.get(c.said.offer.offer_id, 0) * DAY_MS
    ]
    names = ", ".join(sorted({c.said.offer.offer_id for c in others}))
    return holds(not others, f"too soon after {names}", *_proof(others))


def not_refused(at: OfferView) -> Answer:
    """What a person refused as not relevant is not made again, nor, for a time, its class."""
    own = at.world.offers.get(at.offer.offer.offer_id)
    class_ms = at.world.policies.contact.refused_class_days * DAY_MS
    for a in at.known:
        event = a.event
        if not isinstance(event, OfferFeedback) or event.event_name != REFUSED:
            continue
        if event.offer_id == at.offer.offer.offer_id:
            return Broken("the person refused it as not relevant", (a.event_id,))
        other = at.world.offers.get(event.offer_id or "")
        alike = own is not None and other is not None and own.class_ == other.class_
        about = own is not None and own.class_ not in NO_TOPIC
        if alike and about and at.at_ms - a.at_ms < class_ms:
            return Broken(f"the person refused one of its class, {event.offer_id}", (a.event_id,))
    return FINE


def segment(at: OfferView) -> Answer:
    """The offer's segment is true of the person at that moment."""
    if at.spec is None or at.spec.segment.strip() == "true":
        return None
    return says(at.spec.segment, at)


def _same(at: OfferView) -> list[Contact]:
    return [c for c in at.earlier if c.said.offer.offer_id == at.offer.offer.offer_id]


def _is_usable(at: OfferView, contact: Contact) -> bool:
    """Whether a coupon that was sent could still be used, used or not."""
    return at.at_ms < end_of_redemption_ms(contact, at.world.offers)


def _used_since(at: OfferView, contact: Contact) -> bool:
    """Whether it was used, or may have been: what an event may mean is held against nobody."""
    use = at.used.get(contact.said.offer.offer_id)
    if use is not None and use.at_ms >= to_ms(contact.said.decided_at):
        return True
    return any(a.place >= contact.moment.places[0] and may_name(a, contact) for a in at.accepted)


def _proof(contacts: list[Contact]) -> tuple[str, ...]:
    return tuple(c.said.decision_id for c in contacts)
