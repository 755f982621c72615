"""What the shop earns of a person in a time after their first decision, whatever their arm is.

A person is enrolled by the first decision that could have made an offer: until then all arms are
alike, and from then on the holdout is sent nothing. `window_days` later it is known what the shop
earned, in the holdout as in the other arms. So the means of the arms can be compared, and each
decision that enrolled somebody has an outcome, also one that made no offer.

    margin of the window = margins of its orders that stand - contact costs of its offers

where a contact costs what the offer says, and what the channel does that was chosen for it.
"""

from collections.abc import Mapping
from typing import Protocol, get_args

from msgspec.structs import replace

from streams.contracts.ids import derive_id, stable_hash
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import DecisionLogged, Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import Verdict
from streams.contracts.reference.structs import Chooser, Experiment, Policies
from streams.contracts.sums import sum_of
from streams.contracts.times import DAY_MS, to_ms
from streams.customer.row import Customer, Enrollment
from streams.feedback.labels import may_train
from streams.feedback.sales import margin_of
from streams.identity.arms import arm_of

ENROLLING: frozenset[Verdict] = frozenset({"offer", "no_offer", "holdout"})
MARGIN = "margin"
CHOOSERS: tuple[Chooser, ...] = get_args(Chooser)
HASH_SHIFT = 11  # 53 bits are left, which a float holds


class Costs(Protocol):
    """What of the shop's reference data margins are told by; a policy is one."""

    @property
    def policies(self) -> Policies:
        """The margin share."""
        ...

    @property
    def contact_costs(self) -> Mapping[str, float]:
        """By offer, in the shop's currency."""
        ...


def enroll(person: Customer, decided: tuple[Effect, ...], policies: Policies) -> Customer:
    """The person, enrolled by the first of these decisions that could have made an offer.

    Once in an experiment, and only customers: an anonymous visitor's arm gives way to theirs.
    """
    if not person.known:
        return person
    entry = next(
        (
            effect.entry
            for effect in decided
            if isinstance(effect, DecisionLogged) and effect.entry.verdict in ENROLLING
        ),
        None,
    )
    if entry is None:
        return person
    experiment, since_ms = policies.experiment, to_ms(entry.decided_at)
    hashed = experiment_hash(experiment)
    if person.enrollment is not None and person.enrollment.experiment == hashed:
        return person
    enrollment = Enrollment(
        experiment=hashed,
        decision_id=entry.decision_id,
        chooser=arm_of(experiment, person.customer_id).chooser,
        shares=_shares(experiment),
        since_ms=since_ms,
        until_ms=since_ms + round(experiment.window_days * DAY_MS),
    )
    return replace(person, enrollment=enrollment)


def tell_margin(
    person: Customer, at_ms: int, shop: Costs
) -> tuple[Customer, tuple[OutcomeLabeled, ...]]:
    """What the shop earned in the window, once it is over; learned from where it is allowed."""
    enrollment = person.enrollment
    if enrollment is None or enrollment.told or enrollment.until_ms > at_ms:
        return person, ()
    told = replace(person, enrollment=replace(enrollment, told=True))
    if not may_train(person):
        return told, ()
    example = LearningExample(
        example_id=margin_id(enrollment.decision_id),
        model=MARGIN,
        observed_at_ms=at_ms,
        label=round(margin_between(person, enrollment.since_ms, enrollment.until_ms, shop), 6),
        features={
            "experiment": float(enrollment.experiment),
            f"chooser_{enrollment.chooser}": 1.0,
            **{f"share_{c}": s for c, s in zip(CHOOSERS, enrollment.shares, strict=True)},
        },
    )
    return told, (OutcomeLabeled(example),)


def margin_id(decision_id: str) -> str:
    """The id of the example of what was earned after the decision that enrolled somebody."""
    return derive_id("x", decision_id, MARGIN)


def _shares(experiment: Experiment) -> tuple[float, ...]:
    """The share of the people for whom each chooser chooses."""
    return tuple(
        round(sum_of(arm.share for arm in experiment.arms if arm.chooser == chooser), 9)
        for chooser in CHOOSERS
    )


def margin_between(person: Customer, since_ms: int, until_ms: int, shop: Costs) -> float:
    """In the shop's currency, of the orders and contacts that the row remembers."""
    share, costs = shop.policies.churn.margin_share, shop.contact_costs
    within = [o for o in person.orders if o.stands and since_ms <= o.at_ms < until_ms]
    contacts = [c for c in person.contacts if since_ms <= c.at_ms < until_ms]
    earned = sum_of(margin_of(order, share) for order in within)
    return earned - sum_of(costs.get(c.offer_id, 0.0) + (c.channel_cost or 0.0) for c in contacts)


def experiment_hash(experiment: Experiment) -> int:
    """What a row and a learner call an experiment by: of its salt and id."""
    return stable_hash(experiment.salt, experiment.id) >> HASH_SHIFT
