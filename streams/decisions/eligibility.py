"""Which offers a person may get at a moment: a table of rules, each with its why-not.

A new rule is a function and a row in `RULES`; the first that objects is what the log says. A row
may say which offers it concerns at all, and what it reads of an offer: it is asked once for all
offers in which it reads the same.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import NamedTuple

from streams.contracts.common import Purpose
from streams.contracts.outputs.payloads import WhyNot
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.decisions.cel_rules import context_of
from streams.decisions.classes import NO_TOPIC, Objected
from streams.decisions.limits import within
from streams.decisions.policy import Alike, CompiledOffer, CompiledRule, Objection, Policy
from streams.decisions.requests import DecisionRequest
from streams.decisions.situation import Situation

ANY_STORE = "*"
OFFER, CLASS = "offer", "class"
NO_OFFERS: frozenset[str] = frozenset()


def situation_of(
    person: Customer,
    request: DecisionRequest,
    now_ms: int,
    policy: Policy,
    agreed: frozenset[Purpose],
) -> Situation:
    """What the rules look at; `agreed` are the purposes that the person allows on this channel."""
    sent, usable = NO_OFFERS, NO_OFFERS
    redeemed = {r.offer_id: r.at_ms for r in person.redemptions if not r.again}
    contacts = person.contacts
    if contacts or person.open_decisions:  # most people have neither
        waiting = {d.offer_id for d in person.open_decisions if d.status == "open"}
        valid = [c for c in contacts if now_ms - c.at_ms < policy.validity_ms.get(c.offer_id, 0)]
        unused = {c.offer_id for c in valid if redeemed.get(c.offer_id, c.at_ms - 1) < c.at_ms}
        sent = frozenset(waiting | {c.offer_id for c in valid})
        usable = frozenset(waiting | unused)
    return Situation(
        person,
        request,
        now_ms,
        policy.stock,
        context_of(person, request.trigger_event, now_ms, policy.segments_read),
        agreed,
        sent,
        usable,
        frozenset(redeemed) if redeemed else NO_OFFERS,
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


def objected_of(policy: Policy, situation: Situation) -> Objected:
    """Of each offer the first rule that it breaks; None: it is eligible."""
    objected: Objected = [None] * len(policy.offers)
    found = False
    for rule in policy.rules:
        among = None if rule.among is anything else rule.among(situation)
        asked: Iterable[Alike] = rule.offers.values()
        if among is not None:
            asked = [rule.offers[read] for read in among if read in rule.offers]
        for one, places in asked:
            settled = found and all(objected[place] for place in places)
            if not settled and rule.objects(one, situation):
                found = True
                for place in places:
                    objected[place] = objected[place] or rule.code
    return objected


def anything(_: Situation) -> None:
    """`among` of a rule that may object to whatever it reads; it is not even called."""


def rules_for(offers: Sequence[CompiledOffer]) -> tuple[CompiledRule, ...]:
    """The rules that can object to some of these offers, in the order of the table."""
    compiled = [CompiledRule(r.code, r.objects, r.among, _by_read(r, offers)) for r in RULES]
    return tuple(rule for rule in compiled if rule.offers)


def _by_read(rule: "Rule", offers: Sequence[CompiledOffer]) -> dict[Hashable, Alike]:
    found: dict[Hashable, list[CompiledOffer]] = {}
    for offer in offers:
        if rule.concerns(offer):
            found.setdefault(rule.reads(offer), []).append(offer)
    return {read: Alike(alike[0], tuple([o.place for o in alike])) for read, alike in found.items()}


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


def _budget(candidate: CompiledOffer, at: Situation) -> bool:
    budget = candidate.budget
    if budget is None or at.book is None:
        return budget is not None
    return at.book.free(candidate.offer.offer_id, at.now_ms) < budget.least


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


def _offer_id(candidate: CompiledOffer) -> Hashable:
    return candidate.offer.offer_id


class Rule(NamedTuple):
    """`objects` says whether an offer breaks the rule; it is asked only where the rule `concerns`.

    Of offers that are the same in all that the rule `reads` of them, one is asked for all.
    `among`: what it would have to read to object in a situation; None: it may be anything. What
    `concerns` and `reads` say is the same for everybody, so both are asked once.
    """

    code: WhyNot
    objects: Objection
    concerns: Callable[[CompiledOffer], bool] = lambda _: True
    reads: Callable[[CompiledOffer], Hashable] = _offer_id
    among: Callable[[Situation], Collection[Hashable] | None] = anything


RULES: tuple[Rule, ...] = (
    Rule("paused", _paused, lambda c: c.offer.paused, reads=lambda c: c.offer.paused),
    Rule("not_live", _not_live, reads=lambda c: (c.from_ms, c.until_ms)),
    Rule("wrong_channel", _wrong_channel, reads=lambda c: c.offer.channels),
    Rule(
        "wrong_trigger",
        _wrong_trigger,
        lambda c: bool(c.offer.triggers),
        reads=lambda c: c.offer.triggers,
    ),
    Rule("no_consent", _no_consent, reads=lambda c: c.offer.purpose),
    Rule(
        "wrong_store",
        _wrong_store,
        lambda c: bool(c.offer.conditions.store_ids),
        reads=lambda c: c.offer.conditions.store_ids,
    ),
    Rule(
        "out_of_stock",
        _out_of_stock,
        lambda c: c.offer.stock_product_id is not None,
        reads=lambda c: c.offer.stock_product_id,
    ),
    Rule(
        "offer_cap",
        _offer_cap,
        lambda c: c.offer.cap is not None,
        among=lambda at: {c.offer_id for c in at.person.contacts},
    ),
    Rule(
        "already_redeemed",
        _already_redeemed,
        lambda c: c.offer.once_per_person,
        among=lambda at: at.redeemed,
    ),
    Rule("already_open", _already_open, among=lambda at: at.usable),
    Rule("refused", _refused, among=lambda at: None if at.refused else ()),
    Rule(
        "never_with",
        _never_with,
        lambda c: bool(c.never_with),
        reads=lambda c: c.never_with,
        among=lambda at: None if at.sent else (),
    ),
    Rule(
        "too_soon_after",
        _too_soon_after,
        lambda c: bool(c.offer.not_after),
        among=lambda at: None if at.person.contacts else (),
    ),
    Rule(
        "not_in_segment",
        _not_in_segment,
        lambda c: c.segment.always is not True,
        reads=lambda c: c.offer.segment,
    ),
    Rule("budget", _budget, lambda c: c.budget is not None),
)
