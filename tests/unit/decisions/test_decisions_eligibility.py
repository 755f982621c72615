"""Every rule says its own why-not, and says nothing where it has no objection."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import (
    Conditions,
    ContactPolicy,
    FrequencyCap,
    Offer,
    Policies,
    Reference,
    StockLevel,
)
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.row import CONTACTS_MAX, Consent, Contact, OpenDecision, Redeemed, Refused
from streams.decisions import Basis, compile_policy, decide
from streams.errors import ReferenceDataError
from tests.unit.decisions.people import (
    BEGIN,
    NEVER_QUIET,
    NO_PUSH,
    T0,
    Fixed,
    offer,
    request,
    rule,
    shop,
    someone,
)


def _log(person: Customer, *offers: Offer, **fields: Any) -> DecisionLog:
    _, effects = decide(person, request(**fields), T0, Basis(Fixed(), shop(*offers)))
    return next(e.entry for e in effects if isinstance(e, DecisionLogged))


def _why(person: Customer, made: Offer, **fields: Any) -> str | None:
    return _log(person, made, offer("other"), **fields).offers[0].why_not


def _open(offer_id: str, **fields: Any) -> OpenDecision:
    made = OpenDecision(
        "d-1", offer_id, "policy", T0 - 1000, T0 + DAY_MS, 1.0, 0.1, "v", 1, b"", b""
    )
    return replace(made, **fields)


CONTACTED = (Contact(T0 - 3_600_000, "other", "app", "d-0"),)
ONLY_PERSONAL = someone(consents={"personalization": Consent("granted", T0)})
CASES: list[tuple[str | None, Customer, Offer]] = [
    (None, someone(), offer("a")),
    ("paused", someone(), offer("a", paused=True)),
    ("not_live", someone(), offer("a", valid_until=BEGIN + timedelta(days=1))),
    ("not_live", someone(), offer("a", valid_from=BEGIN + timedelta(days=900))),
    ("wrong_channel", someone(), offer("a", channels=("web",))),
    ("wrong_trigger", someone(), offer("a", triggers=("zone_entered",))),
    (None, someone(), offer("a", triggers=("application_opened",))),
    ("no_consent", ONLY_PERSONAL, offer("a", purpose="location_beacon")),
    (None, ONLY_PERSONAL, offer("a")),
    ("not_in_segment", someone(), offer("a", segment="person.spend > 100.0")),
    ("not_in_segment", someone(), offer("a", segment="person.traits.tier == 'gold'")),
    ("not_in_segment", someone(), offer("a", segment="1 / 0 == 1")),
    (None, someone(traits={"tier": "gold"}), offer("a", segment="person.traits.tier == 'gold'")),
    ("wrong_store", someone(), offer("a", conditions=Conditions(store_ids=("s-1",)))),
    ("offer_cap", someone(contacts=(Contact(T0 - 1, "a", "app", "d"),)),
     offer("a", cap=FrequencyCap(count=1, days=1.0), redeem_within_days=1e-9)),
    (None, someone(contacts=(Contact(T0 - DAY_MS, "a", "app", "d"),)),
     offer("a", cap=FrequencyCap(count=1, days=1.0))),
    ("already_redeemed", someone(redemptions=(Redeemed("a", T0),)),
     offer("a", once_per_person=True)),
    (None, someone(redemptions=(Redeemed("a", T0),)), offer("a")),
    ("already_open", someone(open_decisions=(_open("a"),)), offer("a")),
    ("refused", someone(refusals=(Refused("a", T0 - 99 * DAY_MS),)), offer("a")),
    ("never_with", someone(open_decisions=(_open("other"),)), offer("a", never_with=("other",))),
    ("never_with", someone(contacts=CONTACTED), offer("a", never_with=("other",))),
    ("too_soon_after", someone(contacts=CONTACTED), offer("a", not_after={"other": 1.0})),
    (None, someone(contacts=CONTACTED), offer("a", not_after={"other": 0.01})),
]  # fmt: skip


@pytest.mark.parametrize(("code", "person", "made"), CASES)
def test_each_rule_says_its_code(code: str | None, person: Customer, made: Offer) -> None:
    """A person and an offer, and the one word that the log has for it."""
    assert _why(person, made) == code


def test_a_push_needs_the_phones_permission() -> None:
    """A person whose phone does not allow push gets none, whatever they agreed to."""
    policy = shop(offer("a"))
    for signals, sent in (((), 1), (NO_PUSH, 0)):
        requested = request(by=rule(channel="push"))
        person = someone(consent_signals=signals)
        _, effects = decide(person, requested, T0, Basis(Fixed(), policy))
        assert sum(isinstance(e, OfferDecided) for e in effects) == sent


def test_stock_of_the_store_counts_before_the_warehouse() -> None:
    """No piece in the trigger event's store: not eligible there, though the warehouse has some."""
    made = offer("a", stock_product_id="p-1")
    inventory = (
        StockLevel(product_id="p-1", store_id="s-1", quantity=0),
        StockLevel(product_id="p-1", store_id="*", quantity=5),
    )
    base = shop(made)
    policy = compile_policy(Reference(policies=base.policies, offers=(made,), inventory=inventory))
    codes = []
    for store in ("s-1", "s-2", ""):
        _, effects = decide(someone(), request(store_id=store), T0, Basis(Fixed(), policy))
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        codes.append(entry.offers[0].why_not)
    assert codes == ["out_of_stock", None, None]


def test_every_offer_is_in_the_log_with_a_word_or_with_terms() -> None:
    """Whoever is not eligible has a why-not; whoever is has terms, a probability and features."""
    entry = _log(someone(), offer("a"), offer("b", paused=True), offer("c"))
    assert [(c.offer_id, c.why_not, c.terms is None) for c in entry.offers] == [
        ("a", None, False),
        ("b", "paused", True),
        ("c", None, False),
    ]
    assert [len(c.features) for c in entry.offers] == [8, 0, 8]


def test_nobody_who_agreed_to_nothing_is_looked_at_closely() -> None:
    """Without any consent the decision ends at once, and says so of every offer."""
    entry = _log(someone(consents={"personalization": Consent("denied", T0)}), offer("a"))
    assert (entry.verdict, entry.chosen_offer_id) == ("no_consent", None)
    assert [(c.offer_id, c.why_not, c.features) for c in entry.offers] == [("a", "no_consent", ())]
    assert entry.context == {}


def test_every_error_of_a_policy_is_said_at_once() -> None:
    """Two broken rules: two lines, each with the offer or rule and the field."""
    broken = Reference(
        offers=(offer("a", segment="person.("),),
        policies=Policies(triggers=(rule("r", when="trigger."),)),
    )
    with pytest.raises(ReferenceDataError) as caught:
        compile_policy(broken)
    assert "offers.a.segment" in str(caught.value)
    assert "policies.triggers.r.when" in str(caught.value)


def test_loops_in_loops_in_loops_are_refused() -> None:
    """A rule's time is bounded: at most two of CEL's macros."""
    deep = offer("a", segment="[1].all(a, [1].all(b, [1].all(c, true)))")
    with pytest.raises(ReferenceDataError, match=r"offers\.a\.segment"):
        compile_policy(Reference(offers=(deep,)))
    flat = offer("a", segment="[1].all(a, [2].exists(b, a < b))")
    assert len(compile_policy(Reference(offers=(flat,))).offers) == 1


def test_a_cap_beyond_the_rows_memory_works_as_the_memory() -> None:
    """A row that is full of contacts which a cap counts takes no more."""
    contact = ContactPolicy(
        caps=(FrequencyCap(count=50, days=1.0),),
        calendar_day_max=50,
        min_gap_ms=0,
        quiet_hours=NEVER_QUIET,
    )
    policy = shop(offer("a", redeem_within_days=0.001), contact=contact)
    contacts = tuple(Contact(T0 - n, "b", "app", f"d-{n}") for n in range(CONTACTS_MAX))
    for held, verdict in ((contacts, "person_cap"), (contacts[:-1], "offer")):
        _, effects = decide(someone(contacts=held), request(), T0, Basis(Fixed(), policy))
        assert next(e.entry.verdict for e in effects if isinstance(e, DecisionLogged)) == verdict


@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        ("person.ordrs > 1.0", "person.ordrs"),
        ("trigger.zone == 'tea' || person.known", "trigger.zone"),
        ("customer.known", "customer"),
        ("person . tier == 'gold'", "person.tier"),
        ("person['ordrs'] > 1.0", "person.ordrs"),
        ("person.counts.product_vews.d7 > 1.0", "counter product_vews"),
        ("person.counts['product_vews']['d7'] > 1.0", "counter product_vews"),
        ("'product_vews' in person.counts", "counter product_vews"),
    ],
)
def test_a_rule_that_asks_for_what_nobody_has_is_refused(rule: str, unknown: str) -> None:
    """It would never say yes, and nothing would say why."""
    with pytest.raises(ReferenceDataError, match=f"there is no {unknown}; there are "):
        compile_policy(Reference(offers=(offer("tea", segment=rule),)))


@pytest.mark.parametrize(
    "rule",
    [
        "person.traits.tier == 'gold' || person.counts.product_views.d7 > 2.0",
        "person.traits.note == 'person.nothing' || trigger.category == \"trigger.x\"",
        "['tea', 'coffee'].exists(c, c in person.affinities)",
        "person.counts.exists(name, person.counts[name].d7 > 2.0)",
        "person.counts['searches']['h1'] > 2.0 && 'searches' in person.counts",
        "person.traits.note == 'person.counts.nothing.w9'",
    ],
)
def test_a_rule_may_ask_for_what_only_some_have(rule: str) -> None:
    """Traits, counts and affinities are named by the shop; texts and macros are no facts."""
    assert len(compile_policy(Reference(offers=(offer("tea", segment=rule),))).offers) == 1


def test_a_refusal_silences_the_class_for_a_time() -> None:
    """Thirty days for offers of its class; others, and those without a class, are not meant."""
    offers = (
        offer("a", class_="tea"),
        offer("b", class_="tea"),
        offer("c", class_="wine"),
        offer("d"),
        offer("e"),
    )
    policy = shop(*offers)
    refusals = (Refused("a", T0), Refused("d", T0))
    for days, withheld in ((0.0, {"a", "b", "d"}), (29.9, {"a", "b", "d"}), (30.0, {"a", "d"})):
        now_ms = T0 + round(days * DAY_MS)
        asked = request("x", now_ms)
        _, effects = decide(someone(refusals=refusals), asked, now_ms, Basis(Fixed(), policy))
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        assert {c.offer_id for c in entry.offers if c.why_not == "refused"} == withheld


@pytest.mark.parametrize("window", ["w1", "d366", "m0", "h9000", "day"])
def test_a_window_that_does_not_exist_is_refused(window: str) -> None:
    """With how to write one."""
    rule = f"person.counts.searches.{window} > 1.0"
    with pytest.raises(ReferenceDataError, match=f"there is no window {window}; write m5, h1"):
        compile_policy(Reference(offers=(offer("tea", segment=rule),)))
