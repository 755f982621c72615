"""Classes of offers that mean something: which goes first, and what it passes.

`mandatory` is what has to be said, such as a recall; `transactional` answers what the person has
just done; `default` fills a place where nothing else may be shown. Any other name is the shop's own
and stands between them. Nothing that a class passes is a consent, quiet hours or an offer's rule.
"""

from collections.abc import Sequence
from typing import Final

from streams.contracts.outputs.payloads import DecisionLog, WhyNot
from streams.contracts.reference.structs import Offer
from streams.decisions.exploration import Draw
from streams.decisions.policy import CompiledOffer

STANDARD: Final = "standard"
MANDATORY, TRANSACTIONAL, DEFAULT = "mandatory", "transactional", "default"
NO_TOPIC: Final = frozenset({STANDARD, MANDATORY, TRANSACTIONAL, DEFAULT})
"""Classes that say nothing of what an offer is about: none is refused as a whole."""
ORDER: Final = {MANDATORY: 0, TRANSACTIONAL: 1, DEFAULT: 3}
OTHERS: Final = 2
PASSING: Final = (MANDATORY, TRANSACTIONAL)
Objected = list[WhyNot | None]
"""Of each offer of a policy, in their order, what objects to it; None: it is eligible."""
CERTAIN: Final = Draw(0, (1.0,), 0.0)


def rank_of(offer: Offer) -> int:
    """Its place in the order of classes: the least goes first."""
    return ORDER.get(offer.class_, OTHERS)


def is_certain(eligible: Sequence[CompiledOffer]) -> bool:
    """Whether there is nothing to draw: a mandatory offer is sent, in every arm."""
    return bool(eligible) and eligible[0].offer.class_ == MANDATORY


def was_certain(entry: DecisionLog, eligible: Sequence[CompiledOffer]) -> bool:
    """Whether a decision had nothing to draw.

    In older records `mandatory` is a name like any other, and such offers were drawn.
    """
    only = len(eligible) == 1 and is_certain(eligible)
    return only and (entry.action_probability, entry.no_offer_probability) == (1.0, 0.0)


def possible(offers: Sequence[CompiledOffer], objected: Objected) -> list[CompiledOffer]:
    """The offers to which nothing objects."""
    if not any(objected):
        return list(offers)
    return [c for c, code in zip(offers, objected, strict=True) if code is None]


def passes_limits(eligible: Sequence[CompiledOffer]) -> bool:
    """Whether what is eligible, of one class, may pass the limits over all offers."""
    return any(c.offer.class_ in PASSING for c in eligible)


def ranked(offers: Sequence[CompiledOffer], objected: Objected) -> Objected:
    """The eligible offers of the class that goes first; the others are outranked.

    Of several mandatory offers the one that ends first is sent, the first by name of equals.
    """
    eligible = possible(offers, objected)
    if not eligible:
        return objected
    first = min(rank_of(c.offer) for c in eligible)
    stay = {c.place for c in eligible if rank_of(c.offer) == first}
    if first == ORDER[MANDATORY]:
        urgent = min(eligible, key=_urgency)
        stay = {urgent.place}
    return [
        "outranked" if code is None and place not in stay else code
        for place, code in enumerate(objected)
    ]


def _urgency(candidate: CompiledOffer) -> tuple[int, int, str]:
    return rank_of(candidate.offer), candidate.until_ms, candidate.offer.offer_id
