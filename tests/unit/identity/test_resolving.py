"""Whose row a message belongs to; arms; what identity asks of the world."""

from typing import Any

from streams.contracts.common import Identity
from streams.contracts.inputs.events import Clickstream, Page, PrivacyName, PrivacyRequest
from streams.contracts.internal.routing import (
    HOPS_MAX,
    LinkAnswered,
    LinkRequested,
    Message,
    RoutedEvent,
    Tick,
)
from streams.contracts.outputs.effects import EventIgnored, EventRouted, ReceiptIssued
from streams.contracts.reference.structs import Arm, Experiment
from streams.contracts.times import from_ms
from streams.customer import Alias, Erased, new_customer
from streams.identity import arm_of, key_of, resolve

T0 = 1_770_000_000_000
ALIAS = Alias(version=1, alias_id="a-1", moved_to="c-1", moved_at_ms=T0, method="login")


def view(**identity: Any) -> Clickstream:
    """A page view under some ids."""
    return Clickstream(
        event_id="e-1",
        event_name="page_viewed",
        occurred_at=from_ms(T0),
        identity=Identity(**identity),
        channel="web",
        page=Page(path="/"),
    )


def privacy(name: PrivacyName) -> PrivacyRequest:
    """A privacy request of c-1."""
    return PrivacyRequest(
        event_id="p-1",
        event_name=name,
        occurred_at=from_ms(T0),
        identity=Identity(customer_id="c-1"),
        channel="web",
        request_id="r-1",
        requested_at=from_ms(T0 + 5),
    )


def test_keys() -> None:
    """Every kind of message names the row that it is about."""
    asked = LinkRequested(customer_id="c", other_id="a", method="login", requested_at_ms=T0)
    answer = LinkAnswered(
        customer_id="c", other_id="a", method="login", answered_at_ms=T0, row=None
    )
    routed = RoutedEvent(key="c-9", topic="events.clickstream", event=view(anonymous_id="a"))
    messages: list[Message] = [
        asked,
        answer,
        routed,
        Tick("t", T0),
        view(device_id="d", anonymous_id="a"),
    ]
    assert [key_of(message) for message in messages] == ["a", "c", "c-9", "t", "a"]


def test_a_first_event_makes_a_person() -> None:
    """Known when the customer's own id is the key, anonymous else."""
    known, anonymous = (
        resolve(view(customer_id="c-1"), None),
        resolve(view(anonymous_id="a-1"), None),
    )
    assert known.person == new_customer("c-1", T0, known=True)
    assert anonymous.person == new_customer("a-1", T0)
    assert (known.row, known.at_ms, known.effects) == (None, T0, ())


def test_an_event_follows_an_address_for_four_hops() -> None:
    """It goes on with its own identity; a fifth hop is refused and reported."""
    resolution = resolve(view(anonymous_id="a-1"), ALIAS)
    (effect,) = resolution.effects
    assert isinstance(effect, EventRouted)
    assert isinstance(effect.message, RoutedEvent)
    assert (effect.key, effect.message.hops, resolution.person, resolution.row) == (
        "c-1",
        1,
        None,
        ALIAS,
    )
    last = RoutedEvent(
        key="a-1", topic="events.clickstream", event=view(anonymous_id="a-0"), hops=HOPS_MAX
    )
    assert resolve(last, ALIAS).effects == (EventIgnored("too_many_hops", "e-1"),)


def test_two_ids_in_an_event_ask_for_a_link_once() -> None:
    """The second event of the same pair asks nothing."""
    event = view(customer_id="c-1", device_id="d-1")
    resolution = resolve(event, None)
    asked = LinkRequested(
        customer_id="c-1",
        other_id="d-1",
        method="device",
        requested_at_ms=T0,
        evidence_event_id="e-1",
    )
    assert resolution.effects == (EventRouted("d-1", asked),)
    assert resolution.person is not None
    assert resolve(event, resolution.person).effects == ()


def test_a_tick_of_nobody_does_nothing() -> None:
    """A timer that outlived its row, or whose row has moved, changes nothing."""
    assert resolve(Tick("a-1", T0), None).person is None
    resolution = resolve(Tick("a-1", T0), ALIAS)
    assert (resolution.row, resolution.person, resolution.effects) == (ALIAS, None, ())


def test_access_says_what_is_held() -> None:
    """The receipt counts pieces by category; the row stays."""
    person = new_customer("c-1", T0, known=True)
    resolution = resolve(privacy("access_requested"), person)
    (effect,) = resolution.effects
    assert isinstance(effect, ReceiptIssued)
    assert (resolution.row, effect.receipt.rows_erased, effect.receipt.held) == (person, 0, {})
    assert resolution.at_ms == T0 + 5


def test_an_erasure_spares_who_is_not_meant() -> None:
    """At a linked id that is somebody else's by now, nothing is erased."""
    routed = RoutedEvent(key="d-1", topic="privacy.requests", event=privacy("erasure_requested"))
    person = new_customer("d-1", T0)
    elsewhere = Alias(version=1, alias_id="d-1", moved_to="c-2", moved_at_ms=T0, method="login")
    assert resolve(routed, person).row == person
    assert resolve(routed, elsewhere).row == elsewhere
    assert isinstance(resolve(routed, ALIAS).row, Erased)


def test_arms_follow_their_shares() -> None:
    """Of 20,000 people a fifth is in an arm of one fifth (+- 1 point); salts are independent."""
    arms = (
        Arm(name="policy", share=0.8, chooser="policy"),
        Arm(name="holdout", share=0.2, chooser="holdout"),
    )
    first, second = Experiment(arms=arms), Experiment(arms=arms, salt="other")
    people = [f"c-{n}" for n in range(20_000)]
    held = [p for p in people if arm_of(first, p).name == "holdout"]
    assert 0.19 < len(held) / len(people) < 0.21
    both = [p for p in held if arm_of(second, p).name == "holdout"]
    assert 0.17 < len(both) / len(held) < 0.23
