"""Every number that a verb takes has bounds, and no number within or beyond them is a traceback."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from tests.evaluation.test_over_arms import a_shop
from tests.evaluation.test_two_models import a_log
from tests.unit.decisions.people import Fixed

ODD = ("-1", "0", "nan", "inf", "-inf", "1e400", "1" + "0" * 30, "", "x")
NUMBERS = (click.types.IntParamType, click.types.FloatParamType)


def numbers_of(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Each verb with each number that it takes: its words, then the parameter's name."""
    for name, verb in group.commands.items():
        if isinstance(verb, click.Group):
            yield from numbers_of(verb, (*path, name))
            continue
        for param in verb.params:
            if isinstance(param.type, NUMBERS) and not getattr(param, "hidden", False):
                yield (*path, name, str(param.name))


ALL = list(numbers_of(main))


def the_type(words: tuple[str, ...]) -> click.types.IntRange | click.types.FloatRange:
    """The type of a parameter."""
    verb: click.Command = main
    for word in words[:-1]:
        assert isinstance(verb, click.Group)
        verb = verb.commands[word]
    (param,) = (p for p in verb.params if p.name == words[-1])
    assert isinstance(param.type, (click.IntRange, click.FloatRange)), "it has no bounds"
    return param.type


def test_there_are_numbers() -> None:
    """Or those below test nothing."""
    assert ("evaluate", "uplift", "seed") in ALL
    assert len(ALL) > 12


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_number_has_bounds_and_an_odd_one_is_refused(words: tuple[str, ...]) -> None:
    """What is taken lies within them: also nothing that is no number at all."""
    type_ = the_type(words)
    assert type_.min is not None
    assert type_.max is not None
    for text in ODD:
        try:
            taken = type_.convert(text, None, None)
        except click.BadParameter:
            continue
        assert type_.min <= taken <= type_.max, text


def run(*words: str | Path) -> Result:
    """A verb over files, without any broker."""
    return CliRunner().invoke(main, list(map(str, words)))


def a_folder(path: Path) -> Path:
    """A folder of a replay with 40 decisions."""
    entries, labels = a_log(a_shop(), (Fixed("response-60"), Fixed("challenger-60")), range(40))
    (path / "decision-log.jsonl").write_bytes(b"\n".join(entries) + b"\n")
    (path / "learning-examples.jsonl").write_bytes(b"\n".join(labels) + b"\n")
    (path / "churn-alerts.jsonl").write_bytes(b"")
    (path / "model-snapshots.jsonl").write_bytes(b"")
    return path


def a_table(path: Path) -> Path:
    """A randomized table of 600 people."""
    rows = (f"{n % 2},{(n * 7) % 5 + n % 2},{n % 11}" for n in range(600))
    (path / "trial.csv").write_text("treatment,outcome,x\n" + "\n".join(rows), encoding="utf-8")
    return path / "trial.csv"


def purchases(path: Path) -> Path:
    """A small table of purchases."""
    rows = (f"c{n % 9},2025-{n % 12 + 1:02}-{n % 27 + 1:02}T10:00:00Z,{n}.5" for n in range(90))
    text = "customer_id,ts,amount\n" + "\n".join(rows)
    (path / "shop.csv").write_text(text, encoding="utf-8")
    return path / "shop.csv"


@pytest.mark.parametrize("number", ["-1", "0", "1", "nan", "inf", "4294967295", "1" + "0" * 30])
def test_no_number_ends_in_a_traceback(number: str, tmp_path: Path) -> None:
    """Those of all verbs that need no broker: they answer, or say what is wrong."""
    log, trial, shop = a_folder(tmp_path), a_table(tmp_path), purchases(tmp_path)
    for words in (
        ("evaluate", "offers", log, "--seed"),
        ("evaluate", "uplift", trial, "--seed"),
        ("evaluate", "churn", shop, "--horizon-days"),
        ("alerts", "list", "--log", log, "--limit"),
        ("explain", "--customer", "c-0", "--log", log, "--limit"),
    ):
        done = run(*words, number)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done)
        assert done.exit_code in (0, 1, 2)
