"""The share of uses bought anyway is by person and offer, and stands on the record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog, Terms
from streams.contracts.reference.structs import Arm, Conditions, Experiment, Offer
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.rhythm import record_purchase
from streams.decisions import Basis, decide, redecide
from streams.decisions.anyway import USUAL, share_expected
from streams.decisions.known import NOTHING_LEARNED
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

TEA = Conditions(categories=("tea",))
shares = st.floats(0, 1)


@given(shares, shares, shares)
def test_the_share_grows_with_the_orders_that_come_anyway(
    ordered: float, more: float, prior: float
) -> None:
    """A share in any case; the shop's own where nothing is known, or what is usual."""
    low, high = sorted((ordered, more))
    assert 0.0 <= share_expected(low, prior) <= share_expected(high, prior) + 1e-12 <= 1.0 + 2e-12
    assert share_expected(None, prior) == prior
    assert share_expected(USUAL, prior) == pytest.approx(prior)


def buyer(every_days: int) -> Customer:
    """Who ordered ten times, the last time just now."""
    rhythm = None
    for n in range(10, 0, -1):
        rhythm = record_purchase(rhythm, T0 - n * every_days * DAY_MS, 30.0)
    return someone(rhythm=rhythm)


def entry_of(person: Customer, *offers: Offer) -> DecisionLog:
    """The entry of a decision among these."""
    _, effects = decide(person, request(), T0, Basis(Fixed(), shop(*offers)))
    return next(e.entry for e in effects if isinstance(e, DecisionLogged))


def terms_of(person: Customer, *offers: Offer) -> list[Terms]:
    """What each of these is worth to the person."""
    return [c.terms for c in entry_of(person, *offers).offers if c.terms is not None]


def test_an_offer_that_any_order_satisfies_is_worth_less() -> None:
    """The more, the oftener the person orders; who never ordered may yet order as others do."""
    other = offer("wine", conditions=Conditions(categories=("wine",)))
    made = (offer("tea", conditions=TEA), offer("any"), other)
    weekly, monthly, new = (terms_of(person, *made) for person in (buyer(7), buyer(30), someone()))
    for tea, anything, _ in (weekly, monthly, new):
        assert tea.bought_anyway is not None
        assert anything.bought_anyway is not None
        assert tea.bought_anyway < anything.bought_anyway
        assert tea.priority > anything.priority
    assert weekly[1].priority < monthly[1].priority


@pytest.mark.parametrize("count", [3, 20])
def test_it_is_decided_again_from_the_record(count: int) -> None:
    """Few offers or many: the same entry, without the row."""
    offers = [offer(f"o-{n}", conditions=TEA if n % 2 else Conditions()) for n in range(count)]
    entry = entry_of(buyer(9), *offers)
    assert redecide(entry, Fixed(), shop(*offers), NOTHING_LEARNED) == entry


def test_a_comparison_says_what_was_expected() -> None:
    """Of the offer that was sent; nothing where none was."""
    arms = (
        Arm(name="u", share=0.5, chooser="uniform"),
        Arm(name="h", share=0.5, chooser="holdout"),
    )
    policy = shop(offer("tea"), experiment=Experiment(id="e", salt="s", arms=arms))
    seen = set()
    for number in range(20):
        rhythm = buyer(9).rhythm
        person = someone(customer_id=f"c-{number}", rhythm=rhythm)
        after, effects = decide(person, request(number), T0, Basis(Fixed(), policy))
        (entry,) = [e.entry for e in effects if isinstance(e, DecisionLogged)]
        (terms,) = [c.terms for c in entry.offers if c.terms is not None]
        assert after.compared is not None
        (one,) = after.compared.open
        seen.add(entry.verdict)
        sent = entry.verdict == "offer"
        assert one.expected == (terms.bought_anyway if sent else -1.0)
    assert seen == {"offer", "holdout"}
