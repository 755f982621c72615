"""What is sent and what is logged of a decision, field by field."""

from collections.abc import Mapping
from functools import lru_cache

from streams.contracts.common import LANGUAGES, ChannelName, LanguageTag, Money, Purpose
from streams.contracts.internal.leases import Reservation
from streams.contracts.outputs.candidates import Candidates
from streams.contracts.outputs.payloads import (
    Alternative,
    ConsentProof,
    ConstraintProof,
    Creative,
    DecisionLog,
    NextBestOffer,
    OfferShown,
    Verdict,
    Versioned,
)
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import Customer, Places
from streams.customer.consents import states
from streams.customer.offer_goods import counts_in_cart
from streams.decisions.claims import Occasion, words_before
from streams.decisions.consent import CHANNEL_PURPOSES
from streams.decisions.known import FATIGUE, Choice, Chosen, Known, channel_of
from streams.decisions.limits import cap_remaining
from streams.decisions.policy import CompiledOffer, Policy
from streams.decisions.requests import DecisionRequest
from streams.decisions.wallet import wallet_of
from streams.features import CONTEXT_FEATURES
from streams.features.packing import Vector
from streams.leases import money_of

ALTERNATIVES_MAX = 5


def decision_log(
    known: Known,
    verdict: Verdict,
    candidates: Candidates,
    context: Vector | None = None,
    choice: Choice | None = None,
) -> DecisionLog:
    """The entry for `decision-log`; without a context the decision ended before offers were asked.

    Without a `choice` nothing was drawn.
    """
    rule, index = known.request.rule, None if choice is None else choice.drawn.index
    withheld = None if choice is None else choice.drawn.withheld
    name = channel = None
    if choice is not None and index is not None:
        name, ways = choice.eligible[index].offer.offer_id, choice.terms.channel
        channel = ways[index] if ways else None
    numbers = [] if context is None else context.tolist()
    return DecisionLog(
        decision_id=known.decision_id,
        customer_id=known.person.customer_id,
        decided_at=known.decided_at,
        verdict=verdict,
        trigger=known.trigger,
        channel=channel or rule.channel,
        placement=rule.placement,
        chosen_offer_id=name,
        action_probability=1.0 if choice is None else choice.drawn.probability,
        no_offer_probability=1.0 if choice is None else choice.drawn.no_offer,
        candidates=candidates,
        context=dict(zip(CONTEXT_FEATURES, numbers, strict=False)),
        policy=known.policy.named,
        model=known.model,
        experiment=known.policy.arms[known.arm.name],
        traceparent=known.request.trigger_event.traceparent,
        uplift=known.uplift,
        withheld_offer_id=None
        if choice is None or withheld is None
        else choice.eligible[withheld].offer.offer_id,
        fatigue=Versioned(id=FATIGUE, version=known.basis.fatigue.version)
        if known.policy.policies.contact.learn_fatigue
        else None,
        channels={option.channel: option.answers for option in known.ways.options},
        challenger=None if choice is None else choice.challenger,
        doubt=None if choice is None or choice.posterior is None else choice.posterior.doubt,
    )


def next_best_offer(
    known: Known,
    choice: Choice,
    chosen: Chosen,
    in_stock: bool | None,
    reserved: Reservation | None = None,
) -> NextBestOffer:
    """The message for `next-best-offers`."""
    person, request, policy, now_ms = known.person, known.request, known.policy, known.now_ms
    compiled, rule = chosen.candidate, known.request.rule
    channel, shown = channel_of(known, chosen), _shown(compiled, now_ms)
    occasion = Occasion(person, request.trigger_event, now_ms, policy.places)
    return NextBestOffer(
        decision_id=known.decision_id,
        customer_id=person.customer_id,
        decided_at=known.decided_at,
        valid_until=from_ms(now_ms + rule.valid_for_ms),
        trigger=known.trigger,
        channel=channel,
        placement=rule.placement,
        deliver_not_before=known.decided_at,
        offer=shown,
        coupon=compiled.coupon,
        creative=_creative(compiled, person.locale),
        reason_codes=reason_codes(request, person, compiled, policy.places),
        terms=chosen.terms,
        alternatives=_alternatives(choice, chosen.index),
        text=words_before(compiled, rule.kind, occasion),
        policy=policy.named,
        model=known.model,
        action_probability=choice.drawn.probability,
        experiment=policy.arms[known.arm.name],
        consent=ConsentProof(
            purposes=states(person, _purposes(compiled.offer, channel)),
            policy_version=person.consent_version,
        ),
        constraints=ConstraintProof(
            cap_remaining=max(0, cap_remaining(person, policy.policies.contact, now_ms) - 1),
            budget_reserved=_reserved(reserved, policy),
            in_stock=in_stock,
        ),
        traceparent=request.trigger_event.traceparent,
        wallet=None
        if compiled.offer.wallet is None
        else wallet_of(
            compiled.offer,
            known.decision_id,
            _language(person.locale),
            known.decided_at,
            shown.valid_until,
        ),
    )


def reason_codes(
    request: DecisionRequest, person: Customer, chosen: CompiledOffer, places: Places
) -> tuple[str, ...]:
    """Why this offer now: the trigger, and what the person is known to like."""
    codes, wanted = [f"TRIGGER_{request.rule.kind.upper()}"], chosen.offer.conditions
    if not chosen.categories.isdisjoint([a.category for a in person.affinities]):
        codes.append("CATEGORY_AFFINITY")
    narrow = wanted.categories or wanted.product_ids
    if narrow and counts_in_cart(wanted, person, places):
        codes.append("IN_CART")
    return tuple(codes)


def _reserved(reserved: Reservation | None, policy: Policy) -> Money | None:
    return None if reserved is None else money_of(reserved.units, policy.policies.currency)


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


def _creative(chosen: CompiledOffer, locale: str) -> Creative:
    offer = chosen.offer
    title = title_in(chosen.titles, locale, offer.offer_id)
    return Creative(
        template_id=offer.template_id,
        params={"title": title, "value": offer.value},
        locale=locale,
    )


def _alternatives(choice: Choice, chosen: int) -> tuple[Alternative, ...]:
    """Those with the highest priorities, by their ids where these are equal."""
    eligible, priorities = choice.eligible, choice.terms.priority
    # One more than is told, for the chosen one may be among them.
    least = sorted(priorities, reverse=True)[: ALTERNATIVES_MAX + 1][-1]
    ranked = [
        (-priority, eligible[i].offer.offer_id, i)
        for i, priority in enumerate(priorities)
        if priority >= least and i != chosen
    ]
    ranked.sort()
    probabilities = choice.drawn.probabilities
    return tuple(
        [
            Alternative(offer_id=name, priority=priorities[i], probability=probabilities[i])
            for _, name, i in ranked[:ALTERNATIVES_MAX]
        ]
    )


def _purposes(offer: Offer, channel: ChannelName) -> tuple[Purpose, ...]:
    needed = CHANNEL_PURPOSES.get(channel)
    return (offer.purpose, needed) if needed else (offer.purpose,)


def title_in(titles: Mapping[str, str], locale: str, otherwise: str) -> str:
    """The title in the locale's language (its primary subtag, RFC 5646), else in English.

    >>> title_in({"en": "Tea", "ja": "茶"}, "JA-jp", "tea-10")
    '茶'
    >>> title_in({"en": "Tea"}, "fil-PH", "tea-10")
    'Tea'
    """
    return titles.get(_primary(locale), titles.get("en", otherwise))


def _language(locale: str) -> LanguageTag:
    primary = _primary(locale)
    return next((language for language in LANGUAGES if language == primary), "en")


@lru_cache(maxsize=512)
def _primary(locale: str) -> str:
    return locale.replace("_", "-").split("-", 1)[0].lower()
