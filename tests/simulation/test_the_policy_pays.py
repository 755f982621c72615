"""In the demo's story the policy's offers are used more often than random ones, on three seeds."""

from functools import cache

import pytest

from streams.simulator.scoring import ArmResult, difference
from streams.simulator.story import story
from tests.support.judged_story import Outcome, run

SEEDS = (1, 2, 3)


@cache
def outcome(seed: int) -> Outcome:
    """Forty days of 300 shoppers, as `make demo` plays them; once for all tests."""
    print(f"seed {seed}")
    return run(story(), shoppers=300, days=40, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_policy_chooses_what_is_used(seed: int) -> None:
    """By the truth its late choices are better than chance; its offers are used more often."""
    told = outcome(seed)
    assert told.policy_against_uniform.value > 0.0, told
    late = told.late_policy
    assert late.uniform < late.chosen < late.best
    assert told.alerts > 50, told
    assert told.churn_auc > 0.9, told
    assert "holdout" not in told.arms


def test_the_policy_beats_random_with_an_interval_that_excludes_zero() -> None:
    """All seeds together: the 95 % interval is above zero by a third of the difference.

    One seed alone has 1,800 random offers, too few to tell: its interval hangs on luck.
    """
    policy, uniform = (
        ArmResult(
            arm,
            sum(outcome(seed).arms[arm].offers for seed in SEEDS),
            sum(outcome(seed).arms[arm].redeemed for seed in SEEDS),
        )
        for arm in ("policy", "uniform")
    )
    gap = difference(policy, uniform)
    assert gap.low > gap.value / 3.0, gap
