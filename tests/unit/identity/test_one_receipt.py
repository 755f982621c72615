"""A privacy request ends in one receipt, however many ids and addresses it concerns."""

from typing import Any

import pytest

from streams.contracts.common import Identity
from streams.contracts.inputs.events import PrivacyName, Profile
from streams.contracts.internal.routing import HOPS_MAX, RoutedEvent
from streams.contracts.outputs.effects import Effect, EventIgnored, ReceiptIssued
from streams.contracts.times import MINUTE_MS, from_ms
from streams.customer import Alias, Customer
from streams.topics import PRIVACY_REQUESTS
from tests.support.identity_lives import T0, asked, lived, opened


def told(minute: int, customer_id: str, **traits: Any) -> Profile:
    """Traits of somebody."""
    return Profile(
        event_id=f"told-{minute}",
        event_name="profile_updated",
        occurred_at=from_ms(T0 + minute * MINUTE_MS),
        identity=Identity(customer_id=customer_id),
        channel="web",
        traits=traits,
    )


def receipts(effects: list[Effect]) -> list[dict[str, int]]:
    """What each receipt says is held."""
    return [e.receipt.held for e in effects if isinstance(e, ReceiptIssued)]


SHOES = told(0, "c1", shoes=42)
PEOPLE = [
    ("one id", [SHOES], {"customer_id": "c1"}),
    (
        "linked ids, both named",
        [SHOES, opened(1, customer_id="c1", anonymous_id="x", device_id="d")],
        {"customer_id": "c1", "anonymous_id": "x", "device_id": "d"},
    ),
    (
        "by the visitor's id",
        [SHOES, opened(1, customer_id="c1", anonymous_id="x")],
        {"anonymous_id": "x"},
    ),
    (
        "ids that are people of their own",
        [SHOES, opened(1, anonymous_id="x"), opened(2, device_id="d")],
        {"customer_id": "c1", "anonymous_id": "x", "device_id": "d"},
    ),
    ("ids that nobody knows", [], {"customer_id": "c8", "anonymous_id": "y", "device_id": "z"}),
    (
        "two ids of one person beside",
        [SHOES, opened(1, customer_id="c1", anonymous_id="x", device_id="d")],
        {"anonymous_id": "x", "device_id": "d"},
    ),
]


@pytest.mark.parametrize("name", ["access_requested", "erasure_requested"])
@pytest.mark.parametrize(("events", "ids"), [p[1:] for p in PEOPLE], ids=[p[0] for p in PEOPLE])
def test_a_request_ends_in_one_receipt(
    name: PrivacyName, events: list[Any], ids: dict[str, str]
) -> None:
    """With the pieces of all rows that it found, each once."""
    _, effects = lived(*events, asked(name, **ids))
    (held,) = receipts(effects)
    assert held.get("traits", 0) == bool(events)


def test_access_counts_every_row_once() -> None:
    """Three people behind three ids: the activity of all."""
    events = [opened(0, customer_id="c1"), opened(1, anonymous_id="x"), opened(2, device_id="d")]
    alone = [
        receipts(lived(event, asked("access_requested", **ids))[1])[0]["activity"]
        for event, ids in zip(
            events, [{"customer_id": "c1"}, {"anonymous_id": "x"}, {"device_id": "d"}], strict=True
        )
    ]
    every = {"customer_id": "c1", "anonymous_id": "x", "device_id": "d"}
    (held,) = receipts(lived(*events, asked("access_requested", **every))[1])
    assert held["activity"] == sum(alone)


def test_access_that_follows_too_many_addresses_ends_in_a_receipt() -> None:
    """It says what was found, and that the event was given up at one id."""
    driver, _ = lived(opened(0, device_id="d"))
    driver.rows["x"] = Alias(version=3, alias_id="x", moved_to="y", moved_at_ms=T0, method="login")
    request = asked("access_requested", anonymous_id="x", device_id="d")
    effects = driver.handle(
        RoutedEvent(key="x", topic=PRIVACY_REQUESTS.name, event=request, hops=HOPS_MAX)
    )
    assert EventIgnored("too_many_hops", "p-1") in effects
    (held,) = receipts(effects)
    assert held["activity"] > 0


def test_a_request_that_comes_again_spares_who_the_visitor_has_become() -> None:
    """The visitor was erased, and logs in later: the same request, sent again, erases no more."""
    request = asked("erasure_requested", 5, anonymous_id="x")
    login = opened(9, customer_id="c1", anonymous_id="x")
    driver, effects = lived(opened(0, anonymous_id="x"), request, login, request)
    assert isinstance(driver.rows["c1"], Customer)
    assert EventIgnored("duplicate", "p-1") in effects
    assert len(receipts(effects)) == 1
