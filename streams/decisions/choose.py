"""One decision: who may get what, what it is worth, a draw from known probabilities, and a log."""

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from streams.contracts.common import ChannelName, Purpose
from streams.contracts.ids import unit_draw
from streams.contracts.internal.leases import Reservation
from streams.contracts.outputs.candidates import Candidates, TermColumns, WhyNot
from streams.contracts.outputs.challenger import ChallengerLog
from streams.contracts.outputs.effects import DecisionLogged, Effect, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.row import Contact, OpenDecision
from streams.customer.waiting import with_open_decision
from streams.decisions.channels import channels_of
from streams.decisions.classes import (
    CERTAIN,
    Objected,
    is_certain,
    passes_limits,
    possible,
    ranked,
)
from streams.decisions.comparing import Weighed, with_comparison
from streams.decisions.consent import agreed_purposes
from streams.decisions.deferral import put_off
from streams.decisions.doubting import posterior_by
from streams.decisions.eligibility import in_stock, objected_of, situation_of
from streams.decisions.exploration import Draw, draw, exploring_of
from streams.decisions.holdouts import OFFER_HOLDOUT, without_held
from streams.decisions.known import Basis, Choice, Chosen, Known, channel_of, chosen_of, known_of
from streams.decisions.limits import blocked, gap_until_ms, is_full, with_contact
from streams.decisions.messages import decision_log, next_best_offer
from streams.decisions.policy import CompiledOffer, Policy
from streams.decisions.rearm import fired_unheard
from streams.decisions.requests import DecisionRequest
from streams.decisions.scoring import Scored, scored, terms_by
from streams.decisions.shadow import shadow_of
from streams.decisions.situation import Situation
from streams.features import FEATURES_VERSION, context_vector, pack
from streams.features.packing import Vector
from streams.identity.arms import arm_of

Decided = tuple[Customer, tuple[Effect, ...]]
Stop = Literal["overtaken", "no_consent", "deferred", "stale", "person_cap", "min_gap"]
Stopped = tuple[Stop, WhyNot]
LIMITS: frozenset[Stop] = frozenset({"person_cap", "min_gap"})


def decide(person: Customer, request: DecisionRequest, now_ms: int, basis: Basis) -> Decided:
    """Answer one request: perhaps with an offer, always with an entry for the decision log."""
    policy = basis.policy
    arm = arm_of(policy.policies.experiment, person.customer_id)
    known = known_of(person, request, now_ms, arm, basis)
    agreed = _agreed(person, request, policy)
    person, stopped = _stopped(known, agreed)
    if stopped is not None:
        return person, (DecisionLogged(_entry_of_stopped(known, *stopped, agreed)),)
    limit = blocked(person, policy, now_ms)
    if limit is not None and not _may_pass(known):
        return person, (DecisionLogged(_entry_of_stopped(known, limit, limit, agreed)),)
    situation = _situation(known, agreed)
    objected = _objected(policy, situation)
    if limit is not None and not passes_limits(possible(policy.offers, objected)):
        return person, (DecisionLogged(_entry_of_stopped(known, limit, limit, agreed)),)
    return _choose(known, situation, objected)


def _may_pass(known: Known) -> bool:
    """Whether a limit may be passed at all, by some class: where the row has room to remember."""
    return known.policy.may_pass and not is_full(known.person, known.policy, known.now_ms)


def _objected(policy: Policy, situation: Situation) -> Objected:
    """What objects to each offer, also that another class goes first."""
    objected = objected_of(policy, situation)
    return ranked(policy.offers, objected) if policy.has_ranks else objected


def _agreed(person: Customer, request: DecisionRequest, policy: Policy) -> frozenset[Purpose]:
    """The purposes for which an offer may reach the person over some channel of the rule."""
    for channel in channels_of(request.rule):
        if agreed := agreed_purposes(person, policy.purposes, channel):
            return agreed
    return frozenset()


def _situation(known: Known, agreed: frozenset[Purpose]) -> Situation:
    request, options = known.request, known.ways.options
    situation = situation_of(known.person, request, known.now_ms, known.policy, agreed)
    if known.policy.budgets:
        situation = replace(situation, book=known.basis.book)
    if not request.rule.channels:
        return situation
    return replace(situation, channels=frozenset([option.channel for option in options]))


def _entry_of_stopped(
    known: Known, verdict: Stop, code: WhyNot, agreed: frozenset[Purpose]
) -> DecisionLog:
    """The entry of a request that no offer is drawn for; at a limit with what was possible."""
    policy, person = known.policy, known.person
    share = policy.policies.arbitration.compared_at_limits
    if verdict not in LIMITS or unit_draw(known.decision_id, "compared") >= share:
        return decision_log(known, verdict, _withheld(policy, [code] * len(policy.offers)))
    situation = _situation(known, agreed)
    context = context_vector(person, known.request.trigger_event, known.now_ms)
    candidates, _, _ = _compared(known, code, _objected(policy, situation), context)
    return decision_log(known, verdict, candidates, context)


def _compared(
    known: Known, code: WhyNot, objected: Objected, context: Vector
) -> tuple[Candidates, TermColumns, Vector]:
    """All offers of an entry without a draw; the terms and features of what was possible.

    What was possible has its terms and features, and `code`: so it can be compared with the
    decisions that drew.
    """
    policy = known.policy
    eligible = possible(policy.offers, objected)
    of, undrawn = scored(known, eligible, context), Draw(None, (0.0,) * len(eligible), 1.0)
    terms = terms_by(known.basis.scorer, known, of)
    choice, each = Choice(eligible, of.vectors, terms, undrawn), dict.fromkeys(of.offer_ids, code)
    return _weighed(policy, objected, choice, each), terms, of.vectors


def _stopped(known: Known, agreed: frozenset[Purpose]) -> tuple[Customer, Stopped | None]:
    """Why it ends before any offer is looked at; the request may be put off."""
    person, policy, now_ms = known.person, known.policy, known.now_ms
    contact, request = policy.policies.contact, known.request
    if not request.holds:
        return person, ("overtaken", "overtaken")
    if not request.has_room:
        return person, ("person_cap", "person_cap")
    if policy.purposes and not agreed:
        event_id, rule_id = request.trigger_event.event_id, request.rule.rule_id
        return fired_unheard(person, rule_id, event_id), ("no_consent", "no_consent")
    if known.ways.quiet_until_ms is not None:
        return _deferred(person, request, known.ways.quiet_until_ms, "quiet_hours")
    answer_by_ms = request.trigger_event.answer_by_ms or now_ms + request.rule.valid_for_ms
    if answer_by_ms <= known.basis.processing_ms:
        return person, ("stale", "stale")
    if request.waited == "deferred" and blocked(person, policy, now_ms) != "person_cap":
        gap_ms = max(contact.min_gap_ms, contact.deferred_gap_ms)
        until_ms = gap_until_ms(person, gap_ms, now_ms)
        if until_ms is not None:
            return _deferred(person, request, until_ms, "min_gap")
    return person, None


def _deferred(
    person: Customer, request: DecisionRequest, until_ms: int, code: WhyNot
) -> tuple[Customer, Stopped]:
    """Put off until then; a row that is full of such requests takes no more."""
    later = put_off(person, request, until_ms)
    return (person, ("person_cap", "person_cap")) if later is None else (later, ("deferred", code))


def _choose(known: Known, situation: Situation, objected: Objected) -> Decided:
    person = known.person
    if known.policy.budgets:
        _ask_for_money(known, objected)
    eligible = possible(known.policy.offers, objected)
    context = context_vector(person, known.request.trigger_event, known.now_ms)
    certain = is_certain(eligible)
    if eligible and known.arm.chooser == "holdout" and not certain:
        candidates, terms, vectors = _compared(known, "holdout", objected, context)
        entry = decision_log(known, "holdout", candidates, context)
        person = with_comparison(person, known, context, Weighed(eligible, terms, vectors), None)
        return person, (DecisionLogged(entry),)
    if not eligible:
        withheld = _withheld(known.policy, objected)
        entry = decision_log(known, "nothing_eligible", withheld, context)
        return person, (DecisionLogged(entry),)
    choice = _drawn(known, eligible, context)
    chosen = chosen_of(choice)
    held: dict[str, WhyNot] = dict.fromkeys(known.held, OFFER_HOLDOUT)
    logged = _weighed(known.policy, objected, choice, held)
    no_offer = choice.drawn.no_offer if known.arm.chooser == "policy" else None
    weighed = Weighed(choice.eligible, choice.terms, choice.vectors, no_offer)
    if chosen is None:
        entry = decision_log(known, "no_offer", logged, context, choice)
        person = with_comparison(person, known, context, weighed, None)
        return person, (DecisionLogged(entry),)
    entry = decision_log(known, "offer", logged, context, choice)
    decision = _open_decision(known, choice, chosen, context)
    stock = in_stock(chosen.candidate, situation)
    offer = next_best_offer(known, choice, chosen, stock, decision.reserved)
    person = _remember(known, decision, chosen.terms.channel)
    if not certain:
        person = with_comparison(person, known, context, weighed, chosen)
    return person, (DecisionLogged(entry), OfferDecided(offer))


def _drawn(known: Known, eligible: list[CompiledOffer], context: Vector) -> Choice:
    """The eligible offers scored, weighed and drawn from."""
    of, arbitration = scored(known, eligible, context), known.policy.policies.arbitration
    terms = terms_by(known.basis.scorer, known, of)
    if is_certain(eligible):
        return Choice(eligible, of.vectors, terms, CERTAIN)
    posterior = posterior_by(known.basis.scorer, arbitration, eligible, terms, of.features)
    exploring = exploring_of(arbitration, terms, known.model.version, posterior)
    drawn = draw(known.decision_id, terms.priority, known.arm, exploring)
    if known.held:
        drawn = without_held(drawn, of.offer_ids, known.held)
    return Choice(eligible, of.vectors, terms, drawn, _challenged(known, of), posterior)


def _challenged(known: Known, of: Scored) -> ChallengerLog | None:
    """What the challenger would have drawn, where there is one."""
    challenger = known.basis.challenger
    if challenger is None:
        return None
    terms = terms_by(challenger, known, of)
    arbitration = known.policy.policies.arbitration
    posterior = posterior_by(challenger, arbitration, of.eligible, terms, of.features)
    exploring = exploring_of(arbitration, terms, challenger.version, posterior)
    offers = of.offer_ids, terms
    return shadow_of(known.decision_id, challenger.version, offers, known.held, exploring)


def _withheld(policy: Policy, objected: Objected) -> Candidates:
    """All offers, where none was weighed, each with what objects to it."""
    return Candidates(offer_ids=policy.offer_ids, why_not=tuple(objected))


def _weighed(
    policy: Policy, objected: Objected, choice: Choice, why_not: Mapping[str, WhyNot]
) -> Candidates:
    """All offers, the eligible ones with what was found of them; `why_not`: why one is not sent."""
    if not choice.eligible:
        return _withheld(policy, objected)
    eligible, codes, places = choice.eligible, objected, None
    if len(eligible) != len(objected):
        places = tuple([c.place for c in eligible])
    if why_not:
        codes = [*objected]
        for one in eligible:
            codes[one.place] = why_not.get(one.offer.offer_id)
    return Candidates(
        offer_ids=policy.offer_ids,
        why_not=tuple(codes) if any(codes) else (),
        places=places,
        terms=choice.terms,
        probabilities=choice.drawn.probabilities,
        features=pack(choice.vectors),
    )


def _open_decision(known: Known, choice: Choice, chosen: Chosen, context: Vector) -> OpenDecision:
    """What the model saw, and until when its outcome is waited for."""
    offer, arbitration = chosen.candidate.offer, known.policy.policies.arbitration
    window_days = min(offer.redeem_within_days, arbitration.attribution_window_days)
    deadline_ms = known.now_ms + round(window_days * DAY_MS)
    redeem_until_ms = min(
        known.now_ms + round(offer.redeem_within_days * DAY_MS), chosen.candidate.until_ms
    )
    return OpenDecision(
        decision_id=known.decision_id,
        offer_id=offer.offer_id,
        arm=known.arm.name,
        decided_at_ms=known.now_ms,
        deadline_ms=deadline_ms,
        probability=choice.drawn.probability,
        response_probability=chosen.terms.response_probability,
        model_version=known.model.version,
        features_version=FEATURES_VERSION,
        context=pack(context),
        offer=pack(choice.vectors[chosen.index]),
        categories=offer.conditions.categories,
        coupons=offer.coupons,
        redeem_until_ms=redeem_until_ms,
        channel=channel_of(known, chosen),
        reach=chosen.terms.reach,
        reserved=_reserved(known, chosen.candidate, max(deadline_ms, redeem_until_ms)),
    )


def _ask_for_money(known: Known, objected: Objected) -> None:
    """Where nothing but its budget objects to an offer, more is asked of the treasury."""
    book = known.basis.book
    if book is None or "budget" not in objected:
        return
    for candidate, code in zip(known.policy.offers, objected, strict=True):
        if code == "budget" and candidate.budget is not None:
            book.want(candidate.offer.offer_id, candidate.budget.least, known.now_ms)


def _reserved(known: Known, candidate: CompiledOffer, until_ms: int) -> Reservation | None:
    """What is reserved for the use of an offer, until it can no longer be used."""
    book, budget = known.basis.book, candidate.budget
    if book is None or budget is None:
        return None
    return book.reserve(candidate.offer.offer_id, budget, until_ms, known.now_ms)


def _remember(known: Known, decision: OpenDecision, way: ChannelName | None) -> Customer:
    """The contact, with the cost of the way that was chosen, and the decision that waits."""
    person, channel = known.person, decision.channel or known.request.rule.channel
    costs = known.policy.policies.contact.channel_costs
    cost = None if way is None else costs.get(way, 0.0)
    contact = Contact(known.now_ms, decision.offer_id, channel, decision.decision_id, cost)
    person = replace(person, contacts=with_contact(person, contact, known.policy))
    return with_open_decision(person, decision)
