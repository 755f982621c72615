"""Classes that mean something: what goes first, what it passes, and what holds for all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arbitration, Arm, Experiment, FrequencyCap
from streams.contracts.times import MINUTE_MS
from streams.customer import Customer
from streams.customer.row import CONTACTS_MAX, Contact, Refused
from streams.decisions import Basis, Policy, choose, decide, redecide
from streams.decisions.classes import Objected, rank_of
from streams.errors import ReferenceDataError
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, shop, someone

HOLDOUT = Experiment(arms=(Arm(name="none", share=1.0, chooser="holdout"),))
CLASSES = ("mandatory", "transactional", "standard", "tea", "default")
TIGHT = replace(FREE, calendar_day_max=1)
GAP = replace(FREE, min_gap_ms=60 * MINUTE_MS)


def decided(
    policy: Policy, person: Customer | None = None, number: int = 1
) -> tuple[Customer, DecisionLog]:
    """The row and the entry, which is the same to the bit when it is decided again."""
    person, effects = decide(person or someone(), request(number), T0, Basis(Fixed(), policy))
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    assert redecide(entry, Fixed(), policy) == entry
    assert (entry.verdict == "offer") == any(isinstance(e, OfferDecided) for e in effects)
    return person, entry


def why_not(entry: DecisionLog) -> dict[str, str | None]:
    """By offer, what stood against it."""
    return {c.offer_id: c.why_not for c in entry.offers}


def contacted(count: int = 1) -> Customer:
    """Somebody who has just heard from us, so often."""
    told = tuple(Contact(T0 - 1 - n, "other", "app", f"d-{n}") for n in range(count))
    return someone(contacts=told)


@given(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=6), st.integers(0, 9))
def test_only_offers_of_the_class_that_goes_first_are_drawn_from(
    names: list[str], number: int
) -> None:
    """Whatever is possible together: mandatory, transactional, the shop's own, default."""
    offers = [offer(f"o-{n}", class_=name) for n, name in enumerate(names)]
    _, entry = decided(shop(*offers), number=number)
    first = min(rank_of(o) for o in offers)
    left = [o for o in offers if why_not(entry)[o.offer_id] is None]
    assert {rank_of(o) for o in left} == {first}
    assert len(left) == (1 if first == 0 else sum(rank_of(o) == first for o in offers))
    assert set(why_not(entry).values()) <= {None, "outranked"}


@pytest.mark.parametrize("chooser", ["policy", "uniform", "holdout"])
def test_a_mandatory_offer_is_certain_in_every_arm(chooser: str) -> None:
    """Also where it costs money, and the person is in the holdout; of several the first to end."""
    recall = offer("recall", class_="mandatory", margin=0.0, discount=1.0)
    sooner = replace(recall, offer_id="x", valid_until=recall.valid_until.replace(year=2029))
    policy = shop(offer("a"), recall, sooner, chooser=chooser)
    person, entry = decided(policy)
    assert (entry.verdict, entry.chosen_offer_id) == ("offer", "x")
    assert (entry.action_probability, entry.no_offer_probability) == (1.0, 0.0)
    assert why_not(entry) == {"a": "outranked", "recall": "outranked", "x": None}
    assert person.compared is None, "all arms are sent it, so it tells nothing of offers"


@pytest.mark.parametrize("contact", [TIGHT, GAP])
@pytest.mark.parametrize("name", CLASSES)
def test_mandatory_and_transactional_offers_pass_the_limits_over_all_offers(
    contact: Any, name: str
) -> None:
    """The day's number and the gap; they count as contacts themselves."""
    policy = shop(offer("a", class_=name), offer("b"), contact=contact)
    person, entry = decided(policy, contacted())
    passes = name in ("mandatory", "transactional")
    assert (entry.chosen_offer_id == "a") == passes
    assert len(person.contacts) == 1 + passes
    if passes:
        assert why_not(entry)["b"] == "outranked"
    else:
        assert entry.verdict in ("person_cap", "min_gap")


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        (someone(consents={}), {}),
        (someone(), {"cap": FrequencyCap(count=1, days=1.0)}),
        (someone(), {"stock_product_id": "gone"}),
        (someone(), {"segment": "person.orders > 5.0"}),
        (someone(), {"channels": ("push",)}),
        (contacted(CONTACTS_MAX), {}),
    ],
)
@pytest.mark.parametrize("name", ["mandatory", "transactional"])
def test_nothing_else_gives_way(person: Customer, fields: dict[str, Any], name: str) -> None:
    """Consent, an offer's own rules and the room of the row hold for every class."""
    if "cap" in fields:
        person = someone(contacts=(Contact(T0 - 1, "a", "app", "d-0"),))
    policy = shop(offer("a", class_=name, **fields), contact=TIGHT)
    policy = replace(policy, stock={("gone", "*"): 0})
    assert decided(policy, person)[1].chosen_offer_id is None


def test_only_who_may_pass_is_asked_for_at_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A default offer passes nothing, so at a limit no offer's rules are looked at for it."""
    asked: list[Policy] = []

    def objected_of(policy: Policy, *_: object) -> Objected:
        asked.append(policy)
        return ["paused"]

    monkeypatch.setattr(choose, "_objected", objected_of)
    for name, times in (("default", 0), ("transactional", 1)):
        asked.clear()
        policy = shop(
            offer("o", class_=name), contact=TIGHT, arbitration=Arbitration(compared_at_limits=0.0)
        )
        decide(contacted(), request(1), T0, Basis(Fixed(), policy))
        assert len(asked) == times, name


def test_the_holdout_gets_no_transactional_offer() -> None:
    """It is an offer as others; only what has to be said is said to everybody."""
    policy = shop(offer("a", class_="transactional"), offer("b"), experiment=HOLDOUT)
    assert decided(policy)[1].verdict == "holdout"


def test_a_mandatory_offer_has_no_holdout() -> None:
    """The reference data are refused."""
    with pytest.raises(ReferenceDataError, match=r"holdout_share: a mandatory offer is for every"):
        shop(offer("a", class_="mandatory", holdout_share=0.1))


def test_to_refuse_one_of_such_a_class_refuses_the_others_not() -> None:
    """The class says nothing of what the offer is about."""
    person = someone(refusals=(Refused("a", T0 - 1),))
    for name in ("mandatory", "transactional", "default"):
        _, entry = decided(shop(offer("a", class_=name), offer("b", class_=name)), person)
        assert why_not(entry) == {"a": "refused", "b": None}


@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_records_from_when_mandatory_was_any_name_are_decided_again(names: tuple[str, ...]) -> None:
    """They were drawn as any other, and come out as they were."""
    offers = [offer(name) for name in names]
    _, entry = decided(shop(*offers, chooser="policy"))
    now = shop(*(replace(o, class_="mandatory") for o in offers), chooser="policy")
    assert entry.no_offer_probability > 0.0
    assert redecide(entry, Fixed(), now) == entry
