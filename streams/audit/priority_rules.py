"""What the owner adds to a priority by hand: counted anew from the policies."""

from streams.audit.verdicts import Answer, Broken, holds
from streams.audit.views import OfferView
from streams.contracts.reference.structs import Lever

SLACK = 1e-6


def lever(at: OfferView) -> Answer:
    """A priority holds what the owner's levers add at that time, within `lever_max`."""
    if at.spec is None:
        return None
    terms, most = at.offer.terms, at.world.policies.arbitration.lever_max
    live = [each.amount for each in at.world.policies.levers if _counts(each, at)]
    right = max(-most, min(most, sum(live)))
    if abs(terms.lever - right) > SLACK:
        return Broken(f"lever {terms.lever:g} was added, the policies say {right:g}")
    whole = terms.value - terms.cost - terms.fatigue + terms.lever
    good = abs(whole - terms.priority) <= SLACK
    return holds(good, f"priority {terms.priority:g} is stated, its terms add up to {whole:g}")


def _counts(each: Lever, at: OfferView) -> bool:
    if at.spec is None or at.at >= each.valid_until:
        return False
    if each.valid_from is not None and at.at < each.valid_from:
        return False
    named = (
        (each.offer_id, at.spec.offer_id),
        (each.class_, at.spec.class_),
        (each.channel, at.offer.channel),
    )
    return all(wanted is None or wanted == own for wanted, own in named)
