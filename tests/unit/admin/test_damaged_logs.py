"""Logs that are none, in part or as a whole: every verb that asks one says so, and where."""

import re
from pathlib import Path
from shutil import copytree

import msgspec
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.admin.kept_decisions import Wanted, kept_at
from streams.admin.log_places import LogPlace
from streams.admin.reference import example_shop
from streams.cli import main
from streams.errors import NotKeptError, OperatorError
from tests.evaluation.test_over_arms import a_shop
from tests.evaluation.test_two_models import a_log
from tests.unit.decisions.people import Fixed

RANDOM = bytes(range(128, 256)) + b"\n" + b"\x00\x01\xff{"
SHOP = str(example_shop())


def run(*arguments: str | Path) -> Result:
    """The command."""
    return CliRunner().invoke(main, [str(a) for a in arguments])


def a_folder(path: Path, value: bytes) -> Path:
    """A folder with such a decision log and no labels."""
    (path / "decision-log.jsonl").write_bytes(value)
    (path / "learning-examples.jsonl").write_bytes(b"")
    return path


@pytest.mark.parametrize(
    "verb",
    [
        ("explain", "--customer", "mia", "--log"),
        ("explain", "d_1", "--log"),
        ("redecide", "d_1", "--log"),
        ("evaluate", "offers"),
        ("evaluate", "margins"),
        ("evaluate", "uplift"),
    ],
)
def test_random_bytes_are_named_by_file_and_line(verb: tuple[str, ...], tmp_path: Path) -> None:
    """Exit code 2 and a sentence, not that there is nothing about somebody."""
    done = run(*verb, a_folder(tmp_path, RANDOM))
    assert done.exit_code == 2, done.output
    assert "decision-log.jsonl: line 1 is no record of a decision" in done.output


@pytest.mark.parametrize(
    "verb",
    [("explain", "d_1", "--log"), ("redecide", "d_1", "--log"), ("evaluate", "offers")],
)
def test_a_folder_that_is_not_there_is_said(verb: tuple[str, ...], tmp_path: Path) -> None:
    """Not that it holds no log."""
    done = run(*verb, tmp_path / "no")
    assert (done.exit_code, "there is no such folder" in done.output) == (2, True)


@given(st.binary(min_size=1, max_size=60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_can_be_read_is_told_whatever_stands_beside_it(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, first: bool
) -> None:
    """A good entry is found among damaged lines; of anybody else the damage is said."""
    line = garbage.replace(b"\n", b"\xff") + b"\n"
    (good,), _ = a_log(a_shop(), (Fixed("response-60"), Fixed("challenger-60")), range(1))
    lines = [line, good + b"\n"] if first else [good + b"\n", line]
    folder = a_folder(tmp_path_factory.mktemp("log"), b"".join(lines))
    place = LogPlace(folder, archived=False, settings=None, note=print)
    assert len(kept_at(place, Wanted(customer_id="c-0")).entries) == 1
    with pytest.raises(OperatorError, match=f"line {1 if first else 2} is no record") as said:
        kept_at(place, Wanted(customer_id="nobody-here"))
    assert not isinstance(said.value, NotKeptError)


@pytest.mark.parametrize("json_", [False, True])
def test_a_history_without_an_event_is_no_backtest(json_: bool, tmp_path: Path) -> None:
    """An empty file and a file of garbage: a sentence, and no tables."""
    options = ("--reference", SHOP, *(["--json"] if json_ else []))
    (tmp_path / "empty.jsonl").write_bytes(b"")
    done = run("backtest", tmp_path / "empty.jsonl", *options)
    assert (done.exit_code, "there is no event in" in done.output) == (2, True), done.output
    (tmp_path / "bad.jsonl").write_bytes(RANDOM)
    done = run("backtest", tmp_path / "bad.jsonl", *options)
    assert done.exit_code == 1, done.output
    assert "every record was rejected; the first: line 1" in done.stderr
    assert "all offers" not in done.output


def test_why_no_decision_is_judged_is_said(tmp_path: Path) -> None:
    """Not that labels are missing where the records say nothing of the model that was asked for."""
    entries, labels = a_log(a_shop(), (Fixed("response-60"), Fixed("response-61")), range(20))
    (tmp_path / "decision-log.jsonl").write_bytes(b"\n".join(entries) + b"\n")
    (tmp_path / "learning-examples.jsonl").write_bytes(b"\n".join(labels))
    done = run("evaluate", "offers", tmp_path, "--model", "challenger")
    assert done.exit_code == 1, done.output
    assert "do not say what it would have drawn" in done.output
    assert "without labels" in done.output
    told = run("evaluate", "offers", tmp_path, "--model", "challenger", "--json")
    found = msgspec.json.decode(told.stdout)
    assert told.exit_code == 1
    assert "do not say what it would have drawn" in found["refused"]


def test_a_backtest_refuses_what_validate_refuses(tmp_path: Path) -> None:
    """With the same errors."""
    shop = tmp_path / "shop"
    copytree(example_shop(), shop)
    offers = shop / "offers.yaml"
    offers.write_text(re.sub(r"expected_rate: [0-9.]+", "expected_rate: 0", offers.read_text()))
    validated = run("offers", "validate", shop)
    errors = [line for line in validated.stderr.splitlines() if line.startswith("error: ")]
    assert errors
    done = run("backtest", "tests/golden/a-day-in-the-shop.jsonl", "--reference", shop)
    assert done.exit_code == 2, done.output
    said = done.stderr.splitlines()
    assert said[:-1] == errors
    assert f"mend the errors first ({len(errors)})" in said[-1]
