"""The weekly capacity is met on average, over a shop whose people wait, change and leave."""

import json
import math
from random import Random

import pytest
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.times import WEEK_MS
from streams.errors import StateError
from streams.models.capacity import CapacityLearner, CapacityModel

T0 = 1_770_000_000_000
WEEKS, WARM_UP = 40, 6


def look(at_ms: int, gain: float) -> LearningExample:
    """A case could open now, and a contact would gain so much."""
    return LearningExample(
        example_id=f"x-{at_ms}-{gain}",
        model="capacity",
        observed_at_ms=at_ms,
        label=0.0,
        features={"gain": gain},
    )


class Waiting(Struct):
    """Somebody for whom a case could open, looked at once a week at their own moment."""

    phase: float
    gain: float


def opened_by_week(per_week: float, candidates_a_week: int, seed: int) -> list[int]:
    """How many cases open in each week, where those who are held back stay, and change."""
    print(f"seed {seed}")
    draw, learner, model = Random(seed), CapacityLearner(), CapacityModel()
    waiting: list[Waiting] = []
    opened = [0] * WEEKS
    looks = 0
    for week in range(WEEKS):
        waiting += [
            Waiting(draw.random(), draw.lognormvariate(1.0, 1.2)) for _ in range(candidates_a_week)
        ]
        stay = []
        for person in sorted(waiting, key=lambda w: w.phase):
            learner.learn(look(T0 + round((week + person.phase) * WEEK_MS), person.gain))
            looks += 1
            if looks % 50 == 0:
                model = learner.view(f"capacity-{looks}")
            least = model.threshold(per_week)
            if least is None or person.gain >= least:
                opened[week] += 1
            elif draw.random() < 0.8:
                person.gain *= draw.uniform(0.9, 1.15)
                stay.append(person)
        waiting = stay
    return opened


@pytest.mark.parametrize(("per_week", "candidates"), [(20.0, 100), (100.0, 400), (5.0, 30)])
def test_about_so_many_open_a_week_on_average(per_week: float, candidates: int) -> None:
    """Within a fifth of the setting, over the weeks after the first month and a half."""
    opened = opened_by_week(per_week, candidates, seed=14)[WARM_UP:]
    assert sum(opened) / len(opened) == pytest.approx(per_week, rel=0.2)


def test_where_there_is_time_for_all_nobody_is_held_back() -> None:
    """A capacity above what there is leaves the threshold at nothing."""
    assert sum(opened_by_week(500.0, 100, seed=15)) == WEEKS * 100


def test_no_threshold_before_a_week_was_watched() -> None:
    """What one day shows is no week."""
    learner = CapacityLearner()
    for hour in range(24):
        learner.learn(look(T0 + hour * 3_600_000, 5.0))
    assert learner.view("v").threshold(1.0) is None
    assert CapacityModel().threshold(1.0) is None


def test_stopped_and_resumed_equals_uninterrupted() -> None:
    """The dump is JSON, and a learner that is loaded ends in the same bytes, below 64 KB."""
    draw = Random(16)
    looks = [look(T0 + n * WEEK_MS // 90, draw.lognormvariate(0.0, 4.0)) for n in range(2_000)]
    stayed = CapacityLearner()
    for one in looks[:900]:
        stayed.learn(one)
    moved = CapacityLearner.load(json.loads(json.dumps(stayed.dump())))
    for one in looks[900:]:
        stayed.learn(one)
        moved.learn(one)
    assert json.dumps(moved.dump()) == json.dumps(stayed.dump())
    assert moved.view("v") == stayed.view("v")
    assert len(json.dumps(moved.dump())) < 64 * 1024


def test_a_state_that_is_damaged_is_refused() -> None:
    """A parameter that is unknown is no state."""
    with pytest.raises(StateError):
        CapacityLearner.load({**CapacityLearner().dump(), "more": 1})


TOP_TENTH = 9.0  # a week, of the 90 of `looks`


def looks(count: int) -> list[LearningExample]:
    """Ninety looks a week; label 1 for the tenth of them that gains most."""
    draw, made = Random(5), []
    for number in range(count):
        height = draw.uniform(0.0, 4.0)
        one = look(T0 + number * WEEK_MS // 90, math.exp(height))
        made.append(replace(one, example_id=f"x-{number}", label=float(height >= 3.6)))
    return made


def p_opened(learner: CapacityLearner, one: LearningExample) -> float:
    """Nearly sure on either side of the threshold; even odds while there is none."""
    least = learner.view("v").threshold(TOP_TENTH)
    if least is None:
        return 0.5
    return 0.95 if one.features["gain"] >= least else 0.05
