"""Calibration: said and came are kept by bin, and a correction serves only where it has won."""

import math
from functools import cache

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample, ModelSnapshot
from streams.contracts.times import MINUTE_MS, WEEK_MS
from streams.errors import StateError
from streams.models import Trainer, initial_models, with_snapshot
from streams.models.calibration import Calibration, CalibrationLearner, Correction
from streams.models.churn import ChurnScore
from streams.models.reliability import SILENCES, TENTHS, silence_steps

SEED, T0, HORIZON_MS, STEP_MS = 14, 1_780_000_000_000, 4 * WEEK_MS, 30 * MINUTE_MS
PER_HORIZON = HORIZON_MS // STEP_MS


def moments(
    count: int, intercept: float = 0.0, slope: float = 1.0, since: int = 0
) -> list[LearningExample]:
    """Moments that came as said; from number `since` on with these log odds."""
    random, made = np.random.default_rng(SEED), []
    for number in range(count):
        score = min(max(float(random.beta(1.5, 2.5)), 0.01), 0.99)
        logit = math.log(score / (1.0 - score))
        if number >= since:
            logit = intercept + slope * logit
        features = {
            "score": score,
            "risk": score,
            "own_gaps": float(random.gamma(1.0, 2.0)),
            "horizon_ms": float(HORIZON_MS),
        }
        made.append(
            LearningExample(
                example_id=f"x-{number}",
                model="calibration",
                observed_at_ms=T0 + number * STEP_MS,
                label=float(random.random() < 1.0 / (1.0 + math.exp(-logit))),
                features=features,
            )
        )
    return made


@cache
def learned(
    count: int, intercept: float = 0.0, slope: float = 1.0, since: int = 0
) -> CalibrationLearner:
    """A learner of these."""
    learner = CalibrationLearner()
    for example in moments(count, intercept, slope, since):
        learner.learn(example)
    return learner


def test_what_came_as_said_has_hardly_a_gap() -> None:
    """Every bin has its mean of both, close together; their distance is that of chance."""
    print("seed", SEED)
    figures = learned(3 * PER_HORIZON).figures()
    assert figures["labels"] > 1_000
    assert 0.0 < figures["gap_risk"] < 0.05
    assert 0.0 < figures["gap_silence"] < 0.05
    bins = [("risk", n) for n in range(TENTHS)] + [("gaps", n) for n in range(len(SILENCES))]
    assert all(f"said_{kind}_{n}" in figures for kind, n in bins)
    assert figures["came_risk_3"] == pytest.approx(figures["said_risk_3"], abs=0.1)
    assert 0.3 <= figures["said_risk_3"] < 0.4


def test_what_came_oftener_than_said_has_a_gap() -> None:
    """A score that is too low by one in log odds is off by more than the alert rule allows."""
    figures = learned(3 * PER_HORIZON, 1.0).figures()
    assert figures["gap_risk"] > 0.15
    assert figures["gap_silence"] > 0.15
    assert figures["came_risk_3"] > figures["said_risk_3"] + 0.1


def test_labels_of_long_ago_count_little() -> None:
    """After three good horizons hardly anything is left of the gap of three bad ones."""
    drifted = CalibrationLearner()
    for number, example in enumerate(moments(6 * PER_HORIZON, 0.0)):
        late = number < 3 * PER_HORIZON
        drifted.learn(replace(example, label=1.0) if late else example)
    assert drifted.figures()["gap_risk"] < 0.15
    assert learned(3 * PER_HORIZON).figures()["gap_risk"] < drifted.figures()["gap_risk"]


def test_a_score_that_is_right_is_left_alone() -> None:
    """Over five horizons no correction earns its place, and the view is the identity."""
    learner = learned(5 * PER_HORIZON)
    assert not learner.is_better
    assert learner.view("v") == Calibration("v")
    assert learner.figures()["corrected"] == 0.0


def test_a_score_that_has_drifted_is_corrected() -> None:
    """Intercept 1 and slope .6 are found, once labels have shown that they would have helped."""
    found = learned(5 * PER_HORIZON, 1.0, 0.6).view("v").correction
    assert found.intercept == pytest.approx(1.0, abs=0.2)
    assert 1.0 + found.slope == pytest.approx(0.6, abs=0.15)
    assert found.steps == pytest.approx((0.0, 0.0, 0.0), abs=0.4)


def test_a_score_that_does_not_see_silence_is_corrected_along_it() -> None:
    """Those silent for more than two own gaps stay away oftener by 2 in log odds: found."""
    random, learner = np.random.default_rng(SEED), CalibrationLearner()
    for example in moments(5 * PER_HORIZON):
        score, own_gaps = example.features["score"], example.features["own_gaps"]
        logit = math.log(score / (1.0 - score)) + 2.0 * silence_steps(own_gaps)[1]
        came = float(random.random() < 1.0 / (1.0 + math.exp(-logit)))
        learner.learn(replace(example, label=came))
    view = learner.view("v")
    assert view.probability(0.5, 1.0) == pytest.approx(0.5, abs=0.07)
    assert view.probability(0.5, 6.0) == pytest.approx(1 / (1 + math.exp(-2.0)), abs=0.07)
    assert learner.figures()["gap_silence"] > 0.07


def test_a_correction_is_judged_by_what_it_was_when_the_score_was_said() -> None:
    """In the first horizon there was none: however wrong the score, it has gained nothing yet."""
    early = learned(PER_HORIZON - 10, 2.0)
    assert early.figures()["correction_gain"] == 0.0
    assert early.view("v") == Calibration("v")
    assert early.figures()["intercept"] > 0.5


def test_one_horizon_may_be_a_season_and_corrects_nothing() -> None:
    """A score that was wrong for one horizon and is judged in the next has won once: not enough."""
    learner = learned(2 * PER_HORIZON + PER_HORIZON // 2, 1.0)
    assert learner.gains[1].is_a_win
    assert not learner.is_better
    assert learned(4 * PER_HORIZON, 1.0).is_better


def test_a_correction_goes_when_the_drift_has_gone() -> None:
    """Four horizons wrong, then right again: the correction leaves."""
    wrong, right = moments(4 * PER_HORIZON, 1.0), moments(9 * PER_HORIZON)
    learner = CalibrationLearner()
    for example in wrong:
        learner.learn(example)
    assert learner.is_better
    for example in right[4 * PER_HORIZON :]:
        learner.learn(example)
    assert not learner.is_better


def test_a_corrected_score_keeps_its_order_and_its_bounds() -> None:
    """Monotone for any slope above 0, a probability always; everything else of a score stays."""
    view = Calibration("v", Correction(0.7, -0.5, (0.2, 1.0, -0.3)))
    said = [view.probability(p, 1.5) for p in (0.0, 0.001, 0.2, 0.5, 0.9, 1.0)]
    assert said == sorted(said)
    assert 0.0 < said[0] < said[-1] < 1.0
    score = ChurnScore(0.2, "blend", ("LONG_SILENCE",), 5, 1.5, carried=True)
    assert view.corrected(score) == replace(score, risk=view.probability(0.2, 1.5))
    assert Calibration().corrected(score) is score


def test_a_snapshot_says_how_it_stands_and_serves() -> None:
    """The quality has the bins beside log loss and AUC of the risk as stated."""
    trainer, models = Trainer(every=PER_HORIZON), initial_models()
    for example in moments(5 * PER_HORIZON, 1.0):
        snapshot = trainer.learn(example)
        if snapshot is not None:
            wire = msgspec.json.encode(snapshot)
            models = with_snapshot(models, msgspec.json.decode(wire, type=ModelSnapshot))
    assert snapshot is not None
    assert {"log_loss", "auc", "gap_risk", "came_gaps_2"} <= snapshot.quality.keys()
    assert models.calibration.version == f"calibration-{5 * PER_HORIZON}"
    assert models.calibration.probability(0.3, 1.0) > 0.4


@pytest.mark.parametrize(
    "damage",
    [{"tenths": []}, {"variances": {"slope": 1.0}}, {"gains": [1.0]}, {"more": 1}],
    ids=["bins", "weights", "type", "unknown"],
)
def test_a_damaged_state_is_refused(damage: dict[str, object]) -> None:
    """By a typed error that names the model."""
    with pytest.raises(StateError, match="calibration"):
        CalibrationLearner.load({**learned(PER_HORIZON).dump(), **damage})
