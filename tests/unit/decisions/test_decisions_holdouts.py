"""Offers with a holdout: a share of the people never gets them, and the log says who and when."""

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Experiment
from streams.customer import Customer
from streams.customer.merge import merge_customers
from streams.decisions import Basis, Policy, decide, redecide
from streams.identity import is_held_out
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

SHARE = 0.3
HELD = next(n for n in map(str, range(99)) if is_held_out(Experiment(), "a", SHARE, f"c-{n}"))
FREE = next(n for n in map(str, range(99)) if not is_held_out(Experiment(), "a", SHARE, f"c-{n}"))


def person(number: str) -> Customer:
    """A customer of that number."""
    return replace(someone(), customer_id=f"c-{number}")


def entry_of(who: Customer, policy: Policy, number: int = 1) -> tuple[DecisionLog, bool]:
    """The log's entry, and whether an offer was sent."""
    _, effects = decide(who, request(number), T0, Basis(Fixed(), policy))
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    return entry, any(isinstance(e, OfferDecided) for e in effects)


@pytest.mark.parametrize("chooser", ["policy", "uniform"])
def test_who_is_held_out_never_gets_it_and_the_log_says_so(chooser: str) -> None:
    """In 200 decisions: never sent, its probability is that of no offer, and it is named."""
    policy = shop(offer("a", holdout_share=SHARE), offer("b"), chooser=chooser)
    drawn = 0
    for number in range(200):
        entry, sent = entry_of(person(HELD), policy, number)
        of_a, of_b = entry.offers
        assert entry.chosen_offer_id in (None, "b")
        assert (of_a.why_not, of_a.probability) == ("offer_holdout", 0.0)
        assert of_a.terms is not None
        assert of_a.features
        assert of_b.why_not is None
        assert of_b.probability + entry.no_offer_probability == pytest.approx(1.0)
        assert sent == (entry.chosen_offer_id is not None)
        if entry.withheld_offer_id is not None:
            drawn += 1
            assert entry.withheld_offer_id == "a"
            assert entry.verdict == "no_offer"
            assert entry.action_probability == entry.no_offer_probability
        assert redecide(entry, Fixed(), policy) == entry
    assert 40 < drawn < 160


def test_others_are_decided_as_without_a_holdout() -> None:
    """Whoever is not held out sees the very same decision, to the byte."""
    plain = shop(offer("a"), offer("b"), chooser="policy")
    with_holdout = shop(offer("a", holdout_share=SHARE), offer("b"), chooser="policy")
    for number in range(50):
        assert entry_of(person(FREE), plain, number) == entry_of(person(FREE), with_holdout, number)


def test_the_share_is_that_of_the_people_and_stays() -> None:
    """Of 4,000 people as many as the owner says; who is in a small holdout is in a greater one."""
    experiment, people = Experiment(), [f"p-{n}" for n in range(4_000)]
    small = {p for p in people if is_held_out(experiment, "a", 0.1, p)}
    great = {p for p in people if is_held_out(experiment, "a", 0.3, p)}
    other = {p for p in people if is_held_out(experiment, "b", 0.1, p)}
    assert 340 < len(small) < 460
    assert small < great
    assert len(small & other) < 70, "each offer has people of its own"


def test_after_a_merge_the_customers_own_id_counts() -> None:
    """A visitor's holdout gives way to the customer's, as the arm does."""
    policy = shop(offer("a", holdout_share=SHARE), chooser="uniform")
    merged = merge_customers(person(HELD), person(FREE), T0)
    assert entry_of(merged, policy)[0].withheld_offer_id == "a"
    merged = merge_customers(person(FREE), person(HELD), T0)
    assert entry_of(merged, policy)[0].chosen_offer_id == "a"


def test_the_holdout_arm_is_logged_as_it_is_elsewhere() -> None:
    """Who gets no offer at all is in the holdout of all: so both groups are enrolled alike."""
    policy = shop(offer("a", holdout_share=SHARE), chooser="holdout")
    entry, sent = entry_of(person(HELD), policy)
    assert (entry.verdict, entry.offers[0].why_not, sent) == ("holdout", "holdout", False)
