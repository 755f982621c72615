"""Margin a head against other arms: right on average, and its interval holds at every look."""

import numpy as np
import pytest

from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import Chooser
from streams.models.incremental_margin import PEOPLE_MIN, MarginLearner

SEED, EXPERIMENTS, PEOPLE, EFFECT = 17, 40, 1_500, 0.5
SHARES: dict[Chooser, float] = {"policy": 0.8, "uniform": 0.1, "holdout": 0.1}


def person(
    number: int, chooser: Chooser, margin: float, experiment: float = 1.0
) -> LearningExample:
    """Somebody whose window is over."""
    return LearningExample(
        example_id=f"x-{number}",
        model="margin",
        observed_at_ms=number,
        label=margin,
        features={
            f"chooser_{chooser}": 1.0,
            "experiment": experiment,
            **{f"share_{name}": share for name, share in SHARES.items()},
        },
    )


def people(draw: np.random.Generator, count: int, effect: float) -> list[LearningExample]:
    """Margins as shops have them: many buy nothing, a few buy much; `effect` in the policy arm."""
    arms = draw.choice(len(SHARES), count, p=list(SHARES.values()))
    orders = draw.poisson(draw.gamma(0.7, 2.0, count))
    made = []
    for number, (arm, many) in enumerate(zip(arms.tolist(), orders.tolist(), strict=True)):
        chooser = list(SHARES)[arm]
        margin = float(0.3 * draw.lognormal(1.5, 1.0, many).sum())
        margin += 2.0 * effect * float(draw.random() < 0.5) if chooser == "policy" else 0.0
        made.append(person(number, chooser, margin))
    return made


def bought(count: int) -> list[LearningExample]:
    """The same with label 1 for half of the policy's people and a tenth of all others."""
    draw = np.random.default_rng(SEED)
    arms = draw.choice(len(SHARES), count, p=[0.5, 0.25, 0.25])
    names = [list(SHARES)[arm] for arm in arms]
    rates = [0.5 if name == "policy" else 0.1 for name in names]
    return [
        person(n, name, float(draw.random() < rate))
        for n, (name, rate) in enumerate(zip(names, rates, strict=True))
    ]


def p_bought(learner: MarginLearner, example: LearningExample) -> float:
    """P(label is 1) by the arm's mean, which leans on a half."""
    chooser = next(c for c in SHARES if f"chooser_{c}" in example.features)
    sums = learner.view("v").arms.get(chooser)
    return 0.5 if sums is None else (sums.many * sums.mean + 1.0) / (sums.many + 2.0)


@pytest.mark.parametrize("effect", [0.0, EFFECT])
def test_the_interval_holds_at_every_look(effect: float) -> None:
    """The truth lies in it after each person, from the first that is said to the last.

    Of 40 experiments in 36 at least, and the effects are right on average.
    """
    print(f"seed {SEED}")
    held, said = 0, []
    for number in range(EXPERIMENTS):
        learner, inside = MarginLearner(), True
        for example in people(np.random.default_rng([SEED, number]), PEOPLE, effect):
            learner.learn(example)
            found = learner.view("v").of("policy", "holdout")
            inside = inside and (found is None or found.low <= effect <= found.high)
        assert found is not None
        held += inside
        said.append(found.value)
    assert held >= 0.9 * EXPERIMENTS, held
    error = float(np.std(said)) / EXPERIMENTS**0.5
    assert abs(float(np.mean(said)) - effect) < 4.0 * error


def test_a_great_effect_is_seen_and_few_people_say_nothing() -> None:
    """Nothing below a hundred of each arm; then an interval above zero."""
    learner = MarginLearner()
    for number in range(2 * PEOPLE_MIN - 1):
        learner.learn(person(number, "policy" if number % 2 else "holdout", 5.0 * (number % 2)))
        assert learner.view("v").of("policy", "holdout") is None
    for number in range(1_000):
        learner.learn(person(number, "policy" if number % 2 else "holdout", 5.0 * (number % 2)))
    found = learner.view("v").of("policy", "holdout")
    assert found is not None
    assert found.low > 0.0
    assert learner.view("v").of("policy", "uniform") is None
    assert learner.figures()["policy_holdout_low"] == pytest.approx(found.low, abs=1e-6)


def test_a_new_experiment_begins_anew() -> None:
    """People of an experiment that is over change nothing any more."""
    learner = MarginLearner()
    learner.learn(person(1, "policy", 3.0))
    learner.learn(person(2, "policy", 7.0, experiment=2.0))
    learner.learn(person(3, "policy", 9.0))
    assert learner.figures() == {"people_policy": 1.0, "margin_policy": 7.0}
