"""A rule that fired for one of two people who become one rests for both, if it was answered."""

from msgspec.structs import replace

from streams.customer import TriggerEvent
from streams.decisions.rearm import fired, fired_beside, fired_unheard, is_armed
from tests.unit.decisions.people import T0, request, someone

RULE = replace(request().rule, rearm_ms=60_000)
VIEW = TriggerEvent(kind="product_viewed", at_ms=T0, event_id="visitor", channel="web")
LOGIN = TriggerEvent(kind="product_viewed", at_ms=T0 + 1, event_id="login", channel="web")


def test_what_was_answered_stands_in_the_way_and_what_was_not_does_not() -> None:
    """A visitor without consent was told nothing; the visitor's own rule rests."""
    person = fired(someone(), RULE.rule_id, VIEW)
    assert fired_beside(person, RULE, LOGIN, ())
    unheard = fired_unheard(person, RULE.rule_id, VIEW.event_id)
    assert not fired_beside(unheard, RULE, LOGIN, ())
    assert not is_armed(unheard, RULE, LOGIN.at_ms)
