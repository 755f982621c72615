"""The newer word by event time wins: links, unlinks, and an own id that is free again."""

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from streams.audit.arrivals import Arrival
from streams.audit.people import People
from streams.contracts.common import Identity
from streams.contracts.inputs.events import App, InputEvent, Link, Profile
from streams.contracts.outputs.effects import IdentityChanged
from streams.contracts.times import MINUTE_MS, from_ms
from streams.customer import Alias, Customer
from streams.driver import Driver
from tests.support.identity_lives import T0, asked, lived, opened


def said(minute: int, name: Any, from_: str = "x", to: str = "c1") -> Profile:
    """Two ids are one person, or no longer."""
    return Profile(
        event_id=f"{name}-{minute}",
        event_name=name,
        occurred_at=from_ms(T0 + minute * MINUTE_MS),
        identity=Identity(customer_id=to),
        channel="web",
        link=Link(from_=from_, to=to, method="manual"),
    )


def linked(driver: Driver, id_: str = "x", customer_id: str = "c1") -> bool:
    """Whether an id forwards to the customer, and the customer knows."""
    row, person = driver.rows.get(id_), driver.rows.get(customer_id)
    there = isinstance(row, Alias) and row.moved_to == customer_id
    known = isinstance(person, Customer) and id_ in person.linked_ids
    assert there == known
    return there


def audited(*events: InputEvent) -> bool:
    """What the auditor says of the same."""
    people = People()
    for place, event in enumerate(events):
        people.take(Arrival(place, "", event, event.at_ms, None))
    return people.at("x", 99) is not None and people.at("x", 99) is people.at("c1", 99)


LATE = opened(4, customer_id="c1", anonymous_id="x")
GONE = said(5, "identity_unlinked")
LOGIN_THEN = opened(30, customer_id="c1", anonymous_id="x")
ERASED = asked("erasure_requested", 60, customer_id="c2")


@pytest.mark.parametrize("first", [opened(3, customer_id="c1", anonymous_id="x"), None])
@pytest.mark.parametrize("late", [LATE, said(4, "identity_linked")])
def test_a_login_that_is_older_than_the_unlink_links_nothing(
    first: App | None, late: InputEvent
) -> None:
    """Whether or not they were linked before; what is newer links again."""
    events = [*([first] if first else []), GONE, late]
    driver, effects = lived(*events)
    assert (linked(driver), audited(*events)) == (False, False)
    kinds = [e.change.kind for e in effects if isinstance(e, IdentityChanged)]
    assert kinds == (["linked", "unlinked"] if first else [])
    again = opened(6, customer_id="c1", anonymous_id="x")
    assert (linked(lived(*events, again)[0]), audited(*events, again)) == (True, True)


def test_login_and_unlink_in_every_order() -> None:
    """Login at 10:03 and 10:04, unlinked at 10:05: nothing is linked in the end."""
    words = [opened(3, customer_id="c1", anonymous_id="x"), LATE, GONE]
    for events in permutations(words):
        assert not linked(lived(*events)[0])


@pytest.mark.parametrize(
    "newer", [opened(6, customer_id="c1", anonymous_id="x"), said(6, "identity_linked")]
)
def test_an_unlink_that_is_older_than_the_login_unlinks_nothing(newer: InputEvent) -> None:
    """Login at 10:03, unlinked at 10:05, login at 10:06: in every order they are one at the end."""
    for events in permutations([opened(3, customer_id="c1", anonymous_id="x"), GONE, newer]):
        driver, effects = lived(*events)
        assert (linked(driver), audited(*events)) == (True, True)
        kinds = [e.change.kind for e in effects if isinstance(e, IdentityChanged)]
        assert kinds.count("linked") == kinds.count("unlinked") + 1


def test_the_newest_login_counts_also_where_they_were_linked_before() -> None:
    """A login of an id that is linked is a word too; at one moment the unlink wins."""
    logins = [opened(n, customer_id="c1", anonymous_id="x") for n in (3, 6)]
    assert linked(lived(*logins, GONE)[0])
    assert audited(*logins, GONE)
    at_once = said(6, "identity_unlinked")
    assert not linked(lived(*logins, at_once)[0])
    assert not audited(*logins, at_once)


@pytest.mark.parametrize("theirs", [Identity(anonymous_id="x"), Identity(customer_id="x")])
def test_a_link_of_others_is_theirs_alone_whoever_tells_it(theirs: Identity) -> None:
    """The visitor y, who is x by now, tells that d is c1: x stays who they are."""
    told: list[InputEvent] = [
        opened(1, customer_id="c1"),
        replace(opened(2, customer_id="x"), identity=theirs),
        replace(said(3, "identity_linked", "y", "x"), identity=theirs),
        replace(said(4, "identity_linked", "d", "c1"), identity=Identity(anonymous_id="y")),
    ]
    driver, _ = lived(*told)
    there = [linked(driver, *ids) for ids in (("d", "c1"), ("x", "c1"), ("d", "x"))]
    assert (there, audited(*told)) == ([True, False, False], False)


def test_a_customers_own_id_is_free_after_the_erasure() -> None:
    """Held in a conflict while c0 was a customer; the other's next login links it."""
    login = opened(2, customer_id="c1", anonymous_id="c0")
    held = [opened(1, customer_id="c0"), login]
    driver, effects = lived(*held)
    assert [e.change.kind for e in effects if isinstance(e, IdentityChanged)] == ["conflict"]
    again = opened(9, customer_id="c1", anonymous_id="c0")
    assert not linked(lived(*held, again)[0], "c0")
    driver, _ = lived(*held, asked("erasure_requested", 5, customer_id="c0"), again)
    assert linked(driver, "c0")


def test_one_id_that_many_customers_name_stays_the_customers() -> None:
    """Conflicts about an own id make no shared device of a customer."""
    logins = [opened(n, customer_id=f"c{n}", anonymous_id="c0") for n in range(2, 12)]
    driver, _ = lived(opened(1, customer_id="c0"), *logins)
    row = driver.rows["c0"]
    assert isinstance(row, Customer)
    assert (row.known, row.shared) == (True, False)


@pytest.mark.parametrize("again", [LOGIN_THEN, said(30, "identity_linked")])
@pytest.mark.parametrize("back", [False, True])
def test_a_link_that_is_older_than_the_erasure_of_the_id_brings_nothing_back(
    again: InputEvent, back: bool
) -> None:
    """The visitor was erased since; a link that is newer than the erasure is made."""
    told: list[InputEvent] = [opened(1, customer_id="c2", anonymous_id="x"), ERASED]
    told += [opened(65, anonymous_id="x")] if back else []
    driver, _ = lived(*told, again)
    assert (linked(driver), audited(*told, again)) == (False, False)
    newer = replace(again, event_id="newer", occurred_at=from_ms(T0 + 70 * MINUTE_MS))
    driver, _ = lived(*told, again, newer)
    assert (linked(driver), audited(*told, again, newer)) == (True, True)
