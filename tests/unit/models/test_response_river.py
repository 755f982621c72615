"""Our estimators of River's kind keep River's own contract."""

import copy
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import river.checks
from river import datasets, linear_model, optim, preprocessing

from streams.models.dr_learner import DrLearner
from streams.models.offset_regression import OFFSET, OffsetLogisticRegression
from streams.models.response import ResponsePool


class Phishing:
    """River's own data, standardized; its checks would take theirs from scikit-learn."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[tuple[dict[str, float], bool]]:
        scaler = preprocessing.StandardScaler()
        for x, y in islice(datasets.Phishing(), self.count):
            scaler.learn_one(x)
            yield scaler.transform_one(x), y


def checks_of(model: Any) -> list[Callable[[Any], None]]:
    """What River asks of an estimator of this kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(river.checks, "_yield_datasets", lambda model, scale=1: [Phishing(100)])
        skipped = model._unit_test_skips()
        found = list(river.checks.yield_checks(model))
    return [check for check in found if check.__name__ not in skipped]


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        pytest.param(kind, check, id=f"{kind.__name__}:{check.__name__}")
        for kind in (OffsetLogisticRegression, ResponsePool)
        for check in checks_of(kind())
    ],
)
def test_river_estimator_checks(kind: type, check: Callable[[Any], None]) -> None:
    """Every check that River asks of its own classifiers holds."""
    check(kind())


def test_without_an_offset_it_is_rivers_own() -> None:
    """Without an offset the weights are those of River's logistic regression."""
    ours = OffsetLogisticRegression(optim.AdaGrad(0.1))
    river_own = linear_model.LogisticRegression(optim.AdaGrad(0.1))
    for x, y in Phishing(200):
        ours.learn_one(x, y)
        river_own.learn_one(x, y)
    assert ours.weights == river_own.weights
    assert ours.intercept == river_own.intercept


def checks_of_any_estimator() -> list[Callable[[Any], None]]:
    """What River asks of every estimator, whatever it learns from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(river.checks, "_yield_datasets", lambda model, scale=1: [])
        return list(river.checks.yield_checks(DrLearner()))


@pytest.mark.parametrize("check", checks_of_any_estimator(), ids=lambda check: check.__name__)
def test_river_checks_of_the_dr_learner(check: Callable[[Any], None]) -> None:
    """It learns from an action and an outcome, so the checks that feed labels do not fit it."""
    check(DrLearner())


def test_the_offset_is_no_parameter() -> None:
    """The offset moves the log odds one to one; no weight of its own is ever learned."""
    model = OffsetLogisticRegression(optim.AdaGrad(0.1), l2=0.01)
    for x, y in Phishing(100):
        model.learn_one({**x, OFFSET: -2.0}, y)
    assert model.weights[OFFSET] == 0.0
    learned = copy.deepcopy(model)
    assert learned._raw_dot_one({"age_of_domain": 1.0, OFFSET: 1.5}) == pytest.approx(
        learned._raw_dot_one({"age_of_domain": 1.0}) + 1.5
    )
