"""Who gains by an action: found where it can be, nothing where there is nothing."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.evaluation.trials import Trial
from streams.evaluation.uplift import judge_uplift, qini

SEED, PEOPLE = 4, 12_000


def a_trial(draw: np.random.Generator, effect: float) -> Trial:
    """A campaign in which those with a high first feature gain, and the second says who buys."""
    features = draw.normal(0.0, 1.0, (PEOPLE, 4))
    treated = (draw.random(PEOPLE) < 0.5).astype(float)
    p = np.clip(0.2 + 0.05 * features[:, 1] + treated * effect * features[:, 0], 0.0, 1.0)
    outcomes = (draw.random(PEOPLE) < p).astype(float)
    return Trial(("a", "b", "c", "d"), features, treated, outcomes, np.full(PEOPLE, 0.5))


def test_one_pass_ranks_like_a_batch() -> None:
    """Qini of the DR-learner: above 0 with its interval, within a fifth of the T-learner's."""
    print(f"seed {SEED}")
    found = judge_uplift(a_trial(np.random.default_rng(SEED), 0.08), SEED)
    one_pass, batch = found.ways
    assert one_pass.low > 0.0
    assert one_pass.qini == pytest.approx(batch.qini, rel=0.2)
    assert one_pass.top_third > found.effect + 2.0 * found.effect_error


def test_where_nothing_is_nothing_is_found() -> None:
    """No effect: the interval holds 0 in at least eight of ten campaigns."""
    held = 0
    for number in range(10):
        one_pass, _ = judge_uplift(a_trial(np.random.default_rng([SEED, number]), 0.0), SEED).ways
        held += one_pass.low <= 0.0 <= one_pass.high
    assert held >= 8


def test_a_perfect_ranking_is_the_best() -> None:
    """No ranking of the same people has a greater Qini than that by the true effect, on average."""
    draw = np.random.default_rng(SEED)
    trial = a_trial(draw, 0.1)
    truth = trial.features[:, 0]
    best = qini(truth, trial.treated, trial.outcomes)
    others = [qini(draw.random(PEOPLE), trial.treated, trial.outcomes) for _ in range(20)]
    assert best > max(others)
    assert abs(float(np.mean(others))) < best / 4.0


def run(path: Path) -> Result:
    """The command."""
    return CliRunner().invoke(main, ["evaluate", "uplift", str(path), "--json"])


def test_a_table_is_read_and_a_bad_one_named(tmp_path: Path) -> None:
    """A good CSV gives figures; a missing column, a word, one arm alone: a place, exit code 2."""
    path, draw = tmp_path / "t.csv", np.random.default_rng(SEED)
    for head, cell, said in (
        (["treatment", "outcome", "age"], "1.5", ""),
        (["treatment", "result", "age"], "1.5", "needs the columns"),
        (["treatment", "outcome", "age"], "old", "line 2"),
    ):
        with path.open("w", encoding="utf-8", newline="") as file:
            told = csv.writer(file)
            told.writerow(head)
            told.writerows([n % 2, int(draw.random() < 0.3), cell] for n in range(400))
        done = run(path)
        assert done.exit_code == (2 if said else 0), done.output
        assert said in done.output
        if not said:
            assert json.loads(done.output)["people"] == 400
    path.write_text("treatment,outcome,age\n" + "1,0,3\n" * 300, encoding="utf-8")
    alone = run(path)
    assert (alone.exit_code, "of each are needed" in alone.output) == (2, True)
