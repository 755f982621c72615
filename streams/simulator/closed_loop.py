"""A story and `process()` in one process: people act, offers reach them, models learn."""

from msgspec import Struct

from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import AlertRaised, DecisionLogged, OfferDecided, OutcomeSeen
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


def play(story: Story, driver: Driver) -> Played:
    """Play a story to its end, an hour at a time; offers reach people as they are decided.

    Args:
        story: who acts and answers.
        driver: the shop, with the policy of the story's reference.

    Raises:
        ValueError: a record of the story was rejected.
    """
    entries: list[DecisionLog] = []
    alerts: list[ChurnAlert] = []
    outcomes: list[OutcomeSeen] = []
    events = 0
    for until_ms in range(story.start_ms + STEP_MS, story.end_ms + 1, STEP_MS):
        rules = InputRules(now_ms=until_ms, occurred_at_min_ms=0)
        for sent in story.step(until_ms):
            events += 1
            effects = driver.feed(sent.topic, sent.value, rules)
            if isinstance(effects, Rejected):
                raise ValueError(f"the simulator's own event was rejected: {effects}")
            for effect in effects:
                match effect:
                    case OfferDecided(offer):
                        story.receive(Received.of(offer), until_ms)
                    case DecisionLogged(entry):
                        entries.append(entry)
                    case AlertRaised(alert):
                        alerts.append(alert)
                    case OutcomeSeen():
                        outcomes.append(effect)
    return Played(events=events, entries=entries, alerts=alerts, outcomes=outcomes)
