"""A decision waits for a link that is under way: the limits are those of the merged person."""

import json
from datetime import datetime, timedelta
from typing import Any

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.internal.routing import LinkRequested, Tick
from streams.contracts.outputs.effects import DecisionLogged, Effect, EventRouted, OfferDecided
from streams.contracts.reference.structs import FrequencyCap
from streams.contracts.times import to_ms
from streams.decisions import Policy
from streams.driver import Driver
from streams.identity import key_of
from streams.models import initial_models
from streams.pipeline import World, process
from tests.unit.decisions.people import AGREED, FREE, offer, rule, shop

BEGIN = datetime.fromisoformat("2026-06-01T12:00:00+00:00")
RULES = InputRules(now_ms=2**45)
THREE = FrequencyCap(count=3, days=1.0)


def policy() -> Policy:
    """Three contacts a day, over all ids of a person; every opening of the app asks."""
    contact = type(FREE)(
        caps=(THREE,), calendar_day_max=99, min_gap_ms=0, quiet_hours=FREE.quiet_hours
    )
    offers = [offer(f"o-{n}", redeem_within_days=0.001) for n in range(9)]
    return shop(*offers, rules=(rule(),), contact=contact, chooser="uniform")


def event(number: int, name: str, seconds: int, **ids: str) -> dict[str, Any]:
    """An event of the app."""
    made: dict[str, Any] = {
        "event_id": f"e-{number}",
        "event_name": name,
        "occurred_at": (BEGIN + timedelta(seconds=seconds)).isoformat(),
        "identity": ids,
        "channel": "app",
    }
    if name == "consent_updated":
        made["purposes"] = dict.fromkeys(AGREED, "granted")
    return made


def feed(driver: Driver, told: dict[str, Any]) -> list[Effect]:
    """One event to its end."""
    topic = "events.profile" if told["event_name"] == "consent_updated" else "events.app"
    effects = driver.feed(topic, json.dumps(told).encode(), RULES)
    assert not isinstance(effects, Rejected)
    return list(effects)


def history() -> tuple[Driver, list[Effect]]:
    """Two contacts of the customer, two as anonymous, the login not said yet."""
    driver, effects = Driver(policy(), initial_models()), []
    for number, ids in enumerate(({"customer_id": "c"}, {"anonymous_id": "a"})):
        feed(driver, event(number, "consent_updated", 0, **ids))
        for n in range(2):
            effects += feed(driver, event(10 * number + n + 5, "application_opened", n + 1, **ids))
    return driver, effects


def contacts(effects: list[Effect]) -> int:
    """How many offers were made."""
    return sum(isinstance(effect, OfferDecided) for effect in effects)


def test_an_event_with_both_ids_sees_the_limits_of_both() -> None:
    """Four contacts on two ids that become one: the fifth is withheld by the cap of three."""
    driver, effects = history()
    assert contacts(effects) == 4
    told = event(99, "application_opened", 60, customer_id="c", anonymous_id="a")
    after = feed(driver, told)
    verdicts = [e.entry.verdict for e in after if isinstance(e, DecisionLogged)]
    assert (contacts(after), verdicts) == (0, ["person_cap"])


def test_the_wait_ends_after_a_second_or_with_the_next_event() -> None:
    """Where no answer comes, the timer decides, a second later; or the next event does."""
    driver, _ = history()
    world = World(driver.models, driver.policy)
    both = event(99, "application_opened", 60, customer_id="c", anonymous_id="a")
    decoded = _decoded(both)
    step = process(decoded, driver.rows["c"], world)
    assert [type(e) for e in step.effects] == [EventRouted]
    assert isinstance(step.effects[0], EventRouted)
    assert isinstance(step.effects[0].message, LinkRequested)
    at_ms = to_ms(BEGIN) + 60_000
    for seconds in (0.5, 5.0):
        late = process(
            _decoded(event(100, "screen_viewed", 60, customer_id="c"), seconds), step.row, world
        )
        entries = [e.entry for e in late.effects if isinstance(e, DecisionLogged)]
        due = at_ms + round(min(seconds, 1.0) * 1_000)
        assert [(e.trigger.event_id, to_ms(e.decided_at)) for e in entries] == [("e-99", due)]
    ticked = process(Tick("c", at_ms + 1_000), step.row, world)
    assert contacts(list(ticked.effects)) == 1


def _decoded(told: dict[str, Any], later_s: float = 0.0) -> Any:
    moment = datetime.fromisoformat(told["occurred_at"]) + timedelta(seconds=later_s)
    told = {**told, "occurred_at": moment.isoformat()}
    if told["event_name"] == "screen_viewed":
        told["screen"] = {"name": "home"}
    decoded = decode("events.app", json.dumps(told).encode(), (), RULES)
    assert not isinstance(decoded, Rejected)
    assert key_of(decoded) == "c"
    return decoded
