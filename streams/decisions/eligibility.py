"""Which offers a person may get at a moment: a table of rules, each with its why-not.

A new rule is a function and a row in `RULES`; the first that objects is what the log says. A row
may say which offers it concerns at all; of the others it is never asked.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from streams.contracts.common import Purpose
from streams.contracts.outputs.payloads import WhyNot
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.decisions.cel_rules import context_of
from streams.decisions.classes import NO_TOPIC
from streams.decisions.limits import within
from streams.decisions.policy import CompiledOffer, Objection, Policy
from streams.decisions.requests import DecisionRequest
from streams.decisions.situation import Situation

ANY_STORE = "*"
OFFER, CLASS = "offer", "class"
Objections = tuple[tuple[WhyNot, Objection], ...]


def situation_of(
    person: Customer,
    request: DecisionRequest,
    now_ms: int,
    policy: Policy,
    agreed: frozenset[Purpose],
) -> Situation:
    """What the rules look at; `agreed` are the purposes that the person allows on this channel."""
    waiting = {d.offer_id for d in person.open_decisions if d.status == "open"}
    valid = [c for c in person.contacts if now_ms - c.at_ms < policy.validity_ms.get(c.offer_id, 0)]
    redeemed = {r.offer_id: r.at_ms for r in person.redemptions}
    unused = {c.offer_id for c in valid if redeemed.get(c.offer_id, c.at_ms - 1) < c.at_ms}
    return Situation(
        person,
        request,
        now_ms,
        policy.stock,
        context_of(person, request.trigger_event, now_ms, policy.segments_read),
        agreed,
        frozenset(waiting | {c.offer_id for c in valid}),
        frozenset(waiting | unused),
        frozenset(redeemed),
        _refused_by(person, now_ms, policy) if person.refusals else frozenset(),
    )


def _refused_by(person: Customer, now_ms: int, policy: Policy) -> frozenset[tuple[str, str]]:
    """What the person has refused: the offers for good, their classes for a time.

    A class that says nothing of what its offers are about is not refused as a whole.
    """
    class_ms = policy.policies.contact.refused_class_days * DAY_MS
    refused = {(OFFER, r.offer_id) for r in person.refusals}
    lately = {r.offer_id for r in person.refusals if now_ms - r.at_ms < class_ms}
    classes = {c.offer.class_ for c in policy.offers if c.offer.offer_id in lately}
    return frozenset(refused | {(CLASS, name) for name in classes - NO_TOPIC})


def objected_of(
    candidates: Sequence[CompiledOffer], situation: Situation
) -> list[tuple[CompiledOffer, WhyNot | None]]:
    """Each offer with the first rule that it breaks; None: it is eligible."""
    objected: list[tuple[CompiledOffer, WhyNot | None]] = []
    asked: dict[int, Objections] = {}
    idle = {code for code, is_idle in IDLE.items() if is_idle(situation)}
    for candidate in candidates:
        own = candidate.objections
        rules = asked.get(id(own))
        if rules is None:
            rules = asked[id(own)] = tuple([rule for rule in own if rule[0] not in idle])
        for code, objects in rules:
            if objects(candidate, situation):
                objected.append((candidate, code))
                break
        else:
            objected.append((candidate, None))
    return objected


def objections_to(candidate: CompiledOffer) -> Objections:
    """The rules that can object to this offer, in the order of the table."""
    return _rules_of(frozenset(r.code for r in RULES if r.concerns(candidate)))


@cache
def _rules_of(codes: frozenset[WhyNot]) -> Objections:
    """The same object for all offers that the same rules concern."""
    return tuple((r.code, r.objects) for r in RULES if r.code in codes)


def _paused(_: CompiledOffer, at: Situation) -> bool:
    return True


def _not_live(candidate: CompiledOffer, at: Situation) -> bool:
    return not candidate.from_ms <= at.now_ms < candidate.until_ms


def _wrong_channel(candidate: CompiledOffer, at: Situation) -> bool:
    rule = at.request.rule
    if rule.channels:
        return at.channels.isdisjoint(candidate.offer.channels)
    return rule.channel not in candidate.offer.channels


def _wrong_trigger(candidate: CompiledOffer, at: Situation) -> bool:
    return at.request.rule.kind not in candidate.offer.triggers


def _no_consent(candidate: CompiledOffer, at: Situation) -> bool:
    return candidate.offer.purpose not in at.agreed


def _not_in_segment(candidate: CompiledOffer, at: Situation) -> bool:
    return not candidate.segment.holds(at.facts)


def _wrong_store(candidate: CompiledOffer, at: Situation) -> bool:
    return _store_of(at) not in candidate.offer.conditions.store_ids


def _out_of_stock(candidate: CompiledOffer, at: Situation) -> bool:
    return in_stock(candidate, at) is False


def _offer_cap(candidate: CompiledOffer, at: Situation) -> bool:
    offer = candidate.offer
    return offer.cap is not None and (
        within(at.person, offer.cap, at.now_ms, offer.offer_id) >= offer.cap.count
    )


def _already_redeemed(candidate: CompiledOffer, at: Situation) -> bool:
    return candidate.offer.offer_id in at.redeemed


def _already_open(candidate: CompiledOffer, at: Situation) -> bool:
    return candidate.offer.offer_id in at.usable


def _refused(candidate: CompiledOffer, at: Situation) -> bool:
    offer = candidate.offer
    return bool(at.refused) and not at.refused.isdisjoint(
        ((OFFER, offer.offer_id), (CLASS, offer.class_))
    )


def _never_with(candidate: CompiledOffer, at: Situation) -> bool:
    return not at.sent.isdisjoint(candidate.never_with)


def _too_soon_after(candidate: CompiledOffer, at: Situation) -> bool:
    waits = candidate.offer.not_after
    for contact in at.person.contacts:
        days = waits.get(contact.offer_id)
        if days is not None and at.now_ms - contact.at_ms < days * DAY_MS:
            return True
    return False


def in_stock(candidate: CompiledOffer, at: Situation) -> bool | None:
    """Whether the offer's product is there; None where stock does not matter or is not known."""
    product = candidate.offer.stock_product_id
    if product is None:
        return None
    held = at.stock.get((product, _store_of(at) or ANY_STORE))
    if held is None:
        held = at.stock.get((product, ANY_STORE))
    return None if held is None else held > 0


def _store_of(at: Situation) -> str:
    home = at.person.traits.get("home_store_id")
    return at.request.trigger_event.store_id or (home if isinstance(home, str) else "")


class Rule(NamedTuple):
    """`objects` says whether an offer breaks the rule; it is asked only where the rule `concerns`.

    What `concerns` says of an offer is the same for everybody, so it is asked once.
    """

    code: WhyNot
    objects: Objection
    concerns: Callable[[CompiledOffer], bool] = lambda _: True


RULES: tuple[Rule, ...] = (
    Rule("paused", _paused, lambda c: c.offer.paused),
    Rule("not_live", _not_live),
    Rule("wrong_channel", _wrong_channel),
    Rule("wrong_trigger", _wrong_trigger, lambda c: bool(c.offer.triggers)),
    Rule("no_consent", _no_consent),
    Rule("wrong_store", _wrong_store, lambda c: bool(c.offer.conditions.store_ids)),
    Rule("out_of_stock", _out_of_stock, lambda c: c.offer.stock_product_id is not None),
    Rule("offer_cap", _offer_cap, lambda c: c.offer.cap is not None),
    Rule("already_redeemed", _already_redeemed, lambda c: c.offer.once_per_person),
    Rule("already_open", _already_open),
    Rule("refused", _refused),
    Rule("never_with", _never_with, lambda c: bool(c.never_with)),
    Rule("too_soon_after", _too_soon_after, lambda c: bool(c.offer.not_after)),
    Rule("not_in_segment", _not_in_segment, lambda c: c.segment.always is not True),
)
IDLE: Mapping[WhyNot, Callable[[Situation], bool]] = {
    "offer_cap": lambda at: not at.person.contacts,
    "already_redeemed": lambda at: not at.redeemed,
    "already_open": lambda at: not at.usable,
    "refused": lambda at: not at.refused,
    "never_with": lambda at: not at.sent,
    "too_soon_after": lambda at: not at.person.contacts,
}
"""Rules that object to no offer at all in a situation, so none is asked for each."""
