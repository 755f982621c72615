"""What the shop earns of people who were sent an offer, and of people in the offer's holdout.

A person is enrolled for an offer by the first decision whose draw falls on it: sent, or withheld.
Until then both groups are alike; from then on one of them never gets it. `window_days` later it is
known what the shop earned of each, told as in `enrollment`.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import DecisionLogged, Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import DAY_MS, to_ms
from streams.customer.offer_counts import is_counted, with_counted
from streams.customer.row import OFFER_ENROLLMENTS_MAX, Customer, OfferEnrollment
from streams.feedback.enrollment import Costs, experiment_hash, margin_between
from streams.feedback.labels import may_train

OFFER_MARGIN = "offer_margin"


class Shares(Costs, Protocol):
    """What of the shop's reference data holdouts of offers are told by; a policy is one."""

    @property
    def holdout_shares(self) -> Mapping[str, float]:
        """By offer, of those that have a holdout."""
        ...


def enroll_for_offers(person: Customer, decided: tuple[Effect, ...], shop: Shares) -> Customer:
    """The person, enrolled for the offer that was drawn, if it has a holdout.

    At the first draw that fell on it or never: once for an offer in an experiment, and only
    customers, as in `enrollment.enroll`.
    """
    if not shop.holdout_shares or not person.known:
        return person
    entries = [effect.entry for effect in decided if isinstance(effect, DecisionLogged)]
    for entry in entries:
        person = _enrolled(person, entry, shop)
    return person


def _enrolled(person: Customer, entry: DecisionLog, shop: Shares) -> Customer:
    offer_id = entry.chosen_offer_id or entry.withheld_offer_id
    if offer_id is None or offer_id not in shop.holdout_shares:
        return person
    experiment = experiment_hash(shop.policies.experiment)
    if is_counted(person, experiment, offer_id):
        return person
    person = _with_room(person, experiment)
    if len(person.offer_enrollments) >= OFFER_ENROLLMENTS_MAX:
        return with_counted(person, experiment, [offer_id])  # a later draw is not the first
    since_ms = to_ms(entry.decided_at)
    new = OfferEnrollment(
        experiment=experiment,
        offer_id=offer_id,
        decision_id=entry.decision_id,
        withheld=entry.withheld_offer_id is not None,
        share=shop.holdout_shares[offer_id],
        since_ms=since_ms,
        until_ms=since_ms + round(shop.policies.experiment.window_days * DAY_MS),
    )
    return replace(person, offer_enrollments=(*person.offer_enrollments, new))


def _with_room(person: Customer, experiment: int) -> Customer:
    """Without what is told of other experiments; where it is full, of this one as well."""
    kept = tuple(e for e in person.offer_enrollments if not e.told or e.experiment == experiment)
    if len(kept) >= OFFER_ENROLLMENTS_MAX:
        person = with_counted(person, experiment, [e.offer_id for e in kept if e.told])
        kept = tuple(e for e in kept if not e.told)
    return replace(person, offer_enrollments=kept)


def tell_offer_margins(
    person: Customer, at_ms: int, shop: Costs
) -> tuple[Customer, tuple[OutcomeLabeled, ...]]:
    """What the shop earned in the windows that are over; learned from where it is allowed."""
    over = [e for e in person.offer_enrollments if not e.told and e.until_ms <= at_ms]
    if not over:
        return person, ()
    told = tuple(replace(e, told=True) if e in over else e for e in person.offer_enrollments)
    labels = [_example(person, e, at_ms, shop) for e in over] if may_train(person) else []
    return replace(person, offer_enrollments=told), tuple(labels)


def _example(
    person: Customer, enrollment: OfferEnrollment, at_ms: int, shop: Costs
) -> OutcomeLabeled:
    margin = margin_between(person, enrollment.since_ms, enrollment.until_ms, shop)
    example = LearningExample(
        example_id=derive_id("x", enrollment.decision_id, OFFER_MARGIN),
        model=OFFER_MARGIN,
        observed_at_ms=at_ms,
        label=round(margin, 6),
        features={
            "experiment": float(enrollment.experiment),
            "withheld": float(enrollment.withheld),
            "share": enrollment.share,
        },
        offer_id=enrollment.offer_id,
    )
    return OutcomeLabeled(example)
