"""What one more contact costs: found by comparison, leaning on the price until that carries."""

import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import ContactPolicy
from streams.contracts.times import DAY_MS
from streams.models.baseline import numbers_of
from streams.models.fatigue import FatigueLearner, FatigueModel

SEED, OFFERED, CROWDING = 31, 0.6, 2.0
SHOP = ContactPolicy(fatigue_price=0.05, learn_fatigue=True, reachable_value=10.0)


def comparison(number: int, came: float, *, treated: bool, **features: float) -> LearningExample:
    """Comparison `number`, an hour after the one before."""
    return LearningExample(
        example_id=f"x-{number}",
        model="fatigue",
        observed_at_ms=number * DAY_MS // 24,
        label=came,
        features={"offered": OFFERED, "treated": float(treated), **features},
    )


def examples(count: int) -> list[LearningExample]:
    """People who come or not, by a rate that their `recency` tells; contacts change nothing."""
    draw, made = np.random.default_rng(SEED), []
    for number in range(count):
        rate, treated = draw.uniform(0.0, 1.0), bool(draw.random() < OFFERED)
        named = {"crowding": CROWDING * treated, "c.recency": round(2.0 * rate - 1.0, 6)}
        made.append(comparison(number, float(draw.random() < rate), treated=treated, **named))
    return made


def p_came(learner: FatigueLearner, example: LearningExample) -> float:
    """P(the person came), as the baseline says."""
    return min(max(learner.baseline.expected(numbers_of(example.features)), 0.01), 0.99)


def learned(seed: int, lost: float, opted: float, count: int = 6_000) -> FatigueLearner:
    """In a shop where each contact after another loses visits of .5 each, and opt-outs."""
    draw, learner = np.random.default_rng(seed), FatigueLearner()
    for number in range(count):
        treated = bool(draw.random() < OFFERED)
        crowding = float(draw.poisson(CROWDING)) if treated else 0.0
        rate = max(draw.gamma(4.0, 1.0) - lost * crowding, 0.0)
        came = float(draw.poisson(rate))
        learner.learn(
            comparison(
                number,
                came,
                treated=treated,
                crowding=crowding,
                opted_out=float(draw.random() < 0.02 + opted * crowding),
                margin=0.5 * came,
            )
        )
    return learner


def test_nothing_learned_is_the_shops_price() -> None:
    """Also where learning is off, where there is no price, and below thirty of each group."""
    assert FatigueModel().price(SHOP) == 0.05
    found = learned(SEED, 0.3, 0.0, 2_000).view("v")
    assert found.price(SHOP) != 0.05
    assert found.price(replace(SHOP, learn_fatigue=False)) == 0.05
    assert found.price(replace(SHOP, fatigue_price=0.0)) == 0.0
    assert learned(SEED, 0.3, 0.0, 40).view("v").price(SHOP) == 0.05


@pytest.mark.parametrize(
    ("lost", "opted", "truth"),
    [(0.2, 0.0, 0.2 * 0.5), (0.0, 0.01, 0.01 * 10.0), (0.0, 0.0, 0.0)],
)
def test_the_price_is_what_contacts_do(lost: float, opted: float, truth: float) -> None:
    """Visits lost at .5 a visit, and opt-outs at 10 each: the mean price of ten seeds is near.

    Errors of .024 against a price of .05 give that price a fifth of the weight: .01 of the .03.
    """
    print(f"seeds {SEED} to {SEED + 9}")
    views = [learned(seed, lost, opted).view("v") for seed in range(SEED, SEED + 10)]
    assert np.mean([v.visit_margin for v in views]) == pytest.approx(0.5, abs=0.01)
    errors = [abs(view.visits_lost - lost) / view.visits_error for view in views]
    errors += [abs(view.opted_out - opted) / view.opted_out_error for view in views]
    assert np.mean(np.array(errors) < 1.96) >= 0.8, errors
    prices = [view.price(SHOP) for view in views]
    assert float(np.mean(prices)) == pytest.approx(truth, abs=0.03)


def test_few_comparisons_stay_near_the_shops_price() -> None:
    """The more is compared, the less the shop's own number counts."""
    few, many = (learned(SEED, 0.6, 0.0, count).view("v") for count in (150, 6_000))
    truth, prior = 0.6 * 0.5, SHOP.fatigue_price
    assert abs(few.price(SHOP) - prior) < abs(many.price(SHOP) - prior)
    assert abs(many.price(SHOP) - truth) < abs(few.price(SHOP) - truth)


def test_contacts_that_bring_people_cost_nothing() -> None:
    """A price is never below zero."""
    assert learned(SEED, -2.0, 0.0).view("v").price(SHOP) == 0.0
