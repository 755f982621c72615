"""A score is called carried only once the shop's own data carry it."""

import pytest

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.customer.rhythm import record_purchase
from streams.customer.row import ScoringMoment
from streams.features.rhythm import churn_example
from streams.models.churn import ChurnLearner, ChurnModel
from streams.models.own_data import RARER_MIN, OwnData
from tests.unit.models.test_churn_model import bought, make_examples, trained


@pytest.mark.parametrize(
    ("seen", "own_bgnbd", "carried"),
    [
        (OwnData(), True, False),
        (OwnData(ticks=50.0, labels=9000, returns=0), True, False),
        (OwnData(ticks=3.9, labels=900, returns=450), True, False),
        (OwnData(ticks=4.0, labels=900, returns=450), True, True),
        (OwnData(ticks=12.9, labels=90_000, returns=4500), True, False),
        (OwnData(ticks=13.0, labels=90_000, returns=4500), True, True),
        (OwnData(ticks=50.0, labels=9000, returns=RARER_MIN - 1), False, False),
        (OwnData(ticks=50.0, labels=9000, returns=RARER_MIN), False, True),
        (OwnData(ticks=50.0, labels=9000, returns=9001 - RARER_MIN), False, False),
    ],
)
def test_rule_asks_for_time_and_for_either_model(
    seen: OwnData, own_bgnbd: bool, carried: bool
) -> None:
    """Two return intervals or all of 13 ticks; and a fit of one's own or 190 labels of a kind."""
    assert seen.carries(13.0, fitted=own_bgnbd) is carried


def test_cold_start_is_not_carried() -> None:
    """The published population speaks for no shop, nor do weekly data for daily ticks."""
    cold = ChurnModel().score(bought(0), 4 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    daily = trained().score(bought(0), 4 * WEEK_MS, tick_ms=DAY_MS, horizon_ticks=91)
    weekly = trained().score(bought(0), 4 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    assert not cold.carried
    assert not daily.carried
    assert weekly.carried


def test_learner_is_carried_after_time_however_many_labels() -> None:
    """Of one stream: not before 13 weeks of labels have been seen, and then for good."""
    learner, carried_from = ChurnLearner(), list[float]()
    first = make_examples(1)[0].observed_at_ms
    for example in make_examples(9000):
        learner.learn(example)
        own = learner.view("v").own_data
        if own.carries(13.0, fitted=learner.bgnbd is not None):
            carried_from.append((example.observed_at_ms - first) / WEEK_MS)
    assert 13.0 <= carried_from[0] < 14.0
    assert len(carried_from) > 3000


def test_state_of_before_counts_its_time_anew() -> None:
    """A snapshot without the time of its first label loads, and is not carried at once."""
    learner = ChurnLearner()
    for example in make_examples(9000):
        learner.learn(example)
    old = {k: v for k, v in learner.dump().items() if k not in ("since_ms", "newest_ms")}
    assert ChurnLearner.load(old).view("v").own_data.ticks == 0.0
    again = ChurnLearner.load(learner.dump())
    assert again.view("v").own_data == learner.view("v").own_data


def test_a_young_shop_is_not_scored_as_the_published_one() -> None:
    """Sixty customers who come each second week: of who was here a week ago little is said.

    What is published says .16 of them. It is their own that says it, and still carries no
    score: it leans on its prior.
    """
    learner, rhythm = ChurnLearner(), bought(0)
    for week in range(7):
        if week % 2 == 0 < week:
            rhythm = record_purchase(rhythm, week * WEEK_MS, 20.0)
        for n in range(60):
            at_ms = week * WEEK_MS + n
            moment = ScoringMoment(at_ms, at_ms + WEEK_MS, rhythm)
            back = week % 2 == 1
            learner.learn(churn_example(f"{n}:{week}", moment, back, at_ms + WEEK_MS, str(n)))
    view = learner.view("v")
    score = view.score(rhythm, 7 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    published = ChurnModel().score(rhythm, 7 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    assert view.regular is not None
    assert score.risk < 0.1 < 0.16 < published.risk
    assert (view.leans, view.is_carried(WEEK_MS, 2.0)) == (True, False)
