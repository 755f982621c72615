"""What is bought after a decision, with an offer and without: when its time is over it is learned.

Orders are counted when the time is over, of those that the row remembers, so whatever was cancelled
or given back as a whole by then counts for nothing. What is reported later changes nothing, for the
people with an offer as for those without.
"""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.reference.structs import Policies
from streams.contracts.sums import sum_of
from streams.customer.row import Compared, Comparison, Customer, OpenDecision
from streams.features import CONTEXT_FEATURES, FEATURES_VERSION, unpack
from streams.feedback.after_contacts import after_contacts
from streams.feedback.labels import may_train
from streams.feedback.sales import margin_of

UPLIFT = "uplift"


def end_comparisons(
    person: Customer, at_ms: int, policies: Policies
) -> tuple[Customer, tuple[OutcomeLabeled, ...]]:
    """The person without the comparisons whose time is over, and what is learned of them.

    Learned only with consent to `model_training` as of now.
    """
    compared = person.compared
    if compared is None or all(c.ends_at_ms > at_ms for c in compared.open):
        return person, ()
    over = [c for c in compared.open if c.ends_at_ms <= at_ms]
    still = tuple(c for c in compared.open if c.ends_at_ms > at_ms)
    left = replace(person, compared=replace(compared, open=still))
    if not may_train(person):
        return left, ()
    share = policies.churn.margin_share
    examples = [_example(person, compared, c, at_ms, share) for c in over]
    if policies.contact.learn_fatigue:
        pairs = list(zip(over, examples, strict=True))
        examples += [after_contacts(person, comparison, told) for comparison, told in pairs]
    return left, tuple(OutcomeLabeled(example) for example in examples)


def count_use(person: Customer, decision: OpenDecision, at_ms: int) -> Customer:
    """The person after an offer was used: each use counts once in every comparison of its time."""
    compared = person.compared
    if compared is None or not compared.open or decision.status not in ("open", "closed"):
        return person
    counted = tuple(
        _with_use(c, decision) if c.opened_at_ms <= at_ms <= c.ends_at_ms else c
        for c in compared.open
    )
    return replace(person, compared=replace(compared, open=counted))


def _with_use(comparison: Comparison, decision: OpenDecision) -> Comparison:
    own = decision.decision_id == comparison.decision_id
    return replace(comparison, uses=comparison.uses + 1, own_uses=comparison.own_uses + int(own))


def _example(
    person: Customer, compared: Compared, comparison: Comparison, at_ms: int, margin_share: float
) -> LearningExample:
    """The label is the number of orders; the class of the offer is among the features by name."""
    orders = [
        order
        for order in person.orders
        if order.stands and comparison.opened_at_ms < order.at_ms <= comparison.ends_at_ms
    ]
    features = {
        "margin": sum_of(margin_of(order, margin_share) for order in orders),
        "offered": comparison.offered,
        "uses": float(comparison.uses),
        "own_uses": float(comparison.own_uses),
    }
    features["orders_before"], features["orders_long_before"] = map(float, compared.orders_before)
    if comparison.offer_id:
        features[f"class_{comparison.class_}"] = 1.0
    if comparison.expected >= 0.0:
        features["expected"] = comparison.expected
    if compared.features_version == FEATURES_VERSION:
        numbers = unpack(compared.context).tolist()
        named = zip(CONTEXT_FEATURES, numbers, strict=True)
        features.update({f"c.{name}": number for name, number in named})
    return LearningExample(
        example_id=derive_id("x", comparison.decision_id, "compared"),
        model=UPLIFT,
        observed_at_ms=at_ms,
        label=float(len(orders)),
        features=features,
        offer_id=comparison.offer_id or None,
    )
