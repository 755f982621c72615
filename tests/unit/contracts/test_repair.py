"""Odd parts of events: an odd optional part never loses the denial, the order or the person."""

import json
from typing import Any

import pytest

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import App, Clickstream, Profile, Purchase
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import DataDropped
from streams.customer import Places, apply, new_customer
from streams.customer.consents import is_granted, is_push_refused, states
from streams.customer.signals import PURPOSES

RULES = InputRules(now_ms=1_790_000_000_000)
AT = "2026-03-14T09:26:53Z"
HEAD: dict[str, Any] = {
    "event_id": "e-1", "occurred_at": AT, "channel": "app", "identity": {"customer_id": "c-1"},
}  # fmt: skip
ORDER = HEAD | {
    "event_name": "order_completed", "order_id": "o-1", "total": "10.00", "items": [],
}  # fmt: skip
OPENED = HEAD | {"event_name": "application_opened"}
SAID = HEAD | {"event_name": "consent_updated", "purposes": {"personalization": "denied"}}
PAGE = HEAD | {"event_name": "page_viewed", "channel": "web", "page": {"path": "/"}}


def read(topic: str, event: dict[str, Any]) -> Any:
    """The decoded event."""
    answer = decode(topic, json.dumps(event).encode(), (), RULES)
    assert not isinstance(answer, Rejected), answer
    return answer


def dropped(event: Any) -> int:
    """How many odd parts the metrics hear of."""
    effects = apply(new_customer("c-1", 0), event, Places()).effects
    return sum(e.count for e in effects if isinstance(e, DataDropped) and e.what == "odd_shape")


@pytest.mark.parametrize(
    ("coupons", "codes", "odd"),
    [
        (["TEA-10", "X"], ["TEA-10", "X"], 0),
        (None, [], 0),
        ({"code": "TEA-10"}, ["TEA-10"], 0),
        ("TEA-10", ["TEA-10"], 0),
        ([4711], ["4711"], 0),
        ([{"code": "A"}, None, ["B"], True], ["A"], 3),
        ([{"code": "A", "gcn": "no digits"}], ["A"], 1),
        ([{"code": "A", "discount": "five"}], ["A"], 1),
        ([{"code": "A", "discount": {"amount": "1", "currency": "USD"}, "currency": "EUR"}],
         ["A"], 1),
        ([{"code": f"K{n}"} for n in range(60)], [f"K{n}" for n in range(50)], 10),
    ],
)  # fmt: skip
def test_odd_coupons_never_lose_the_order(coupons: Any, codes: list[str], odd: int) -> None:
    """Codes alone, none, one object: the order is kept with what can be read of them."""
    order = read("events.purchase", ORDER | {"coupons": coupons})
    assert isinstance(order, Purchase)
    assert [c.code for c in order.coupons] == codes
    assert (order.odd_parts, dropped(order)) == (odd, odd)


@pytest.mark.parametrize(
    "odd",
    [
        {"loyalty": "gold"}, {"loyalty": {"points_earned": -3}}, {"store_id": "Store 5"},
        {"sales_channel": "kiosk"}, {"receipt_id": 17}, {"context": "web"},
        {"context": {"country": "Germany"}}, {"sent_at": 1_770_000_000}, {"traceparent": "x" * 99},
    ],
)  # fmt: skip
def test_other_odd_parts_never_lose_the_order(odd: dict[str, Any]) -> None:
    """One part is left out and counted; total and person stay."""
    order = read("events.purchase", ORDER | odd)
    assert (order.total.amount, order.identity.customer_id, dropped(order)) == ("10.00", "c-1", 1)


def test_a_whole_number_with_a_point_is_read_beside_an_odd_part() -> None:
    """Both mendings meet in one event."""
    line = {"product_id": "p", "quantity": 2.0, "unit_price": 5}
    order = read("events.purchase", ORDER | {"items": [line], "coupons": ["X"]})
    assert (order.items[0].quantity, order.coupons[0].code, order.odd_parts) == (2, "X", 0)


@pytest.mark.parametrize(
    ("said", "state", "unread"),
    [
        ("GRANTED", "granted", 0), (" granted ", "granted", 0), (True, "granted", 0),
        (1, "granted", 0), (1.0, "granted", 0), ("1", "granted", 0), ("true", "granted", 0),
        ("Denied", "denied", 0), (False, "denied", 0), (0, "denied", 0), ("0", "denied", 0),
        ("restricted", "denied", 0), ("false", "denied", 0), (None, "unset", 0),
        ("UNSET", "unset", 0), (2, "denied", 1), (1.5, "denied", 1), ("maybe", "denied", 1),
        ({"state": "granted"}, "denied", 1), (["granted"], "denied", 1), ("", "denied", 1),
        ("granted" * 20, "denied", 1),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_is_a_denial(said: Any, state: str, unread: int) -> None:
    """It never loses the denial beside it, and is counted."""
    event = read(
        "events.profile", SAID | {"purposes": {"personalization": said, "profiling": "denied"}}
    )
    applied = apply(new_customer("c-1", 0), event, Places())
    assert states(applied.person, ("personalization", "profiling")) == {
        "personalization": state,
        "profiling": "denied",
    }
    counted = [e.count for e in applied.effects if isinstance(e, DataDropped)]
    assert sum(counted) == unread


@pytest.mark.parametrize(
    "odd",
    [
        {"traits": {"home": {"city": "Bonn"}}}, {"traits": "x"}, {"collected_at": "yesterday"},
        {"policy_version": 3}, {"link": {"from": 3, "to": "c-1", "method": "login"}},
        {"survey": {"nps": 11}}, {"case": "open"}, {"context": {"app": {"a": {"b": 1}}}},
        {"context": {"device": {"n": 10**30}}}, {"context": {"consent": {"tcf": ["x"]}}},
        {"purposes": {"personalization": "denied", "x" * 300: "denied"}},
    ],
)  # fmt: skip
def test_odd_parts_never_lose_the_denial(odd: dict[str, Any]) -> None:
    """What stands beside the purposes may be odd: it goes, and is counted once."""
    event = read("events.profile", SAID | odd)
    assert isinstance(event, Profile)
    assert event.purposes == {"personalization": "denied"}
    assert dropped(event) == 1


def test_more_purposes_than_fit_do_not_lose_ours() -> None:
    """Of 100 purposes those that we know count."""
    purposes = {f"vendor-{n}": "granted" for n in range(100)} | {"profiling": "denied"}
    event = read("events.profile", SAID | {"purposes": purposes})
    assert (event.purposes, event.odd_parts) == ({"profiling": "denied"}, 100)


@pytest.mark.parametrize(
    ("gpc", "objects", "odd"),
    [
        (1, True, 0), ("1", True, 0), ("TRUE", True, 0), (0, False, 0), ("false", False, 0),
        ("granted", True, 1), ({}, True, 1), (2, True, 1), (None, None, 0),
    ],
)  # fmt: skip
def test_global_privacy_control_in_many_shapes(gpc: Any, objects: bool | None, odd: int) -> None:
    """What cannot be read is an objection."""
    event = read("events.app", OPENED | {"context": {"consent": {"gpc": gpc}}})
    assert (event.context.consent.gpc, event.odd_parts) == (objects, odd)


@pytest.mark.parametrize(
    "odd",
    [
        {"page": {"path": "/", "dwell_ms": -1}},
        {"products": [{"product_id": "p"}]},
        {"query": "shoes"},
        {"session_id": "a b"},
        {"cart": {"cart_id": "k", "value": "much"}},
    ],
)
def test_an_objection_is_heard_beside_any_odd_optional_part(odd: dict[str, Any]) -> None:
    """An event that carries a consent signal is not lost for what else is odd in it."""
    event = read("events.clickstream", PAGE | odd | {"context": {"consent": {"gpc": True}}})
    assert isinstance(event, Clickstream)
    assert (event.context.consent and event.context.consent.gpc, event.odd_parts) == (True, 1)
    without = decode("events.clickstream", json.dumps(PAGE | odd).encode(), (), RULES)
    assert isinstance(without, Rejected)


@pytest.mark.parametrize(
    ("status", "refused", "odd"),
    [
        ("DENIED", True, 0), ("restricted", True, 0), ("Restricted", True, 0), (False, True, 0),
        (0, True, 0), ("GRANTED", False, 0), (True, False, 0), (1, False, 0),
        ("notDetermined", False, 0), ("who knows", True, 1), ({}, True, 1), (None, True, 1),
    ],
)  # fmt: skip
def test_permissions_in_many_shapes(status: Any, refused: bool, odd: int) -> None:
    """What cannot be read refuses; a kind is read in any letter case."""
    permission = {"kind": "PUSH", "status": status}
    event = read(
        "events.app", HEAD | {"event_name": "permission_changed", "permission": permission}
    )
    assert isinstance(event, App)
    person = apply(new_customer("c-1", 0), event, Places()).person
    assert (is_push_refused(person), dropped(event)) == (refused, odd)


@pytest.mark.parametrize("consent", ["denied", False, ["x"], "CPxxxx"])
def test_a_consent_that_is_no_object_is_an_objection(consent: Any) -> None:
    """It cannot be read, so it counts as one."""
    event = read("events.app", OPENED | {"context": {"consent": consent}})
    person = apply(new_customer("c-1", 0), read("events.profile", SAID), Places()).person
    person = apply(person, event, Places()).person
    assert not any(is_granted(person, purpose) for purpose in PURPOSES.values())


@pytest.mark.parametrize("number", [17, 0, 1.5, True, [], {}])
def test_an_id_that_is_no_text_gives_way_to_the_next(number: Any) -> None:
    """The event is kept under its next id; without one it is refused where the fault is."""
    event = read("events.app", OPENED | {"identity": {"customer_id": number, "device_id": "d-1"}})
    assert (event.identity.key, event.odd_parts) == ("d-1", 1)
    alone = OPENED | {"identity": {"customer_id": number}}
    refused = decode("events.app", json.dumps(alone).encode(), (), RULES)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.path) == ("wrong_type", "$.identity.customer_id")


def test_traits_lose_only_what_is_odd() -> None:
    """Maps in traits and items that are no texts go; nothing of them is kept."""
    traits = {"size": "M", "home": {"mail": "jane@example.com"}, "likes": ["tea", 5], "n": 3}
    event = read("events.profile", HEAD | {"event_name": "profile_updated", "traits": traits})
    assert event.traits == {"size": "M", "likes": ["tea"], "n": 3}
    assert dropped(event) == 2


def test_what_is_refused_on_purpose_is_still_refused() -> None:
    """A wrong price beside an odd coupon: the price is told, not the coupon."""
    line = {"product_id": "p", "quantity": 1, "unit_price": "much"}
    event = ORDER | {"items": [line], "coupons": "TEA-10"}
    refused = decode("events.purchase", json.dumps(event).encode(), (), RULES)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.path) == ("bad_format", "$.items[0].unit_price")


@pytest.mark.parametrize(
    "odd",
    [
        {"sent_at": "9999-12-31T23:59:59Z"}, {"sent_at": "0001-01-01T00:00:00Z"},
        {"context": {"device": {f"k{n}": n for n in range(65)}}},
        {"context": {"locale": "\x00"}}, {"context": {"app": {"a": "\x00"}}},
        {"policy_version": "\x00"}, {"traits": {"a": "\x00"}},
        {"link": {"from": "090-1234-5678", "to": "c-1", "method": "login"}},
    ],
)  # fmt: skip
def test_parts_that_break_a_rule_never_lose_the_denial(odd: dict[str, Any]) -> None:
    """Times outside the calendar, too many facts, odd characters: the part goes, counted."""
    event = read("events.profile", SAID | odd)
    assert (event.purposes, event.odd_parts) == ({"personalization": "denied"}, 1)
