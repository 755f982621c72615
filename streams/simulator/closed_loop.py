"""A story and `process()` in one process: people act, offers and contacts reach them."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import (
    AlertRaised,
    DecisionLogged,
    Effect,
    OfferDecided,
    OutcomeSeen,
)
from streams.contracts.outputs.payloads import ChurnAlert, DecisionLog
from streams.contracts.times import HOUR_MS
from streams.driver import Driver
from streams.simulator.stories import Received, Story

START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
STEP_MS = HOUR_MS


class Played(Struct, frozen=True, kw_only=True):
    """What the shop said and saw while a story was played; `events` counts the records."""

    events: int
    entries: list[DecisionLog]
    alerts: list[ChurnAlert]
    outcomes: list[OutcomeSeen]


ToCrm = Callable[[ChurnAlert, int], None]


def effects_of(
    story: Story, driver: Driver, to_crm: ToCrm | None = None
) -> Iterator[tuple[Effect, ...]]:
    """Play a story to its end, an hour at a time: the effects of each of its records.

    Args:
        story: who acts and answers; offers reach people as they are decided.
        driver: the shop, with the policy of the story's reference.
        to_crm: who reads the churn alerts, with the story's clock in milliseconds;
            `World.receive_alert` is one. Nobody does by default.

    Raises:
        ValueError: a record of the story was rejected.
    """
    for until_ms in range(story.start_ms + STEP_MS, story.end_ms + 1, STEP_MS):
        rules = InputRules(now_ms=until_ms, occurred_at_min_ms=0)
        for sent in story.step(until_ms):
            effects = driver.feed(sent.topic, sent.value, rules)
            if isinstance(effects, Rejected):
                raise ValueError(f"the simulator's own event was rejected: {effects}")
            for effect in effects:
                if isinstance(effect, OfferDecided):
                    story.receive(Received.of(effect.offer), until_ms)
                elif isinstance(effect, AlertRaised) and to_crm is not None:
                    to_crm(effect.alert, until_ms)
            yield effects


def play(story: Story, driver: Driver, to_crm: ToCrm | None = None) -> Played:
    """Play a story to its end and keep what the shop said; arguments as of `effects_of`.

    Raises:
        ValueError: a record of the story was rejected.
    """
    entries: list[DecisionLog] = []
    alerts: list[ChurnAlert] = []
    outcomes: list[OutcomeSeen] = []
    events = 0
    for effects in effects_of(story, driver, to_crm):
        events += 1
        for effect in effects:
            match effect:
                case DecisionLogged(entry):
                    entries.append(entry)
                case AlertRaised(alert):
                    alerts.append(alert)
                case OutcomeSeen():
                    outcomes.append(effect)
    return Played(events=events, entries=entries, alerts=alerts, outcomes=outcomes)
