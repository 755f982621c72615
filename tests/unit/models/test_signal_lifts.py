"""Signal lifts: from a judgment to what each signal has been worth in this shop."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS
from streams.errors import StateError
from streams.features.churn_signals import LEARNED_SIGNALS, PRIOR_LIFT
from streams.models.signal_lifts import SignalLifts, SignalLiftsLearner

SEED, T0, HORIZON_MS = 14, 1_780_000_000_000, 13 * WEEK_MS
QUIET = {"score": 0.4, "own_gaps": 0.5, "horizon_ms": float(HORIZON_MS)}
TRUTH: dict[ChurnSignalCode, float] = {"cancel_page": 1.0, "uninstall": 5.0, "visit_drop": 2.0}


def moments(
    count: int,
    truth: Mapping[ChurnSignalCode, float] = TRUTH,
    *,
    often: float = 0.1,
    bias: float = 0.0,
) -> list[LearningExample]:
    """Moments whose odds are the score's (times e^`bias`) and the true lifts' of their signals."""
    random, made = np.random.default_rng(SEED), []
    for number in range(count):
        score = float(random.beta(1.5, 2.5))
        own_gaps = float(random.gamma(1.0, 2.0))
        features = {
            "score": round(score, 6),
            "own_gaps": own_gaps,
            "horizon_ms": float(HORIZON_MS),
        }
        logit = math.log(score / (1.0 - score)) + bias
        for code in LEARNED_SIGNALS:
            if random.random() < often:
                strength = float(random.uniform(0.5, 1.0))
                features[f"signal_{code}"] = strength
                logit += strength * math.log(truth.get(code, 1.0))
        made.append(
            LearningExample(
                example_id=f"x-{number}",
                model="signal_lifts",
                observed_at_ms=T0 + number * 10 * MINUTE_MS,
                label=float(random.random() < 1.0 / (1.0 + math.exp(-logit))),
                features=features,
            )
        )
    return made


def learned(examples: list[LearningExample]) -> SignalLiftsLearner:
    """A learner of these."""
    learner = SignalLiftsLearner()
    for example in examples:
        learner.learn(example)
    return learner


def test_nothing_learned_is_the_judgment_and_names_no_cases() -> None:
    """The view of a learner without examples says what the table says."""
    for view in (SignalLifts(), SignalLiftsLearner().view("v")):
        assert {code: view.lift(code) for code in PRIOR_LIFT} == PRIOR_LIFT
        assert {view.cases(code) for code in PRIOR_LIFT} == {None}


def test_a_lift_goes_to_its_truth() -> None:
    """Worth nothing: hardly a lift is left of 3. Worth 5 and 2: within three deviations."""
    print("seed", SEED)
    view = learned(moments(12_000)).view("v")
    assert view.lift("cancel_page") < 1.15
    assert view.lift("uninstall") == pytest.approx(5.0, rel=0.3)
    assert view.lift("visit_drop") == pytest.approx(2.0, rel=0.3)
    assert 900 < (view.cases("uninstall") or 0) < 1_300


def test_a_signal_of_those_who_stay_stops_lifting() -> None:
    """Whoever shows it stays rather more than others: its lift is 1, never below."""
    view = learned(moments(6_000, {"cancel_page": 0.7})).view("v")
    assert view.lift("cancel_page") == 1.0


def test_a_few_cases_do_not_overthrow_the_judgment() -> None:
    """Five cases of a signal that told nothing leave more than half of its logarithm."""
    example = moments(1)[0]
    learner = SignalLiftsLearner()
    for label in (0.0, 0.0, 1.0, 0.0, 1.0):
        features = {**QUIET, "signal_cancel_page": 0.9}
        learner.learn(
            LearningExample(
                example_id="x",
                model=example.model,
                observed_at_ms=T0,
                label=label,
                features=features,
            )
        )
    assert 3.0**0.5 < learner.view("v").lift("cancel_page") < 3.0
    assert learner.view("v").cases("cancel_page") == 5


def test_a_score_that_is_wrong_for_all_lifts_no_signal() -> None:
    """What comes oftener than said, with the signal or without, is not the signal's worth."""
    print("seed", SEED)
    view = learned(moments(12_000, bias=1.0)).view("v")
    assert view.lift("cancel_page") < 1.3
    assert view.lift("uninstall") == pytest.approx(5.0, rel=0.4)


def test_what_was_learned_fades_by_time_and_not_by_number() -> None:
    """As many moments of other people in an hour take nothing away; four horizons take half."""
    learner = learned(moments(3_000))
    before = learner.view("v")
    weeks = [WEEK_MS, WEEK_MS + DAY_MS - 1, WEEK_MS + 4 * HORIZON_MS]
    end_ms = learner.clock_ms
    told = []
    for after_ms in weeks:
        example = LearningExample(
            example_id=str(after_ms),
            model="signal_lifts",
            observed_at_ms=end_ms + after_ms,
            label=0.0,
            features=QUIET,
        )
        learner.learn(example)
        told.append(learner.view("v"))
    assert told[0].learned == told[1].learned
    cases = [view.cases("uninstall") or 0 for view in (before, *told)]
    assert cases[0] * 0.98 < cases[1] <= cases[0]
    assert cases[3] == pytest.approx(cases[1] / 2, abs=1)
    assert told[2].lift("uninstall") < before.lift("uninstall")


def test_examples_out_of_order_turn_no_clock_back() -> None:
    """A label that comes late forgets nothing twice."""
    learner = learned(moments(100))
    clock = learner.clock_ms
    learner.learn(moments(1)[0])
    assert learner.clock_ms == clock


@pytest.mark.parametrize(
    "damage",
    [
        {"means": {"signal_uninstall": 1.0}, "variances": {}},
        {"means": {"signal_uninstall": 1.0}, "variances": {"signal_uninstall": 0.0}},
        {"clock_ms": "now"},
        {"more": 1},
    ],
    ids=["lost", "no width", "type", "unknown"],
)
def test_a_damaged_state_is_refused(damage: dict[str, object]) -> None:
    """By a typed error that names the model."""
    with pytest.raises(StateError, match="signal lifts"):
        SignalLiftsLearner.load({**learned(moments(50)).dump(), **damage})


def report(code: ChurnSignalCode, number: int, leaves: bool, half: str) -> LearningExample:
    """Half of a case by this signal that the CRM has spoken of."""
    return LearningExample(
        example_id=f"x-{code}-{number}-{half}",
        model="signal_lifts",
        observed_at_ms=T0 + number * HOUR_MS,
        label=float(leaves),
        features={**QUIET, f"signal_{code}": 0.9, "reported": 1.0},
        weight=0.5,
    )


def reports(stays: dict[ChurnSignalCode, float], many: int) -> list[LearningExample]:
    """Halves of so many cases by each signal that the CRM has spoken of; shares that stay."""
    random = np.random.default_rng(SEED)
    spoken = [(n, code, random.random() >= stays[code]) for n in range(many) for code in stays]
    return [
        report(code, number, leaves, half)
        for number, code, leaves in spoken
        for half in ("word", "came")
    ]


@pytest.mark.parametrize(
    ("leavers", "lifts"), [((0, 0), (2.23, 2.01)), ((1, 4), (1.48, 3.25))], ids=["none", "some"]
)
def test_ten_reports_of_each_signal_move_its_lift(
    leavers: tuple[int, int], lifts: tuple[float, float]
) -> None:
    """The figures of docs/churn-risk.md: of ten cases each so many leave, from 3 and 2.5 on."""
    codes: tuple[ChurnSignalCode, ...] = ("cancel_page", "uninstall")
    told = [
        report(code, number, number * 7 % 10 < many, half)
        for number in range(10)
        for code, many in zip(codes, leavers, strict=True)
        for half in ("word", "came")
    ]
    view = learned(told).view("v")
    assert [round(view.lift(code), 2) for code in codes] == list(lifts)


def test_what_the_crm_reports_tells_signals_apart() -> None:
    """That of which most cases are false alarms lifts less; two halves count as one case."""
    print("seed", SEED)
    view = learned(reports({"cancel_page": 0.9, "uninstall": 0.4}, 60)).view("v")
    assert view.lift("cancel_page") < 1.5
    assert view.lift("uninstall") > 2.5
    assert view.cases("cancel_page") == pytest.approx(60, abs=1)


def test_who_reports_false_alarms_alone_does_not_silence_its_signals() -> None:
    """It has not shown that nobody leaves: it has chosen of whom it speaks."""
    told = reports({"cancel_page": 1.0, "uninstall": 1.0}, 60)
    plain = [replace(e, features={**e.features, "reported": 0.0}) for e in told]
    alone, taken_at_its_word = (learned(examples).view("v") for examples in (told, plain))
    assert alone.lift("cancel_page") > 1.6
    assert taken_at_its_word.lift("cancel_page") == 1.0
