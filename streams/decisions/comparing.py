"""Whose orders are compared: from a decision on, with the offer that was sent, or without one.

One comparison a person at a time, of everybody alike: those with an offer, those for whom none was
drawn, and those in the holdout. It begins at a decision that could offer something.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.reference.structs import Arm
from streams.contracts.times import DAY_MS
from streams.customer import Customer, is_granted
from streams.customer.row import Compared, Comparison
from streams.decisions.anyway import share_expected
from streams.decisions.doubting import posterior_by
from streams.decisions.exploration import draw, exploring_of
from streams.decisions.holdouts import without_held
from streams.decisions.known import Chosen, Known
from streams.decisions.policy import CompiledOffer
from streams.features import FEATURES_VERSION, pack
from streams.features.packing import Vector

WINDOWS = 2
"""An order that an offer only brought forward is missing later: two of its windows see both."""
LONG = 4


class Weighed(NamedTuple):
    """Offers that were possible, what each was worth, and their features.

    `no_offer`: P(none is sent) by priority, where that is known: this decision was drawn so.
    """

    eligible: Sequence[CompiledOffer]
    terms: TermColumns
    vectors: Vector
    no_offer: float | None = None


def _may_open(person: Customer) -> bool:
    """Whether a comparison may begin: none is open, and the person lets us learn."""
    is_open = person.compared is not None and person.compared.open
    return not is_open and is_granted(person, "model_training")


def with_comparison(
    person: Customer,
    known: Known,
    context: Vector,
    weighed: Weighed,
    chosen: Chosen | None,
) -> Customer:
    """The person whose orders are compared from now on, if that may begin.

    Args:
        person: the row after the decision.
        known: the decision. Where everybody is sent an offer, or nobody, there is nothing to
            compare.
        context: its features.
        weighed: the eligible offers, whether one of them was drawn or not.
        chosen: what was sent; None: no offer.
    """
    if not _may_open(person):
        return person
    offered = _offered(known, weighed, context)
    if not 0.0 < offered < 1.0:
        return person
    days = WINDOWS * known.policy.policies.arbitration.attribution_window_days
    window_ms = round(days * DAY_MS)
    offer = None if chosen is None else chosen.candidate.offer
    begun = Comparison(
        decision_id=known.decision_id,
        opened_at_ms=known.now_ms,
        ends_at_ms=known.now_ms + window_ms,
        offer_id="" if offer is None else offer.offer_id,
        class_="" if offer is None else offer.class_,
        offered=offered,
        expected=-1.0 if chosen is None else _expected(known, chosen),
    )
    before = person.compared
    if before is None or before.features_version != FEATURES_VERSION:
        orders = (
            _orders_since(person, known.now_ms - window_ms),
            _orders_since(person, known.now_ms - LONG * window_ms),
        )
        before = Compared(known.now_ms, FEATURES_VERSION, pack(context), orders_before=orders)
    return replace(person, compared=replace(before, open=(begun,)))


def _expected(known: Known, chosen: Chosen) -> float:
    """The share of the offer's uses that is bought anyway by who the person is."""
    prior = known.policy.policies.arbitration.redeemed_at_base_rate
    return share_expected(chosen.terms.ordered_anyway, prior)


def _orders_since(person: Customer, since_ms: int) -> int:
    return len([order for order in person.orders if order.stands and order.at_ms > since_ms])


def _offered(known: Known, weighed: Weighed, context: Vector) -> float:
    """P(an offer is sent) at this decision, over all arms that the person could have been in."""
    told, by_priority = 0.0, weighed.no_offer
    for arm in known.policy.policies.experiment.arms:
        if arm.chooser == "holdout":
            continue
        if arm.chooser == "uniform":  # always sends one, but where it falls on one withheld
            withheld = _no_offer(known, weighed, context, arm) if known.held else 0.0
            told += arm.share * (1.0 - withheld)
            continue
        if by_priority is None:
            by_priority = _no_offer(known, weighed, context, arm)
        told += arm.share * (1.0 - by_priority)
    return told


def _no_offer(known: Known, weighed: Weighed, context: Vector, arm: Arm) -> float:
    """P(no offer is sent), where the arm draws."""
    arbitration, of = known.policy.policies.arbitration, weighed
    posterior = None
    if arm.chooser != "uniform":  # which draws by chance, however sure the model is
        features = (of.vectors, context)
        posterior = posterior_by(known.basis.scorer, arbitration, of.eligible, of.terms, features)
    exploring = exploring_of(arbitration, of.terms, known.model.version, posterior)
    drawn = draw(known.decision_id, of.terms.priority, arm, exploring)
    return without_held(drawn, [c.offer.offer_id for c in weighed.eligible], known.held).no_offer
