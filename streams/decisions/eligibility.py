"""Which offers a person may get at a moment: a table of rules, each with its why-not.

A new rule is a function and a row in `RULES`; the first that objects is what the log says.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from streams.contracts.outputs import WhyNot
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.decisions.asks import Ask
from streams.decisions.cel_rules import context_of
from streams.decisions.consent import may_offer
from streams.decisions.limits import within
from streams.decisions.policy import CompiledOffer, Policy

ANY_STORE = "*"


class Situation(Struct, frozen=True):
    """What every rule may look at."""

    person: Customer
    ask: Ask
    now_ms: int
    policy: Policy
    context: Any
    sent: frozenset[str]
    usable: frozenset[str]


def situation_of(person: Customer, ask: Ask, now_ms: int, policy: Policy) -> Situation:
    """What the rules look at, found once for all offers.

    `sent`: offers whose time to be used has not passed, or whose outcome is waited for; `usable`:
    those of them that were not redeemed since.
    """
    waiting = {d.offer_id for d in person.open_decisions if not d.labeled}
    valid = [c for c in person.contacts if now_ms - c.at_ms < policy.validity_ms.get(c.offer_id, 0)]
    redeemed = {r.offer_id: r.at_ms for r in person.redemptions}
    unused = {c.offer_id for c in valid if redeemed.get(c.offer_id, c.at_ms - 1) < c.at_ms}
    return Situation(
        person,
        ask,
        now_ms,
        policy,
        context_of(person, ask.moment, now_ms, policy.segments_read),
        frozenset(waiting | {c.offer_id for c in valid}),
        frozenset(waiting | unused),
    )


def why_not(candidate: CompiledOffer, situation: Situation) -> WhyNot | None:
    """The first rule that the offer breaks; None: it is eligible."""
    for code, broken in RULES:
        if broken(candidate, situation):
            return code
    return None


def _paused(candidate: CompiledOffer, _: Situation) -> bool:
    return candidate.offer.paused


def _not_live(candidate: CompiledOffer, at: Situation) -> bool:
    return not candidate.from_ms <= at.now_ms < candidate.until_ms


def _wrong_channel(candidate: CompiledOffer, at: Situation) -> bool:
    return at.ask.rule.channel not in candidate.offer.channels


def _wrong_trigger(candidate: CompiledOffer, at: Situation) -> bool:
    return bool(candidate.offer.triggers) and at.ask.rule.kind not in candidate.offer.triggers


def _no_consent(candidate: CompiledOffer, at: Situation) -> bool:
    return not may_offer(at.person, candidate.offer.purpose, at.ask.rule.channel)


def _not_in_segment(candidate: CompiledOffer, at: Situation) -> bool:
    return not candidate.segment.holds(at.context)


def _wrong_store(candidate: CompiledOffer, at: Situation) -> bool:
    stores = candidate.offer.conditions.store_ids
    return bool(stores) and _store_of(at) not in stores


def _out_of_stock(candidate: CompiledOffer, at: Situation) -> bool:
    return in_stock(candidate, at) is False


def _offer_cap(candidate: CompiledOffer, at: Situation) -> bool:
    offer = candidate.offer
    return offer.cap is not None and (
        within(at.person, offer.cap, at.now_ms, offer.offer_id) >= offer.cap.count
    )


def _already_redeemed(candidate: CompiledOffer, at: Situation) -> bool:
    offer = candidate.offer
    return offer.once_per_person and any(
        r.offer_id == offer.offer_id for r in at.person.redemptions
    )


def _already_open(candidate: CompiledOffer, at: Situation) -> bool:
    return candidate.offer.offer_id in at.usable


def _never_with(candidate: CompiledOffer, at: Situation) -> bool:
    return not at.sent.isdisjoint(at.policy.never_with[candidate.offer.offer_id])


def _too_soon_after(candidate: CompiledOffer, at: Situation) -> bool:
    waits = candidate.offer.not_after
    return any(
        c.offer_id in waits and at.now_ms - c.at_ms < waits[c.offer_id] * DAY_MS
        for c in at.person.contacts
    )


def in_stock(candidate: CompiledOffer, at: Situation) -> bool | None:
    """Whether the offer's product is there; None where stock does not matter or is not known."""
    product = candidate.offer.stock_product_id
    if product is None:
        return None
    held = at.policy.stock.get((product, _store_of(at) or ANY_STORE))
    if held is None:
        held = at.policy.stock.get((product, ANY_STORE))
    return None if held is None else held > 0


def _store_of(at: Situation) -> str:
    home = at.person.traits.get("home_store_id")
    return at.ask.moment.store_id or (home if isinstance(home, str) else "")


RULES: tuple[tuple[WhyNot, Callable[[CompiledOffer, Situation], bool]], ...] = (
    ("paused", _paused),
    ("not_live", _not_live),
    ("wrong_channel", _wrong_channel),
    ("wrong_trigger", _wrong_trigger),
    ("no_consent", _no_consent),
    ("wrong_store", _wrong_store),
    ("out_of_stock", _out_of_stock),
    ("offer_cap", _offer_cap),
    ("already_redeemed", _already_redeemed),
    ("already_open", _already_open),
    ("never_with", _never_with),
    ("too_soon_after", _too_soon_after),
    ("not_in_segment", _not_in_segment),
)
