"""What a decision is worth, what it says, and that it can be taken again from its log."""

import msgspec
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog, Terms
from streams.contracts.times import DAY_MS, WEEK_MS, to_ms
from streams.customer.row import Contact
from streams.decisions import Basis, decide, redecide
from streams.decisions.arbitration import Response, fatigue_of, weigh
from streams.models import ResponseModel
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, shop, someone


def _entry(effects: tuple[object, ...]) -> DecisionLog:
    return next(e.entry for e in effects if isinstance(e, DecisionLogged))


def test_the_terms_of_a_priority() -> None:
    """Margin 4, discount .5, contact .02, p .1, base .3: 4*.1*.7 - .5*.1 - .02 - .05 = .16."""
    terms = weigh(offer("a", contact_cost=0.02), Response(0.1, 0.3), 0.05)
    assert (terms.response_probability, terms.bought_anyway) == (0.1, 0.3)
    assert (terms.value, terms.cost, terms.fatigue) == (0.28, 0.07, 0.05)
    assert terms.priority == pytest.approx(0.16)


def test_fatigue_counts_the_contacts_of_a_week() -> None:
    """Two contacts in seven days at .05 each; an older one costs nothing."""
    times = (T0 - WEEK_MS, T0 - DAY_MS, T0 - 1)
    person = someone(contacts=tuple(Contact(at, "a", "app", "d") for at in times))
    assert fatigue_of(person, T0, 0.05) == 0.1


def test_no_offer_wins_where_nothing_is_worth_more_than_zero() -> None:
    """Offers that cost more than they bring: no offer is all but sure."""
    policy = shop(offer("a", margin=0.1, discount=5.0), offer("b", margin=0.0), chooser="policy")
    entry = _entry(decide(someone(), request(), T0, Basis(Fixed(), policy))[1])
    least = policy.policies.arbitration.epsilon / 3
    assert entry.no_offer_probability > 0.9
    assert all(c.probability >= least for c in entry.offers)


def possible(entry: DecisionLog) -> list[tuple[str, Terms | None, tuple[float, ...]]]:
    """The offers that were eligible, with terms and features."""
    return [(c.offer_id, c.terms, c.features) for c in entry.offers if c.terms is not None]


def test_a_holdout_is_sent_nothing_and_logged() -> None:
    """Nothing is remembered; what was possible is logged as it is where an offer is drawn."""
    offers = offer("a"), offer("p", paused=True)
    person, policy = someone(), shop(*offers, chooser="holdout")
    after, effects = decide(person, request(), T0, Basis(Fixed(), policy))
    entry = _entry(effects)
    assert after == person
    assert [type(e) for e in effects] == [DecisionLogged]
    assert (entry.verdict, entry.experiment.holdout) == ("holdout", True)
    assert [c.why_not for c in entry.offers] == ["holdout", "paused"]
    assert [c.probability for c in entry.offers] == [0.0, 0.0]
    treated = _entry(decide(person, request(), T0, Basis(Fixed(), shop(*offers)))[1])
    assert treated.verdict == "offer"
    assert possible(entry) == possible(treated)
    assert entry.context == treated.context


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_at_a_limit_what_was_possible_is_logged(share: float) -> None:
    """Of the share of such decisions that the shop asks for; the others say the limit alone."""
    contact = msgspec.structs.replace(FREE, min_gap_ms=3_600_000)
    policy = shop(offer("a"), offer("p", paused=True), contact=contact)
    arbitration = msgspec.structs.replace(policy.policies.arbitration, compared_at_limits=share)
    policies = msgspec.structs.replace(policy.policies, arbitration=arbitration)
    policy = msgspec.structs.replace(policy, policies=policies)
    person = someone(contacts=(Contact(T0 - 1, "z", "app", "d"),))
    entry = _entry(decide(person, request(), T0, Basis(Fixed(), policy))[1])
    assert entry.verdict == "min_gap"
    other = "paused" if share else "min_gap"
    assert [c.why_not for c in entry.offers] == ["min_gap", other]
    assert [offer_id for offer_id, *_ in possible(entry)] == (["a"] if share else [])
    again = redecide(entry, Fixed(), policy)
    assert msgspec.json.encode(again) == msgspec.json.encode(entry)


def test_an_offer_whose_time_is_over_is_withheld() -> None:
    """Decided an hour late, when the rule's answer is of use for one: not said."""
    person, policy = someone(), shop(offer("a"), chooser="uniform")
    hour_ms = request().rule.valid_for_ms
    after, effects = decide(person, request(), T0, Basis(Fixed(), policy, T0 + hour_ms))
    entry = _entry(effects)
    assert hour_ms == 3_600_000
    assert after == person
    assert [type(e) for e in effects] == [DecisionLogged]
    assert (entry.verdict, entry.offers[0].why_not) == ("stale", "stale")
    in_time = decide(person, request(), T0, Basis(Fixed(), policy, T0 + hour_ms - 1))
    assert in_time == decide(person, request(), T0, Basis(Fixed(), policy))
    assert _entry(in_time[1]).verdict == "offer"


@pytest.mark.parametrize("chooser", ["policy", "uniform"])
def test_deciding_again_from_the_log_gives_the_same_bytes(chooser: str) -> None:
    """Through JSON and back, 50 decisions of the real response model come out byte for byte."""
    offers = [offer(f"o-{n}", expected_rate=0.02 * (n + 1), margin=1.0 + n / 3) for n in range(6)]
    policy = shop(*offers, offer("p", paused=True), chooser=chooser)
    model = ResponseModel()
    for number in range(50):
        _, effects = decide(someone(), request(number, value=number / 7), T0, Basis(model, policy))
        raw = msgspec.json.encode(_entry(effects))
        entry = msgspec.json.decode(raw, type=DecisionLog)
        assert msgspec.json.encode(redecide(entry, model, policy)) == raw
        before = msgspec.json.encode(entry.by_offer())
        read = msgspec.json.decode(before, type=DecisionLog)
        assert isinstance(read.candidates, tuple)
        assert msgspec.json.encode(redecide(read, model, policy)) == before


def test_what_is_sent_is_what_is_remembered() -> None:
    """The message, the contact and the open decision name the same offer, id and probability."""
    made = offer("a", redeem_within_days=3.0, coupon_code="TEA-10")
    person, effects = decide(
        someone(), request(traceparent="00-bb"), T0, Basis(Fixed(), shop(made))
    )
    sent = next(e.offer for e in effects if isinstance(e, OfferDecided))
    (opened,), (contact,) = person.open_decisions, person.contacts
    assert sent.decision_id == opened.decision_id == contact.decision_id == request().decision_id
    assert sent.action_probability == opened.probability == 1.0
    assert (opened.deadline_ms, to_ms(sent.offer.valid_until)) == (
        T0 + 3 * DAY_MS,
        T0 + 3 * DAY_MS,
    )
    assert sent.coupon is not None
    assert (sent.coupon.code, sent.traceparent) == ("TEA-10", "00-bb")
    assert set(sent.text) == {"en", "ja", "zh"}
    assert all(sent.text.values())


def test_what_was_decided_when_no_rate_meant_five_percent_comes_out_again() -> None:
    """Such a record was decided with .05; the same reference data says its category's mean now."""
    unstated, tea = offer("a", expected_rate=None), offer("b", expected_rate=0.4)
    then = shop(replace(unstated, expected_rate=0.05), tea, chooser="policy")
    now = shop(unstated, tea, chooser="policy")
    for policy in (then, now):
        _, effects = decide(someone(), request(), T0, Basis(ResponseModel(), policy))
        entry = _entry(effects)
        assert redecide(entry, ResponseModel(), now) == entry
    rates = {c.offer_id: c.terms.response_probability for c in entry.offers if c.terms is not None}
    assert rates["a"] == rates["b"]
