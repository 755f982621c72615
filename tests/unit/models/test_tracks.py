"""When new customers buy again: learned from this shop alone, of those who did, and resumable."""

import json
from random import Random

import pytest
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.times import DAY_MS, HOUR_MS, WEEK_MS
from streams.errors import StateError
from streams.models import Trainer, initial_models, with_snapshot
from streams.models.tracks import TRACKS, TrackLearner, TrackModel

T0 = 1_770_000_000_000


def example(
    number: int, took_ticks: float, at_ms: int, label: float = 1.0, tick_ms: int = WEEK_MS
) -> LearningExample:
    """A second purchase that was made after so long, or was not."""
    return LearningExample(
        example_id=f"x-{number}",
        model="tracks",
        observed_at_ms=at_ms,
        label=label,
        features={"purchase": 2.0, "took_ticks": took_ticks, "tick_ms": float(tick_ms)},
    )


def learned(
    many: int, weeks: float, took: tuple[float, ...] = (1.5, 2.5, 3.5, 4.5)
) -> TrackLearner:
    """A learner after so many second purchases, spread evenly over so many weeks."""
    learner = TrackLearner()
    for number in range(many):
        at_ms = T0 + round(number / (many - 1) * weeks * WEEK_MS)
        learner.learn(example(number, took[number % len(took)], at_ms))
    return learner


def due(learner: TrackLearner) -> float | None:
    """Within how many weeks the second purchase is made, as far as own data tell."""
    return learner.view("v").due_ticks("second_purchase", WEEK_MS)


def test_nothing_is_said_before_own_data_carry_it() -> None:
    """Thirty purchases, and twice the time that is said; of the first purchase nothing is known."""
    assert due(learned(29, 20.0)) is None
    assert due(learned(400, 7.0)) is None
    learner = learned(40, 20.0)
    assert due(learner) == pytest.approx(4.2, abs=0.1)
    assert learner.view("v").due_ticks("first_purchase", WEEK_MS) is None
    assert TrackModel().due_ticks("second_purchase", WEEK_MS) is None


def test_the_time_is_that_of_four_in_five_who_bought_again() -> None:
    """Those who never did are counted beside it, and do not move it."""
    learner = learned(40, 20.0)
    before = due(learner)
    for number in range(500, 600):
        learner.learn(example(number, 13.2, T0 + 20 * WEEK_MS, label=0.0))
    assert due(learner) == before
    assert learner.times["second_purchase"].missed == pytest.approx(100.0)


def test_what_was_learned_fades_with_time() -> None:
    """A shop whose customers have come to buy again sooner says so after a year or two."""
    learner = learned(100, 20.0, took=(8.5,))
    for number in range(100):
        learner.learn(example(1000 + number, 2.5, T0 + 124 * WEEK_MS))
    assert due(learner) == pytest.approx(3.0, abs=0.2)


def test_another_tick_begins_anew() -> None:
    """Weeks say nothing of days, and a view of weeks is not asked about days."""
    learner = learned(40, 20.0)
    assert learner.view("v").due_ticks("second_purchase", DAY_MS) is None
    learner.learn(example(99, 3.0, T0 + 21 * WEEK_MS, tick_ms=DAY_MS))
    assert sum(learner.times["second_purchase"].took) == 1.0


def test_stopped_and_resumed_equals_uninterrupted() -> None:
    """The dump is JSON, and a learner that is loaded ends in the same bytes."""
    stayed = learned(33, 20.0)
    moved = TrackLearner.load(json.loads(json.dumps(stayed.dump())))
    for number in range(50, 90):
        at_ms = T0 + number * WEEK_MS
        more = example(number, number % 13 + 0.3, at_ms, label=float(number % 3 > 0))
        stayed.learn(more)
        moved.learn(more)
    assert json.dumps(moved.dump()) == json.dumps(stayed.dump())
    assert moved.view("v") == stayed.view("v")
    assert len(json.dumps(moved.dump())) < 4096


def test_a_state_that_is_damaged_is_refused() -> None:
    """A parameter that is unknown or missing is no state."""
    state = TrackLearner().dump()
    with pytest.raises(StateError):
        TrackLearner.load({**state, "more": 1})
    del state["clock_ms"]
    with pytest.raises(StateError):
        TrackLearner.load(state)


def test_a_snapshot_comes_after_twenty_labels_and_serves() -> None:
    """Such labels are rare: a small shop does not wait for two hundred of them."""
    trainer, models = Trainer(), initial_models()
    published = []
    for number in range(40):
        at_ms = T0 + number * WEEK_MS
        snapshot = trainer.learn(example(number, 2.5, at_ms))
        if snapshot is not None:
            published.append(snapshot.version)
            models = with_snapshot(models, snapshot)
    assert published == ["tracks-20", "tracks-40"]
    assert models.tracks.version == "tracks-40"
    assert models.tracks.due_ticks("second_purchase", WEEK_MS) is not None


def waits(count: int) -> list[LearningExample]:
    """Waits that end every third hour: first purchases mostly made, second ones mostly missed."""
    draw, made = Random(4), []
    for number in range(count):
        purchase = 1.0 + (draw.random() < 0.5)
        label = float(draw.random() < (0.8 if purchase == 1.0 else 0.3))
        took = draw.uniform(0.0, 12.0) if label else 13.1
        one = example(number, took, T0 + number * 3 * HOUR_MS, label)
        made.append(replace(one, features={**one.features, "purchase": purchase}))
    return made


def p_made(learner: TrackLearner, wait: LearningExample) -> float:
    """The share of the waits for this purchase that ended in it."""
    times = learner.times[TRACKS[wait.features["purchase"]]]
    made = sum(times.took)
    return (made + 1.0) / (made + times.missed + 2.0)
