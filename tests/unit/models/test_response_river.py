"""Our estimators of River's kind keep River's own contract."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import river.checks
from river import datasets, preprocessing

from streams.models.dr_learner import DrLearner
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


@pytest.mark.parametrize("check", checks_of(ResponsePool()), ids=lambda check: check.__name__)
def test_river_estimator_checks(check: Callable[[Any], None]) -> None:
    """Every check that River asks of its own classifiers holds."""
    check(ResponsePool())


def checks_of_any_estimator() -> list[Callable[[Any], None]]:
    """What River asks of every estimator, whatever it learns from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(river.checks, "_yield_datasets", lambda model, scale=1: [])
        return list(river.checks.yield_checks(DrLearner()))


@pytest.mark.parametrize("check", checks_of_any_estimator(), ids=lambda check: check.__name__)
def test_river_checks_of_the_dr_learner(check: Callable[[Any], None]) -> None:
    """It learns from an action and an outcome, so the checks that feed labels do not fit it."""
    check(DrLearner())
