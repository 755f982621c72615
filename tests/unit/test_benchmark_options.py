"""Benchmarks refuse what they do not know: a wrong name gives no figure."""

from importlib.util import find_spec

import click
import pytest
from click.testing import CliRunner

from benchmarks import churn_bound, churn_worlds, full_loop


@pytest.mark.parametrize("verb", [full_loop.main, churn_worlds.main])
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


def test_a_way_that_does_not_exist_is_not_played_as_the_product() -> None:
    """A slip of the pen would print its figures under another name."""
    done = CliRunner().invoke(full_loop.main, ["--ways", "rule"])
    assert done.exit_code == 2
    assert "'rule' is not one of uniform, rules, policy, best" in done.stderr


@pytest.mark.skipif(find_spec("sklearn") is not None, reason="scikit-learn is here")
def test_what_is_not_installed_is_told() -> None:
    """With the command that brings it."""
    done = CliRunner().invoke(churn_bound.main, [])
    assert done.exit_code == 1
    assert "needs scikit-learn" in done.stderr
