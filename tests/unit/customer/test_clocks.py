"""A person's time zone is the one that was named last, whatever arrives first."""

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import Context, Identity
from streams.contracts.inputs.events import App, Profile
from streams.contracts.times import HOUR_MS, from_ms
from streams.customer import Customer, Places, apply, merge_customers, new_customer

T0 = 1_770_000_000_000


def opened(hour: int, zone: str | None) -> App:
    """The app is opened in a zone."""
    return App(
        event_id=f"open-{hour}",
        event_name="application_opened",
        occurred_at=from_ms(T0 + hour * HOUR_MS),
        identity=Identity(customer_id="c-1"),
        channel="app",
        context=Context(timezone=zone),
    )


def told(hour: int, **traits: Any) -> Profile:
    """What is said of the person."""
    return Profile(
        event_id=f"told-{hour}",
        event_name="profile_updated",
        occurred_at=from_ms(T0 + hour * HOUR_MS),
        identity=Identity(customer_id="c-1"),
        channel="web",
        traits=traits,
    )


def lived(*events: Any, customer_id: str = "c-1") -> Customer:
    """The person after these events."""
    person = new_customer(customer_id, T0)
    for event in events:
        person = apply(person, event, Places()).person
    return person


NAMED = [opened(1, "Asia/Tokyo"), opened(2, None), opened(3, "Z"), told(4, timezone="+05:30")]


@pytest.mark.parametrize("last", [1, 3, 4])
def test_the_zone_named_last_counts_in_every_order(last: int) -> None:
    """Tokyo, then UTC in so many words, then what a trait says; an event without one says none."""
    right = {1: "Asia/Tokyo", 3: "UTC", 4: "+05:30"}[last]
    for arrival in permutations(NAMED[:last]):
        assert lived(*arrival).timezone == right


def test_other_traits_name_no_zone() -> None:
    """The trait said Tokyo, a newer event Berlin: a word on shoes changes nothing."""
    person = lived(told(1, timezone="Asia/Tokyo"), opened(2, "Europe/Berlin"), told(3, shoes=42))
    assert person.timezone == "Europe/Berlin"


def test_a_row_of_before_does_not_know_when() -> None:
    """UTC may never have been named, so that a late event counts; another zone stays."""
    for before, right in (("UTC", "Asia/Tokyo"), ("Europe/Berlin", "Europe/Berlin")):
        old = replace(lived(opened(5, None)), timezone=before)
        assert apply(old, opened(1, "Asia/Tokyo"), Places()).person.timezone == right


@pytest.mark.parametrize("swapped", [False, True])
def test_a_merge_keeps_the_zone_named_last(swapped: bool) -> None:
    """Whoever of the two was told; UTC in so many words counts like any other."""
    rows = [
        lived(opened(1, "Asia/Tokyo")),
        lived(opened(2, "UTC"), customer_id="x"),
    ]
    into, other = reversed(rows) if swapped else rows
    assert merge_customers(into, other, T0).timezone == "UTC"
