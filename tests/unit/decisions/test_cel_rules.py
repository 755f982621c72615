"""CEL rules are given the facts that they name, and say what they would say with all of them."""

import re
from pathlib import Path

import pytest

from streams import customer
from streams.contracts.times import MINUTE_MS
from streams.customer import TriggerEvent
from streams.customer.counter_names import COUNTER_NAMES
from streams.customer.counters import add
from streams.customer.row import Counter
from streams.decisions.cel_rules import compile_rule, context_of
from streams.decisions.facts import ALL_FACTS
from tests.unit.decisions.people import T0, someone

PERSON = someone(traits={"tier": "gold"}, locale="de", counters={"searches": Counter()})
TRIGGER_EVENT = TriggerEvent(
    kind="product_viewed", at_ms=T0, event_id="e-1", channel="web", category="tea"
)


@pytest.mark.parametrize(
    "source",
    [
        "person.known",
        "!person.known",
        "person . known && trigger . category == 'tea'",
        "person['known']",
        "has(person.traits.tier) && person.traits.tier == 'gold'",
        "has(person.spend)",
        "'searches' in person.counts",
        "[person].exists(p, p.locale == 'de')",
        "['tea'].exists(trigger, trigger == 'tea')",
        r"'\'' != 'person.' && person.locale == 'de' && '\'' != person.timezone",
        "size(person) > 5",
        "person.traits.level > 3.0",
    ],
)
def test_a_rule_that_is_given_what_it_names_says_the_same(source: str) -> None:
    """With fewer facts no rule changes its answer, however it names them."""
    errors: list[str] = []
    rule = compile_rule(source, "here", errors)
    assert rule is not None, errors
    assert rule.reads
    with_all = rule.holds(context_of(PERSON, TRIGGER_EVENT, T0, ALL_FACTS))
    assert rule.holds_for(PERSON, TRIGGER_EVENT, T0) == with_all


@pytest.mark.parametrize(
    ("source", "answer"), [("true", True), ("1 < 2", True), ("false", False), ("1 / 0 == 1", False)]
)
def test_a_rule_that_names_nothing_is_answered_once(source: str, answer: bool) -> None:
    """It needs no facts, and one that fails says no."""
    rule = compile_rule(source, "here", [])
    assert rule is not None
    assert (rule.always, rule.holds(None)) == (answer, answer)
    assert not rule.reads


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("person.counts.searches.m5 == 2.0", True),
        ("person.counts.searches.h1 == 3.0", True),
        ("person.counts['searches']['h3'] == 4.0", True),
        ("person.counts.searches.d1 == 4.0", True),
        ("person.counts.searches.m5 > 2.0", False),
    ],
)
def test_windows_of_minutes_and_hours_count(source: str, answer: bool) -> None:
    """Searches 1, 2, 30 and 120 minutes ago."""
    counter = None
    for minutes in (120, 30, 2, 1):
        counter = add(counter, T0 - minutes * MINUTE_MS)
    assert counter is not None
    rule = compile_rule(source, "here", [])
    assert rule is not None
    assert rule.holds_for(someone(counters={"searches": counter}), TRIGGER_EVENT, T0) is answer


def test_every_counter_has_its_name() -> None:
    """What the code counts under a name of its own is a name that rules may ask for."""
    room = Path(customer.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for path in room.glob("*.py"))
    named = set(re.findall(r"""count(?:ed)?\((?:person|person\.counters|held), "(\w+)\"""", code))
    assert {"orders", "refunds", "app_opens", "zone_visits", "surveys", "service_cases"} <= named
    assert named <= COUNTER_NAMES
