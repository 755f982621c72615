"""Whose orders are compared: from a decision on, with the offer that was sent, or without one.

One comparison a person at a time, of everybody alike: those with an offer, those for whom none was
drawn, and those in the holdout. It begins at a decision that could offer something.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.contracts.outputs.payloads import Terms
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS
from streams.customer import Customer, is_granted
from streams.customer.row import Compared, Comparison
from streams.decisions.exploration import draw, exploring_of
from streams.decisions.holdouts import without_held
from streams.decisions.known import Known, Vector
from streams.decisions.policy import CompiledOffer
from streams.features import FEATURES_VERSION, pack

WINDOWS = 2
"""An order that an offer only brought forward is missing later: two of its windows see both."""
LONG = 4


class Weighed(NamedTuple):
    """Offers that were possible, and what each was worth."""

    eligible: Sequence[CompiledOffer]
    terms: Sequence[Terms]


def _may_open(person: Customer) -> bool:
    """Whether a comparison may begin: none is open, and the person lets us learn."""
    is_open = person.compared is not None and person.compared.open
    return not is_open and is_granted(person, "model_training")


def with_comparison(
    person: Customer,
    known: Known,
    context: Vector,
    weighed: Weighed,
    offer: Offer | None,
) -> Customer:
    """The person whose orders are compared from now on, if that may begin.

    Args:
        person: the row after the decision.
        known: the decision. Where everybody is sent an offer, or nobody, there is nothing to
            compare.
        context: its features.
        weighed: the eligible offers, whether one of them was drawn or not.
        offer: the one that was sent; None: no offer.
    """
    if not _may_open(person):
        return person
    offered = _offered(known, weighed)
    if not 0.0 < offered < 1.0:
        return person
    days = WINDOWS * known.policy.policies.arbitration.attribution_window_days
    window_ms = round(days * DAY_MS)
    begun = Comparison(
        decision_id=known.decision_id,
        opened_at_ms=known.now_ms,
        ends_at_ms=known.now_ms + window_ms,
        offer_id="" if offer is None else offer.offer_id,
        class_="" if offer is None else offer.class_,
        offered=offered,
    )
    before = person.compared
    if before is None or before.features_version != FEATURES_VERSION:
        orders = (
            _orders_since(person, known.now_ms - window_ms),
            _orders_since(person, known.now_ms - LONG * window_ms),
        )
        before = Compared(known.now_ms, FEATURES_VERSION, pack(context), orders_before=orders)
    return replace(person, compared=replace(before, open=(begun,)))


def _orders_since(person: Customer, since_ms: int) -> int:
    return sum(order.stands and order.at_ms > since_ms for order in person.orders)


def _offered(known: Known, weighed: Weighed) -> float:
    """P(an offer is sent) at this decision, over all arms that the person could have been in."""
    policies, priorities = known.policy.policies, [t.priority for t in weighed.terms]
    exploring = exploring_of(policies.arbitration, weighed.terms, known.model.version)
    names = [c.offer.offer_id for c in weighed.eligible]
    told = 0.0
    for arm in policies.experiment.arms:
        if arm.chooser == "uniform" and not known.held:
            told += arm.share  # always sends one
        elif arm.chooser != "holdout":
            drawn = draw(known.decision_id, priorities, arm, exploring)
            told += arm.share * (1.0 - without_held(drawn, names, known.held).no_offer)
    return told
