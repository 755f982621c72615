"""How often and when a person may hear from the shop, over all offers and channels."""

from streams.audit.arms import arm_by_hash, held_out_by_hash
from streams.audit.clocks import is_quiet
from streams.audit.verdicts import FINE, Answer, Broken, Unknown, holds
from streams.audit.views import EntryView, OfferView
from streams.audit.world import Contact
from streams.contracts.times import DAY_MS, to_ms


def caps(at: OfferView) -> Answer:
    """The rolling caps over all offers, for all but classes that pass them."""
    if _passes(at):
        return None
    for cap in at.world.policies.contact.caps:
        inside = [c for c in at.earlier if _age_ms(at, c) < cap.days * DAY_MS]
        if len(inside) >= cap.count:
            why = f"contact {len(inside) + 1} in {cap.days:g} days, {cap.count} are allowed"
            return Broken(why, _proof(inside))
    return FINE


def calendar_day(at: OfferView) -> Answer:
    """The cap by calendar day of the person's own clock, for all but classes that pass it."""
    if _passes(at):
        return None
    most = at.world.policies.contact.calendar_day_max
    broken: list[list[Contact]] = []
    for zone in at.zones:
        today = at.at.astimezone(zone).date()
        same = [c for c in at.earlier if c.said.decided_at.astimezone(zone).date() == today]
        if len(same) >= most:
            broken.append(same)
    if not broken:
        return FINE
    if len(broken) < len(at.zones):
        return Unknown("the person's clock may show one of two zones")
    return Broken(f"contact {len(broken[0]) + 1} of one day, {most} are allowed", _proof(broken[0]))


def gap(at: OfferView) -> Answer:
    """The least time between two contacts, for all but classes that pass it."""
    if _passes(at):
        return None
    least_ms = at.world.policies.contact.min_gap_ms
    near = [c for c in at.earlier if _age_ms(at, c) < least_ms]
    return holds(not near, f"less than {least_ms} ms after another contact", *_proof(near))


def quiet_hours(at: OfferView) -> Answer:
    """Nothing is sent over a quiet channel in the quiet hours of the person's own clock."""
    contact = at.world.policies.contact
    if at.offer.channel not in contact.quiet_channels:
        return None
    quiet = [zone for zone in at.zones if is_quiet(at.at, zone, contact.quiet_hours)]
    if quiet and len(quiet) < len(at.zones):
        return Unknown("the person's clock may show one of two zones")
    local = at.at.astimezone(at.zones[0])
    named = [a.event_id for a in at.known if a.timezone]
    return holds(not quiet, f"it was {local:%H:%M} in {at.zones[0]}", *named[-1:])


def holdout(at: OfferView) -> Answer:
    """Nobody of a holdout arm is sent an offer that is not mandatory."""
    if at.spec is not None and at.spec.class_ == "mandatory":
        return None
    arm = arm_by_hash(at.world.policies.experiment, at.offer.customer_id)
    return holds(arm.chooser != "holdout", f"the person is in the holdout ({arm.name})")


def offer_holdout(at: OfferView) -> Answer:
    """Nobody of an offer's own holdout is sent it."""
    if at.spec is None or not at.spec.holdout_share:
        return None
    held = held_out_by_hash(at.world.policies.experiment, at.spec, at.offer.customer_id)
    return holds(not held, f"the person is in the holdout of {at.spec.offer_id}")


def arm(at: OfferView | EntryView) -> Answer:
    """The arm that is named is the one that the hash gives."""
    experiment, said = at.world.policies.experiment, at.said.experiment
    right = arm_by_hash(experiment, at.said.customer_id)
    same = said.id == experiment.id and said.arm == right.name
    good = same and said.holdout == (right.chooser == "holdout")
    return holds(good, f"arm {said.arm} was named, the hash gives {right.name}")


def _passes(at: OfferView) -> bool:
    return at.spec is not None and at.spec.class_ in ("mandatory", "transactional")


def _age_ms(at: OfferView, contact: Contact) -> int:
    return at.at_ms - to_ms(contact.said.decided_at)


def _proof(contacts: list[Contact]) -> tuple[str, ...]:
    return tuple(c.said.decision_id for c in contacts)
