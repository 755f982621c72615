"""In the demo's story the policy's offers are used more often than random ones, on three seeds."""

import pytest

from streams.simulator.story import story
from tests.support.judged_story import run

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_policy_beats_random_with_an_interval_that_excludes_zero(seed: int) -> None:
    """Forty days of 300 shoppers, as `make demo` plays them: 95 % interval above zero."""
    print(f"seed {seed}")
    outcome = run(story(), shoppers=300, days=40, seed=seed)
    gap = outcome.policy_against_uniform
    assert gap.low > 0.0, outcome
    late = outcome.late_policy
    assert late.uniform < late.chosen < late.best
    assert outcome.alerts > 50
    assert outcome.churn_auc > 0.9
    assert "holdout" not in outcome.arms
