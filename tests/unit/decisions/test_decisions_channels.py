"""By which channel an offer goes: what a contact costs, and how this person answers there."""

from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import ChannelName
from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer
from streams.contracts.reference.structs import QuietHours, Reference
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.merge import merge_customers
from streams.customer.parts import Answers
from streams.customer.row import Consent
from streams.decisions import Basis, Policy, compile_policy, decide, redecide
from streams.decisions.channels import on_channel
from streams.errors import ReferenceDataError
from streams.feedback import expire
from streams.feedback.closing import Use, assist, redeem
from streams.feedback.enrollment import margin_between
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, rule, shop, someone

CHANNELS: tuple[ChannelName, ...] = ("app", "push", "sms")
COSTS: dict[ChannelName, float] = {"push": 0.001, "sms": 0.06}
EVERY = rule(channels=CHANNELS)


def a_shop(**contact: Any) -> Policy:
    """One offer that may go by each of three channels, of which one costs."""
    made = replace(FREE, **{"channel_costs": COSTS, **contact})
    return shop(offer("a", channels=CHANNELS), rules=(EVERY,), contact=made)


def answered(**rates: tuple[float, float]) -> tuple[Answers, ...]:
    """Contacts and answers by channel, as of now."""
    return tuple(Answers(c, n, k, T0) for c, (n, k) in rates.items())  # type: ignore[arg-type]


def decided(
    person: Customer, policy: Policy, at_ms: int = T0
) -> tuple[Customer, DecisionLog, NextBestOffer | None]:
    """The row, the log's entry, and the message."""
    person, effects = decide(person, request(by=EVERY, at_ms=at_ms), at_ms, Basis(Fixed(), policy))
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    made = [e.offer for e in effects if isinstance(e, OfferDecided)]
    return person, entry, made[0] if made else None


@pytest.mark.parametrize(
    ("answers", "channel"),
    [
        ((), "app"),  # alike, and it costs nothing
        (answered(app=(10, 0), push=(10, 8)), "push"),
        (answered(app=(10, 0), push=(10, 0), sms=(10, 9)), "sms"),
        (answered(app=(10, 5), push=(10, 5), sms=(10, 6)), "app"),  # not worth its cost
    ],
)
def test_the_channel_is_where_it_brings_most_after_its_cost(
    answers: tuple[Answers, ...], channel: str
) -> None:
    """The message, the contact, the record and its terms say the same channel; it redecides."""
    policy = a_shop()
    person, entry, sent = decided(replace(someone(), answers=answers), policy)
    assert sent is not None
    assert (sent.channel, sent.terms.channel, entry.channel) == (channel,) * 3
    assert person.contacts[-1].channel == channel
    assert person.open_decisions[-1].channel == channel
    assert set(entry.channels) == set(CHANNELS)
    terms = sent.terms
    best = max(entry.channels.values())
    assert terms.reach == pytest.approx(entry.channels[sent.channel] / best)
    assert terms.response_probability == pytest.approx(on_channel(0.1, terms.reach or 0.0))
    cost = 0.5 * terms.response_probability + COSTS.get(sent.channel, 0.0)
    assert terms.cost == pytest.approx(cost, abs=1e-8)
    assert redecide(entry, Fixed(), policy) == entry


def test_answers_are_the_persons_own_shrunk_to_the_shops() -> None:
    """(4 of 6 contacts and the shop's .5 as of four contacts) is .6; faded it nears the shop's."""
    policy = a_shop(answer_rates={"push": 0.5})
    person = replace(someone(), answers=answered(push=(6, 4)))
    assert decided(person, policy)[1].channels["push"] == pytest.approx((4 + 2) / (6 + 4))
    later = decided(person, policy, T0 + 90 * DAY_MS)[1].channels["push"]
    assert later == pytest.approx((2 + 2) / (3 + 4))
    assert decided(someone(), policy)[1].channels == {"app": 0.2, "push": 0.5, "sms": 0.2}


def test_only_what_is_allowed_and_not_quiet_is_chosen_from() -> None:
    """Consent and quiet hours by channel; put off only where every channel is quiet."""
    keen = answered(app=(10, 0), push=(10, 9), sms=(10, 9))
    person = replace(someone(), answers=keen)
    no_push = {**person.consents, "marketing_push": Consent("denied", T0)}
    _, entry, sent = decided(replace(person, consents=no_push), a_shop(channel_costs={}))
    assert sent is not None
    assert (sent.channel, set(entry.channels)) == ("sms", {"app", "sms"})
    night = QuietHours(from_hour=10, to_hour=14)
    _, entry, sent = decided(person, a_shop(quiet_hours=night))
    assert sent is not None
    assert (sent.channel, set(entry.channels)) == ("app", {"app"})
    _, entry, sent = decided(person, a_shop(quiet_hours=night, quiet_channels=CHANNELS))
    assert (entry.verdict, sent) == ("deferred", None)
    nothing = {p: Consent("denied", T0) for p in person.consents}
    assert decided(replace(person, consents=nothing), a_shop())[1].verdict == "no_consent"


def test_an_offer_goes_only_by_its_own_channels() -> None:
    """However keen the person is on another; and not at all where none is left."""
    person = replace(someone(), answers=answered(push=(10, 9)))
    policy = shop(offer("a", channels=("sms",)), rules=(EVERY,))
    _, _, sent = decided(person, policy)
    assert sent is not None
    assert (sent.channel, sent.terms.reach) == ("sms", 1.0)
    policy = shop(offer("a", channels=("email",)), rules=(EVERY,))
    assert decided(person, policy)[1].offers[0].why_not == "wrong_channel"


def test_of_many_offers_each_has_its_own_channel() -> None:
    """Twenty offers, of which half may not go by the app; decided again to the bit."""
    some = [offer(f"o-{n}", channels=("push", "app")[n % 2 :][:1]) for n in range(20)]
    policy = shop(*some, rules=(EVERY,), contact=replace(FREE, channel_costs=COSTS))
    _, entry, _ = decided(someone(), policy)
    by = [c.terms.channel for c in entry.offers if c.terms is not None]
    assert by == ["push", "app"] * 10
    assert redecide(entry, Fixed(), policy) == entry


def test_a_rule_with_one_channel_decides_as_ever() -> None:
    """No choice, nothing in the terms, and no channel's cost."""
    policy = shop(offer("a"), contact=replace(FREE, channel_costs={"app": 9.0}))
    person, effects = decide(someone(), request(), T0, Basis(Fixed(), policy))
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    terms = entry.offers[0].terms
    assert terms is not None
    assert (entry.channels, terms.channel, terms.reach) == ({}, None, None)
    assert terms.cost == pytest.approx(0.05)
    assert person.contacts[-1].channel == "app"


def test_a_contact_counts_once_its_time_is_over() -> None:
    """Viewed or used is answered; a merge adds both rows up."""
    person, _, _ = decided(someone(), a_shop())
    viewed = replace(person.open_decisions[0], viewed_at_ms=T0 + 1)
    for decisions, answers in ((person.open_decisions, 0.0), ((viewed,), 1.0)):
        over = replace(person, open_decisions=decisions)
        after, _ = expire(over, T0 + DAY_MS)
        (known,) = after.answers
        assert (known.channel, known.contacts, known.answered) == ("app", 1.0, answers)
        again, _ = expire(after, T0 + 30 * DAY_MS)
        assert again.answers == after.answers, "once for a decision"
    both = merge_customers(after, replace(after, customer_id="c-2"), T0 + DAY_MS)
    (known,) = both.answers
    assert (known.contacts, known.answered) == (2.0, 2.0)


def test_a_late_use_does_not_count_its_contact_again() -> None:
    """A coupon is used after its decision's window: one contact, answered or not by then."""
    policy = shop(offer("a", coupon_code="TEA", redeem_within_days=20.0))
    person, _ = decide(someone(), request(), T0, Basis(Fixed(), policy))
    person, _ = expire(person, T0 + 7 * DAY_MS)
    (late,), counted = person.coupons_out, person.answers
    assert [(a.contacts, a.answered) for a in counted] == [(1.0, 0.0)]
    at_ms = T0 + 10 * DAY_MS
    person, effects = redeem(person, late, Use(at_ms, at_ms, 1.0))
    assert effects, "it is learned from all the same"
    person, _ = expire(person, T0 + 40 * DAY_MS)
    assert (person.coupons_out, person.answers) == ((), counted)


def test_a_contact_that_leaves_the_row_early_counts_as_it_leaves() -> None:
    """Nine decisions, of which the first led to a purchase: nine contacts, one answered."""
    policy = shop(*[offer(f"a{n}", redeem_within_days=7.0) for n in range(12)])
    person = someone()
    for n in range(9):
        person, _ = decide(person, request(n, at_ms=T0 + n), T0 + n, Basis(Fixed(), policy))
        if n == 0:
            person, _ = assist(person, person.open_decisions[0], T0)
    assert [(a.contacts, a.answered) for a in person.answers] == [(1.0, 1.0)]
    person, _ = expire(person, T0 + 8 * DAY_MS)
    (known,) = person.answers
    assert (known.contacts, known.answered) == pytest.approx((9.0, 1.0), abs=0.1)


def test_an_offer_that_loses_by_each_use_is_not_sent_where_few_use_it() -> None:
    """Its terms are those of the channel that the person answers best, not least."""
    keen = answered(app=(40, 30), push=(40, 0))
    policy = shop(offer("a", discount=4.5, channels=CHANNELS), rules=(EVERY,), chooser="policy")
    _, entry, _ = decided(replace(someone(), answers=keen), policy)
    terms = entry.offers[0].terms
    assert terms is not None
    assert (terms.channel, terms.reach) == ("app", 1.0)
    assert redecide(entry, Fixed(), policy) == entry


def test_what_the_shop_earned_pays_for_the_channel_that_was_chosen() -> None:
    """An SMS of .06 beside the offer's own .05; without a choice the offer's alone."""
    made = offer("a", channels=("sms",), contact_cost=0.05)
    for by, cost in ((rule(channel="sms", channels=("sms",)), 0.11), (rule(channel="sms"), 0.05)):
        policy = shop(made, rules=(by,), contact=replace(FREE, channel_costs=COSTS))
        person, _ = decide(someone(), request(by=by), T0, Basis(Fixed(), policy))
        assert margin_between(person, T0, T0 + DAY_MS, policy) == pytest.approx(-cost)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"channels": ("push", "sms")}, "channel app is not among them"),
        ({"channels": ("app", "push"), "kind": "offer_requested"}, "who asks for an offer"),
    ],
)
def test_rules_that_cannot_choose_are_refused(fields: dict[str, Any], said: str) -> None:
    """Their own channel is one of them; who asks is on one channel."""
    policy = shop(offer("a"))
    policies = replace(policy.policies, triggers=(rule(**fields),))
    with pytest.raises(ReferenceDataError, match=said):
        compile_policy(Reference(policies=policies))
