"""What is sent and what is logged of a decision, field by field."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.contracts.common import ChannelName, Purpose
from streams.contracts.outputs.payloads import (
    Alternative,
    CandidateLog,
    ConsentProof,
    ConstraintProof,
    Coupon,
    Creative,
    DecisionLog,
    ExperimentArm,
    NextBestOffer,
    OfferShown,
    Terms,
    Trigger,
    Verdict,
    Versioned,
)
from streams.contracts.reference.structs import Arm, Offer
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import Customer
from streams.customer.consents import states
from streams.decisions.consent import CHANNEL_PURPOSES
from streams.decisions.exploration import Draw
from streams.decisions.limits import cap_remaining
from streams.decisions.policy import CompiledOffer, Policy
from streams.decisions.requests import DecisionRequest
from streams.decisions.wording import offer_text
from streams.features import CONTEXT_FEATURES

RESPONSE = "response"
ALTERNATIVES_MAX = 5


def experiment_of(policy: Policy, arm: Arm) -> ExperimentArm:
    """The arm as outputs name it."""
    return ExperimentArm(
        id=policy.policies.experiment.id, arm=arm.name, holdout=arm.chooser == "holdout"
    )


def policy_of(policy: Policy) -> Versioned:
    """The policy as outputs name it."""
    arbitration = policy.policies.arbitration
    return Versioned(id=arbitration.policy_id, version=f"{arbitration.version}-{policy.version}")


def decision_log(
    person: Customer,
    request: DecisionRequest,
    now_ms: int,
    verdict: Verdict,
    arm: Arm,
    policy: Policy,
    model_version: str,
    candidates: tuple[CandidateLog, ...] = (),
    context: NDArray[np.float32] | None = None,
    chosen: CompiledOffer | None = None,
    probability: float = 1.0,
    no_offer_probability: float = 1.0,
) -> DecisionLog:
    """The entry for `decision-log`; without candidates the decision ended before any was asked."""
    numbers = [] if context is None else context.tolist()
    return DecisionLog(
        decision_id=request.decision_id,
        customer_id=person.customer_id,
        decided_at=from_ms(now_ms),
        verdict=verdict,
        trigger=_trigger(request),
        channel=request.rule.channel,
        placement=request.rule.placement,
        chosen_offer_id=chosen.offer.offer_id if chosen else None,
        action_probability=probability,
        no_offer_probability=no_offer_probability,
        candidates=candidates,
        context=dict(zip(CONTEXT_FEATURES, numbers, strict=False)),
        policy=policy_of(policy),
        model=Versioned(id=RESPONSE, version=model_version),
        experiment=experiment_of(policy, arm),
        traceparent=request.trigger_event.traceparent,
    )


def next_best_offer(
    at: Any,
    chosen: CompiledOffer,
    arm: Arm,
    model_version: str,
    drawn: Draw,
    terms: list[Terms],
    eligible: list[CompiledOffer],
    in_stock: bool | None,
) -> NextBestOffer:
    """The message for `next-best-offers`; `at` is the decision's `Situation`."""
    person, request, policy, now_ms = at.person, at.request, at.policy, at.now_ms
    offer, index, decided_at = chosen.offer, eligible.index(chosen), from_ms(now_ms)
    contact = policy.policies.contact
    return NextBestOffer(
        decision_id=request.decision_id,
        customer_id=person.customer_id,
        decided_at=decided_at,
        valid_until=from_ms(now_ms + request.rule.valid_for_ms),
        trigger=_trigger(request),
        channel=request.rule.channel,
        placement=request.rule.placement,
        deliver_not_before=decided_at,
        offer=_shown(chosen, now_ms),
        coupon=Coupon(code=offer.coupon_code, gcn=offer.gcn) if offer.coupons else None,
        creative=Creative(
            template_id=offer.template_id,
            params={"title": _title(offer, person.locale), "value": offer.value},
            locale=person.locale,
        ),
        reason_codes=reason_codes(request, person, offer),
        terms=terms[index],
        alternatives=_alternatives(eligible, terms, drawn, index),
        text=offer_text(offer, request.rule.kind),
        policy=policy_of(policy),
        model=Versioned(id=RESPONSE, version=model_version),
        action_probability=drawn.probability,
        experiment=experiment_of(policy, arm),
        consent=ConsentProof(
            purposes=states(person, _purposes(offer, request.rule.channel)),
            policy_version=person.consent_version,
        ),
        constraints=ConstraintProof(
            cap_remaining=max(0, cap_remaining(person, contact, now_ms) - 1), in_stock=in_stock
        ),
        traceparent=request.trigger_event.traceparent,
    )


def reason_codes(request: DecisionRequest, person: Customer, offer: Offer) -> tuple[str, ...]:
    """Why this offer now: the trigger, and what the person is known to like."""
    codes = [f"TRIGGER_{request.rule.kind.upper()}"]
    liked = {a.category for a in person.affinities}
    if liked & set(offer.conditions.categories):
        codes.append("CATEGORY_AFFINITY")
    if person.cart and any(i.category in offer.conditions.categories for i in person.cart.items):
        codes.append("IN_CART")
    return tuple(codes)


def _shown(chosen: CompiledOffer, now_ms: int) -> OfferShown:
    offer = chosen.offer
    until_ms = min(chosen.until_ms, now_ms + round(offer.redeem_within_days * DAY_MS))
    return OfferShown(
        offer_id=offer.offer_id,
        version=offer.version,
        class_=offer.class_,
        kind=offer.kind,
        value=offer.value,
        currency=offer.currency,
        conditions=offer.conditions,
        valid_until=from_ms(until_ms),
    )


def _alternatives(
    eligible: list[CompiledOffer], terms: list[Terms], drawn: Draw, chosen: int
) -> tuple[Alternative, ...]:
    others = (i for i in range(len(eligible)) if i != chosen)
    ranked = sorted(others, key=lambda i: (-terms[i].priority, eligible[i].offer.offer_id))
    return tuple(
        Alternative(
            offer_id=eligible[i].offer.offer_id,
            priority=terms[i].priority,
            probability=drawn.probabilities[i],
        )
        for i in ranked[:ALTERNATIVES_MAX]
    )


def _trigger(request: DecisionRequest) -> Trigger:
    return Trigger(
        event_id=request.trigger_event.event_id,
        kind=request.rule.kind,
        rule_id=request.rule.rule_id,
    )


def _purposes(offer: Offer, channel: ChannelName) -> tuple[Purpose, ...]:
    needed = CHANNEL_PURPOSES.get(channel)
    return (offer.purpose, needed) if needed else (offer.purpose,)


def _title(offer: Offer, locale: str) -> str:
    titles = {str(language): title for language, title in offer.title.items()}
    return titles.get(locale[:2], titles.get("en", offer.offer_id))
