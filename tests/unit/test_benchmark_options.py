"""Benchmarks refuse what they do not know: a wrong name gives no figure."""

from importlib.util import find_spec

import click
import pytest
from click.testing import CliRunner

from benchmarks import (
    bought_anyway,
    churn_bound,
    churn_worlds,
    full_loop,
    full_loop_terms,
    incremental_margin,
    offer_bound,
    offer_regret,
    score_cost,
)


@pytest.mark.parametrize("verb", [full_loop.main, full_loop_terms.main, churn_worlds.main])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--kinds", "bakery"), "'bakery' is not one of grocery, drugstore"),
        (("--seeds", "x"), "'x' is no list of whole numbers as 1,2,3"),
        (("--customers", "0"), "0 is not in the range"),
    ],
)
def test_what_is_unknown_is_refused(verb: click.Command, asked: tuple[str, str], said: str) -> None:
    """In a sentence, before a world is played."""
    done = CliRunner().invoke(verb, asked)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("verb", "asked", "said"),
    [
        (offer_regret.main, ("--seeds", "abc"), "'abc' is no list of whole numbers as 1,2,3"),
        (offer_regret.main, ("--kinds", "fair"), "'fair' is not one of well, mis"),
        (offer_regret.main, ("--delay", "-1"), "-1 is not in the range"),
        (offer_bound.main, ("--seeds", "-1"), "'-1' is no list of whole numbers as 1,2,3"),
        (full_loop.main, ("--seeds", "1,-2"), "'1,-2' is no list of whole numbers as 1,2,3"),
        (incremental_margin.main, ("--kinds", "bakery"), "'bakery' is not one of grocery"),
        (incremental_margin.main, ("--seed", "-1"), "-1 is not in the range"),
    ],
)
def test_seeds_and_counts_of_the_others_are_checked_too(
    verb: click.Command, asked: tuple[str, str], said: str
) -> None:
    """A sentence, not a traceback."""
    done = CliRunner().invoke(verb, asked)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--decisions", "-5"), "'-5' is no whole number of 1 or more"),
        (("--seeds", "x"), "'x' is no whole number of 1 or more"),
        (("--first-seed", "-1"), "'-1' is no whole number of 0 or more"),
        (("--offer", "unknown"), "'unknown' is not one of coffee-10, "),
    ],
)
def test_what_argparse_reads_is_checked_too(
    asked: tuple[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Counts are one or more, seeds zero or more, offers those of the kind of shop."""
    monkeypatch.setattr("sys.argv", ["bought_anyway", *asked])
    with pytest.raises(SystemExit) as left:
        bought_anyway.main()
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_a_way_that_does_not_exist_is_not_played_as_the_product() -> None:
    """A slip of the pen would print its figures under another name."""
    done = CliRunner().invoke(full_loop.main, ["--ways", "rule"])
    assert done.exit_code == 2
    assert "'rule' is not one of uniform, rules, popularity, policy, best" in done.stderr


@pytest.mark.skipif(find_spec("sklearn") is not None, reason="scikit-learn is here")
def test_what_is_not_installed_is_told() -> None:
    """With the command that brings it."""
    done = CliRunner().invoke(churn_bound.main, [])
    assert done.exit_code == 1
    assert "needs scikit-learn" in done.stderr


def test_the_cost_of_a_score_is_of_people_who_came_back() -> None:
    """Each is scored by models that have learned; nobody is no figure."""
    scores = score_cost.learned(60, 60, 1)
    assert len(scores.say()) == len(scores.rhythms) > 10
    assert all(rhythm.repeats > 0 for rhythm in scores.rhythms)
    assert score_cost.cost_us(scores, 1) > 0.0
