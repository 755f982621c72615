"""One decision: who may get what, what it is worth, a draw from known probabilities, and a log."""

from typing import Literal, Protocol

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.contracts.common import Purpose
from streams.contracts.outputs.effects import DecisionLogged, Effect, OfferDecided
from streams.contracts.outputs.payloads import CandidateLog, Terms, Verdict, WhyNot
from streams.contracts.reference.structs import Arm
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.row import OPEN_DECISIONS_MAX, Contact, OpenDecision
from streams.decisions.arbitration import fatigue_of, weigh
from streams.decisions.consent import agreed_purposes
from streams.decisions.eligibility import Situation, in_stock, situation_of, why_not
from streams.decisions.exploration import Draw, draw
from streams.decisions.limits import blocked, quiet_until_ms, with_contact
from streams.decisions.messages import decision_log, next_best_offer
from streams.decisions.policy import CompiledOffer, Policy
from streams.decisions.requests import DecisionRequest
from streams.decisions.triggers import put_off
from streams.features import FEATURES_VERSION, context_vector, offer_matrix, pack
from streams.identity.arms import arm_of

Vector = NDArray[np.float32]
Decided = tuple[Customer, tuple[Effect, ...]]
Stop = Literal["no_consent", "deferred", "stale", "person_cap", "min_gap"]
STOPPED: dict[Stop, WhyNot] = {
    "no_consent": "no_consent",
    "deferred": "quiet_hours",
    "stale": "stale",
    "person_cap": "person_cap",
    "min_gap": "min_gap",
}


class Scorer(Protocol):
    """What a decision asks of the response model."""

    @property
    def version(self) -> str:
        """The snapshot's version."""

    def response_probabilities(
        self, context: Vector, offers: Vector, offer_ids: list[str], expected_rates: Vector
    ) -> NDArray[np.float64]:
        """P(used) of each offer."""


def decide(
    person: Customer,
    request: DecisionRequest,
    now_ms: int,
    scorer: Scorer,
    policy: Policy,
    processing_ms: int = 0,
) -> Decided:
    """Answer One request: perhaps with an offer, always with an entry for the decision log.

    `processing_ms`: processing time, where that matters; an answer that would be over by then
    is withheld.
    """
    arm = arm_of(policy.policies.experiment, person.customer_id)
    agreed = agreed_purposes(person, policy.purposes, request.rule.channel)
    person, stopped = _stopped(person, request, now_ms, policy, agreed, processing_ms)
    if stopped is not None:
        withheld = tuple(_withheld(c, STOPPED[stopped]) for c in policy.offers)
        entry = decision_log(
            person, request, now_ms, stopped, arm, policy, scorer.version, withheld
        )
        return person, (DecisionLogged(entry),)
    situation = situation_of(person, request, now_ms, policy, agreed)
    objections = [why_not(c, situation) for c in policy.offers]
    return _choose(situation, objections, arm, scorer)


def _stopped(
    person: Customer,
    request: DecisionRequest,
    now_ms: int,
    policy: Policy,
    agreed: frozenset[Purpose],
    processing_ms: int,
) -> tuple[Customer, Stop | None]:
    """Why it ends before any offer is looked at; the request may be put off."""
    contact, channel = policy.policies.contact, request.rule.channel
    if policy.purposes and not agreed:
        return person, "no_consent"
    if channel in contact.quiet_channels:
        until_ms = quiet_until_ms(person, contact.quiet_hours, now_ms)
        if until_ms is not None:
            return put_off(person, request, until_ms), "deferred"
    if now_ms + request.rule.valid_for_ms <= processing_ms:
        return person, "stale"
    return person, blocked(person, policy, now_ms)


def _choose(at: Situation, objections: list[WhyNot | None], arm: Arm, scorer: Scorer) -> Decided:
    person, request, policy = at.person, at.request, at.policy
    objected = list(zip(policy.offers, objections, strict=True))
    eligible = [c for c, code in objected if code is None]
    context = context_vector(person, request.trigger_event, at.now_ms)
    if not eligible or arm.chooser == "holdout":
        verdict: Verdict = "holdout" if eligible else "nothing_eligible"
        withheld = tuple(_withheld(c, code or "holdout") for c, code in objected)
        entry = decision_log(
            person, request, at.now_ms, verdict, arm, policy, scorer.version, withheld, context
        )
        return person, (DecisionLogged(entry),)
    vectors = offer_matrix([c.card for c in eligible], person, at.now_ms)
    terms = _terms(at, eligible, context, vectors, scorer)
    epsilon = policy.policies.arbitration.epsilon
    drawn = draw(request.decision_id, [t.priority for t in terms], arm, epsilon)
    chosen = None if drawn.index is None else eligible[drawn.index]
    entry = decision_log(
        person, request, at.now_ms, "offer" if chosen else "no_offer", arm, policy, scorer.version,
        _logged(objected, vectors, terms, drawn), context, chosen, drawn.probability,
        drawn.no_offer,
    )  # fmt: skip
    if chosen is None or drawn.index is None:
        return person, (DecisionLogged(entry),)
    offer = next_best_offer(
        at, chosen, arm, scorer.version, drawn, terms, eligible, in_stock(chosen, at)
    )
    person = _remember(
        at, chosen, arm, scorer.version, drawn, terms[drawn.index], context, vectors[drawn.index]
    )
    return person, (DecisionLogged(entry), OfferDecided(offer))


def _terms(
    at: Situation,
    eligible: list[CompiledOffer],
    context: Vector,
    vectors: Vector,
    scorer: Scorer,
) -> list[Terms]:
    response_probabilities = scorer.response_probabilities(
        context,
        vectors,
        [c.offer.offer_id for c in eligible],
        np.array([c.offer.expected_rate for c in eligible], np.float32),
    )
    policies = at.policy.policies
    fatigue = fatigue_of(at.person, at.now_ms, policies)
    return [
        weigh(c.offer, p, fatigue, policies)
        for c, p in zip(eligible, response_probabilities.tolist(), strict=True)
    ]


def _withheld(candidate: CompiledOffer, code: WhyNot) -> CandidateLog:
    return CandidateLog(
        offer_id=candidate.offer.offer_id,
        why_not=code,
        terms=None,
        probability=0.0,
        features=(),
    )


def _logged(
    objected: list[tuple[CompiledOffer, WhyNot | None]],
    vectors: Vector,
    terms: list[Terms],
    drawn: Draw,
) -> tuple[CandidateLog, ...]:
    """All offers in their order, the eligible ones with what was found of them."""
    found = iter(zip(vectors.tolist(), terms, drawn.probabilities, strict=True))
    return tuple(
        _weighed(c, *next(found)) if code is None else _withheld(c, code) for c, code in objected
    )


def _weighed(
    candidate: CompiledOffer, numbers: list[float], terms: Terms, probability: float
) -> CandidateLog:
    return CandidateLog(
        offer_id=candidate.offer.offer_id,
        why_not=None,
        terms=terms,
        probability=probability,
        features=tuple(numbers),
    )


def _remember(
    at: Situation,
    chosen: CompiledOffer,
    arm: Arm,
    version: str,
    drawn: Draw,
    terms: Terms,
    context: Vector,
    vector: Vector,
) -> Customer:
    """The contact, and the decision that waits for its outcome; a decided one makes room first."""
    offer, person = chosen.offer, at.person
    window_days = min(
        offer.redeem_within_days, at.policy.policies.arbitration.attribution_window_days
    )
    decision = OpenDecision(
        decision_id=at.request.decision_id,
        offer_id=offer.offer_id,
        arm=arm.name,
        decided_at_ms=at.now_ms,
        deadline_ms=at.now_ms + round(window_days * DAY_MS),
        probability=drawn.probability,
        response_probability=terms.response_probability,
        model_version=version,
        features_version=FEATURES_VERSION,
        context=pack(context),
        offer=pack(vector),
        categories=offer.conditions.categories,
        coupons=offer.coupons,
    )
    contact = Contact(at.now_ms, offer.offer_id, at.request.rule.channel, at.request.decision_id)
    return replace(
        person,
        contacts=with_contact(person, contact, at.policy),
        open_decisions=(*_with_room(person.open_decisions), decision),
    )


def _with_room(open_decisions: tuple[OpenDecision, ...]) -> tuple[OpenDecision, ...]:
    if len(open_decisions) < OPEN_DECISIONS_MAX:
        return open_decisions
    leaving = next((d for d in open_decisions if d.status != "open"), open_decisions[0])
    return tuple(d for d in open_decisions if d is not leaving)
