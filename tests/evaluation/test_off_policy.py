"""What a log says of another policy: right on logs whose truth is known, and silent elsewhere."""

import csv
import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from benchmarks.own_log import played
from streams.cli import main
from streams.evaluation.off_policy import Logged, judge

SEED, ROUNDS, DECISIONS, ACTIONS = 3, 60, 4_000, 5
MARKETS = 4
BANDIT = Path(__file__).parents[2] / ".." / "shared" / "data" / "obd_men"
COLUMNS = (
    Path(__file__).parents[2] / "schemas" / "examples" / "decision_log" / "valid" / "columns.json"
)


def a_log(draw: np.random.Generator, *, wrong_model: bool) -> tuple[Logged, float]:
    """Decisions of an exploring policy about 800 people, and a uniform policy's true value."""
    people = draw.integers(0, 800, DECISIONS)
    tastes = draw.normal(0.0, 0.5, (800, ACTIONS))
    truth = 1.0 / (1.0 + np.exp(1.5 - tastes[people]))
    best = truth.argmax(1)
    logged = np.full((DECISIONS, ACTIONS), 0.3 / ACTIONS)
    logged[np.arange(DECISIONS), best] += 0.7
    points = draw.random((DECISIONS, 1))
    taken = (points > logged.cumsum(1)).sum(1).clip(max=ACTIONS - 1)
    rows = np.arange(DECISIONS)
    reward = (draw.random(DECISIONS) < truth[rows, taken]).astype(float)
    model = np.full_like(truth, 0.9) if wrong_model else truth
    told = Logged(
        action_probability=logged[rows, taken],
        target=np.full(DECISIONS, 1.0 / ACTIONS),
        reward=reward,
        taken=model[rows, taken],
        expected=model.mean(1),
        untaken=np.zeros(DECISIONS),
        people=people,
    )
    return told, float(truth.mean())


@pytest.mark.parametrize("wrong_model", [False, True])
def test_the_intervals_cover_the_truth(wrong_model: bool) -> None:
    """Of each estimator in nine of ten logs at least, also where the model of rewards is wrong."""
    print(f"seed {SEED}")
    covered = np.zeros(3)
    for number in range(ROUNDS):
        logged, truth = a_log(np.random.default_rng([SEED, number]), wrong_model=wrong_model)
        found = judge(logged, number)
        assert not found.refused
        assert abs(found.mean_weight - 1.0) < 4.0 * found.mean_weight_error
        told = (found.ips, found.snips, found.doubly_robust)
        covered += [e.low <= truth <= e.high for e in told]
    assert (covered >= 0.9 * ROUNDS).all(), covered


def test_intervals_are_over_people_and_not_over_decisions() -> None:
    """Where people differ much and decide often, few of the decisions are news.

    Sixty people of thirty decisions each; every tenth person uses any offer, others hardly one.
    Over decisions, as if they were independent, half of the intervals or fewer would hold.
    """
    print(f"seed {SEED}")
    truth, held = 0.1 * 0.9 + 0.9 * 0.02, 0  # of the people there might have been
    for number in range(ROUNDS):
        draw = np.random.default_rng([SEED, number])
        people = np.repeat(np.arange(60), 30)
        rates = np.where(draw.random(60) < 0.1, 0.9, 0.02)
        alike = np.full(len(people), 0.1)
        logged = Logged(
            action_probability=np.where(draw.random(len(people)) < 0.7, 0.7, 0.3),
            target=np.full(len(people), 0.5),
            reward=(draw.random(len(people)) < rates[people]).astype(float),
            taken=alike,
            expected=alike,
            untaken=np.zeros(len(people)),
            people=people,
        )
        found = judge(logged, number).doubly_robust
        held += found.low <= truth <= found.high
    assert held >= 0.85 * ROUNDS, held


def test_the_logging_policy_is_worth_what_it_brought() -> None:
    """Judged by its own probabilities, every estimate is the mean of the rewards."""
    logged, _ = a_log(np.random.default_rng(SEED), wrong_model=False)
    same = replace(logged, target=logged.action_probability, expected=logged.taken)
    found = judge(same, SEED)
    mean = float(logged.reward.mean())
    assert found.effective == pytest.approx(DECISIONS)
    for estimate in (found.logged, found.ips, found.snips, found.doubly_robust):
        assert estimate.value == pytest.approx(mean)


def test_a_policy_that_the_log_hardly_knows_is_not_judged() -> None:
    """Rare actions with tiny probabilities: few decisions carry all of the weight."""
    draw = np.random.default_rng(SEED)
    rare = draw.random(DECISIONS) < 0.01
    logged = Logged(
        action_probability=np.where(rare, 0.01, 0.99),
        target=np.where(rare, 0.99, 0.01),
        reward=(draw.random(DECISIONS) < 0.2).astype(float),
        taken=np.full(DECISIONS, 0.2),
        expected=np.full(DECISIONS, 0.2),
        untaken=np.zeros(DECISIONS),
        people=np.arange(DECISIONS),
    )
    assert "are needed" in judge(logged, SEED).refused


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_log_with_other_probabilities_than_said_is_not_judged(factor: float) -> None:
    """Nine and twelve standard errors from 1: nothing is concluded, and what to check is said."""
    logged, _ = a_log(np.random.default_rng(SEED), wrong_model=False)
    assert not judge(logged, SEED).refused
    wrong = replace(logged, action_probability=logged.action_probability * factor)
    assert "standard errors from 1" in judge(wrong, SEED).refused
    assert "--reference" in judge(wrong, SEED).refused


def test_a_handful_of_people_is_not_judged() -> None:
    """However many decisions are about them: their errors say little."""
    logged, _ = a_log(np.random.default_rng(SEED), wrong_model=False)
    few = replace(logged, people=logged.people % 29)
    assert "about 29 people; 30 are needed" in judge(few, SEED).refused


def test_probabilities_that_are_not_the_logs_end_with_exit_code_1(tmp_path: Path) -> None:
    """The reason is said, and stands in the JSON document; no estimate is told."""
    table = a_table(tmp_path / "log.csv.gz", propensity="0.4")
    done = run(str(table))
    assert (done.exit_code, "mean weight is 1.250, not 1" in done.output) == (1, True), done.output
    assert "doubly robust" not in done.output
    told = run(str(table), "--json")
    assert (told.exit_code, "not 1" in json.loads(told.output)["refused"]) == (1, True)


def test_a_uniform_choice_is_judged_from_the_own_log() -> None:
    """Small markets' logs are off by no more than chance, on average: three standard errors.

    Each error is counted in that of as many drawn uses as the log is worth. One log alone is off by
    two of these now and then (about one use in 25 decisions, a few hundred decisions worth).
    """
    print(f"seeds {SEED} to {SEED + MARKETS - 1}")
    off = []
    for seed in range(SEED, SEED + MARKETS):
        logged, truth = played(seed, shoppers=60, days=30.0)
        found = judge(logged, seed)
        assert not found.refused
        assert 100 < found.effective < len(logged.reward)
        error = math.sqrt(truth * (1.0 - truth) / found.effective)
        off.append((found.doubly_robust.value - truth) / error)
    assert abs(np.mean(off)) < 3.0 / math.sqrt(MARKETS), off


def run(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(main, ["evaluate", "offers", *arguments])


def a_table(path: Path, propensity: str = "0.5") -> Path:
    """Two items, drawn alike, half of them clicked."""
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        told = csv.writer(file)
        told.writerow(["timestamp", "item_id", "position", "click", "propensity_score"])
        told.writerows(["t", n % 2, 1, int(n % 4 < 2), propensity] for n in range(1_000))
    return path


def test_an_open_bandit_table_is_read(tmp_path: Path) -> None:
    """The uniform choice of a log that was uniform is worth what was clicked."""
    done = run(str(a_table(tmp_path / "log.csv.gz")), "--json")
    assert done.exit_code == 0, done.output
    judged = json.loads(done.output)["judged"]
    assert judged["ips"]["value"] == pytest.approx(0.5)
    assert judged["effective"] == pytest.approx(1_000)


def test_what_cannot_be_judged_is_said(tmp_path: Path) -> None:
    """A bad line, a folder without a log, a policy for a table: sentences and exit code 2."""
    bad = run(str(a_table(tmp_path / "bad.csv.gz", propensity="0")))
    assert (bad.exit_code, "line 2: propensity_score 0.0" in bad.output) == (2, True)
    nothing = run(str(tmp_path))
    assert (nothing.exit_code, "is no log" in nothing.output) == (2, True)
    table = a_table(tmp_path / "log.csv.gz")
    both = run(str(table), "--reward", "margin")
    assert (both.exit_code, "only clicks" in both.output) == (2, True)


@pytest.mark.parametrize("value", [b'{"decision_id":', b'{"decision_id":"\xff"}', b"[" * 100_000])
def test_a_damaged_log_is_a_sentence(tmp_path: Path, value: bytes) -> None:
    """A record that is cut off, no text, or nested without end: exit code 2, no stack trace."""
    (tmp_path / "decision-log.jsonl").write_bytes(value + b"\n")
    (tmp_path / "learning-examples.jsonl").write_bytes(b"")
    done = run(str(tmp_path))
    assert (done.exit_code, "line 1 is no record of a decision" in done.output) == (2, True)


def test_a_record_whose_columns_do_not_fit_is_a_sentence(tmp_path: Path) -> None:
    """The worth of one offer is missing: exit code 2 and what is wrong, no stack trace."""
    entry = json.loads(COLUMNS.read_bytes())
    entry["candidates"]["terms"]["value"].pop()
    (tmp_path / "decision-log.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    (tmp_path / "learning-examples.jsonl").write_bytes(b"")
    for arguments in (
        ("evaluate", "offers", str(tmp_path)),
        ("explain", entry["decision_id"], "--log", str(tmp_path)),
        ("redecide", entry["decision_id"], "--log", str(tmp_path)),
    ):
        done = CliRunner().invoke(main, arguments)
        assert (done.exit_code, "not of as many offers" in done.output) == (2, True), done.output


@pytest.mark.skipif(not BANDIT.is_dir(), reason="Open Bandit is not at ../shared/data/obd_men")
def test_weights_of_the_real_log_are_right() -> None:
    """Men's campaign: under Thompson sampling the mean weight is 1 within three standard errors."""
    done = run(str(BANDIT / "dev_men_bts.csv.gz"), "--json")
    judged = json.loads(done.output)["judged"]
    assert abs(judged["mean_weight"] - 1.0) <= 3.0 * judged["mean_weight_error"]
    uniform = json.loads(run(str(BANDIT / "dev_men_random.csv.gz"), "--json").output)["judged"]
    low, high = judged["snips"]["low"], judged["snips"]["high"]
    assert low <= uniform["logged"]["value"] <= high
