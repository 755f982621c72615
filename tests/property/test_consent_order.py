"""What a person allows does not hang on the order in which it was told, nor on when they log in."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.common import Purpose
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.customer import Customer
from streams.customer.consents import is_granted, is_push_refused, is_refused
from streams.customer.signals import PURPOSES
from streams.driver import Driver
from streams.models import initial_models
from tests.property.test_consent_table import base64, us
from tests.support.audited import compiled, judged, produced
from tests.support.told import Fields, a_shop, broken, consent, event, view

SHOP = a_shop()
POLICY = compiled(SHOP)
# The account on a browser, the two browsers and a phone by themselves, the account alone.
WHO: tuple[Fields, ...] = (
    {"customer_id": "c1", "anonymous_id": "x"},
    {"customer_id": "c1", "device_id": "d"},
    {"anonymous_id": "x"},
    {"anonymous_id": "y"},
    {"device_id": "d"},
    {"customer_id": "c1"},
)
TCF_DENIES, TCF_ALLOWS = base64("000010" + "0" * 240), base64("000010" + "1" * 240)
SIGNALS: tuple[Fields, ...] = (
    {"tcf": TCF_DENIES},
    {"tcf": TCF_ALLOWS},
    {"gpp": us((6,))},
    {"gpp": us((6 + 3 + 7,))},
    {"gpp": us(())},
    {"gpp": us(()) + "." + base64("011")},
    {"gpc": True},
    {"gpc": False},
)
Said = tuple[int, int, str, Any]

own = st.dictionaries(
    st.sampled_from(("personalization", "profiling", "marketing_push")),
    st.sampled_from(("granted", "denied", "unset")),
    min_size=1,
    max_size=3,
)
permissions = st.tuples(
    st.sampled_from(("push", "location", "tracking")),
    st.sampled_from(("granted", "denied", "not_determined")),
)
whats = st.one_of(
    own.map(lambda said: ("own", said)),
    own.map(lambda said: ("own", said)),
    st.sampled_from(SIGNALS).map(lambda said: ("signals", said)),
    permissions.map(lambda said: ("permission", said)),
    st.just(("uninstalled", None)),
)
said_events = st.builds(
    lambda minute, who, what: (minute, who, *what),
    st.integers(0, 6),
    st.integers(0, len(WHO) - 1),
    whats,
)


def told(number: int, said: Said) -> Fields:
    """The event that says this."""
    minute, who, kind, what = said
    name, identity = f"e{number}", {"identity": WHO[who]}
    if kind == "own":
        return consent(minute, name, purposes=what, **identity)
    if kind == "permission":
        permission = {"kind": what[0], "status": what[1]}
        return event(name, "permission_changed", minute, permission=permission, **identity)
    if kind == "uninstalled":
        return event(name, "application_uninstalled", minute, **identity)
    return event(name, "application_opened", minute, context={"consent": what}, **identity)


LOGINS = [
    event(f"login-{n}", "application_opened", n, identity={"customer_id": "c1"} | WHO[who])
    for n, who in enumerate((2, 3, 4))
]


def state_after(events: list[Fields]) -> dict[str, Any]:
    """What the person allows after these events in this order of arrival."""
    driver = Driver(POLICY, initial_models())
    for one in events:
        topic = "events.profile" if one["event_name"] == "consent_updated" else "events.app"
        rules = InputRules(now_ms=2**52, occurred_at_min_ms=0)
        assert not isinstance(driver.feed(topic, json.dumps(one).encode(), rules), Rejected)
    person = driver.rows["c1"]
    assert isinstance(person, Customer)
    purposes: tuple[Purpose, ...] = tuple(PURPOSES.values())
    return {
        "granted": [p for p in purposes if is_granted(person, p)],
        "refused": [p for p in purposes if is_refused(person, p)],
        "push": is_push_refused(person),
        "words": person.consents,
        "signals": {signal.source: signal for signal in person.consent_signals},
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(said_events, min_size=1, max_size=9), st.data())
def test_consent_does_not_hang_on_the_order_of_arrival(said: list[Said], data: Any) -> None:
    """In any order of arrival, with the logins anywhere between, the same is allowed."""
    events = [*(told(number, one) for number, one in enumerate(said)), *LOGINS]
    in_order = sorted(events, key=lambda one: str(one["occurred_at"]))
    assert state_after(data.draw(st.permutations(events))) == state_after(in_order)


words = st.builds(
    lambda minute, who, state: (minute, who, "own", {"personalization": state}),
    st.integers(0, 4),
    st.sampled_from((0, 2, 2, 3)),
    st.sampled_from(("granted", "granted", "denied")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(words, min_size=2, max_size=4), st.data())
def test_words_of_one_purpose_do_not_hang_on_the_order_of_arrival(
    said: list[Said], data: Any
) -> None:
    """Browsers and the account grant and deny one purpose: the same in any order, as above."""
    events = [*(told(number, one) for number, one in enumerate(said)), *LOGINS[:2]]
    in_order = sorted(events, key=lambda one: str(one["occurred_at"]))
    assert state_after(data.draw(st.permutations(events))) == state_after(in_order)


@pytest.mark.parametrize(
    ("account", "offers"),
    [({}, True), ({1: "granted"}, False), ({5: "granted"}, True), ({5: "denied"}, False)],
)
@pytest.mark.parametrize("login", [0, 2.5, 6])
def test_product_and_auditor_agree_on_a_browser_that_denied_and_granted(
    account: dict[int, str], offers: bool, login: float
) -> None:
    """Denied at 2, granted at 4 by a browser; the account silent, or said this at 1 or at 5."""
    browser = {"identity": {"anonymous_id": "x"}}
    events = [
        consent(2, "no", purposes={"personalization": "denied"}, **browser),
        consent(4, "yes-x", purposes={"personalization": "granted"}, **browser),
        *(consent(at, "own", purposes={"personalization": what}) for at, what in account.items()),
        event("login", "application_opened", login, identity=WHO[0]),
        view(9),
    ]
    events.sort(key=lambda one: str(one["occurred_at"]))
    outputs = produced(events, POLICY)
    log = [json.loads(value) for topic, value in outputs if topic == "decision-log"]
    (verdict,) = {e["verdict"] for e in log if e["trigger"]["rule_id"] == "product_viewed"}
    assert (verdict != "no_consent") is offers
    assert broken(judged(events, outputs, SHOP)) == set()


@pytest.mark.parametrize(
    ("said", "offers"),
    [("GRANTED", True), (1, True), ("true", True), (True, True), (0, False), ("restricted", False),
     ("maybe", False), ({"state": "granted"}, False), (7, False), (None, False), ("", False)],
)  # fmt: skip
def test_product_and_auditor_read_an_answer_alike(said: Any, offers: bool) -> None:
    """After a grant: an answer that cannot be read denies, for both of them."""
    events = [consent(1), consent(2, "odd", purposes={"personalization": said}), view(9)]
    outputs = produced(events, POLICY)
    log = [json.loads(value) for topic, value in outputs if topic == "decision-log"]
    (verdict,) = {e["verdict"] for e in log if e["trigger"]["rule_id"] == "product_viewed"}
    assert (verdict != "no_consent") is offers
    assert broken(judged(events, outputs, SHOP)) == set()
