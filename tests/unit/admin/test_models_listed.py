"""What is said where no snapshot is kept, or none is named."""

from pathlib import Path

import pytest

from streams.errors import SettingsError
from streams.gateway.page.operators import parse_operators
from tests.unit.admin.test_log_places import run


def test_an_empty_list_of_snapshots_says_so(day: tuple[Path, Path]) -> None:
    """In words, and not as a heading over nothing; as JSON it stays empty."""
    _, root = day
    done = run("models", "list", "--log", str(root), "--model", "fatigue")
    assert (done.exit_code, done.stdout.startswith("no snapshot of a model fatigue")) == (0, True)
    done = run("models", "list", "--log", str(root))
    assert (done.exit_code, done.stdout.startswith("no snapshot is kept in")) == (0, True)
    done = run("models", "list", "--log", str(root), "--model", "fatigue", "--json")
    assert (done.exit_code, done.stdout) == (0, "")


def test_a_model_that_does_not_exist_is_refused(day: tuple[Path, Path]) -> None:
    """With those that do, and a guess."""
    done = run("models", "list", "--log", str(day[1]), "--model", "respnse")
    assert done.exit_code == 2
    assert "--model respnse is not one of calibration, capacity, challenger" in done.stderr
    assert "did you mean response?" in done.stderr


@pytest.mark.parametrize("asked", [("promote",), ("rollback", "response-1")])
@pytest.mark.parametrize("why", ["", "  "])
def test_a_reason_must_be_given(asked: tuple[str, ...], why: str) -> None:
    """It is asked for before Kafka is."""
    done = run("models", *asked, "--why", why)
    assert (done.exit_code, "say why in a few words" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_is_asked_for(day: tuple[Path, Path], name: str) -> None:
    """Instead of telling that a snapshot without a name is not kept."""
    done = run("models", "show", name, "--log", str(day[1]))
    assert (done.exit_code, "name a snapshot, or a model" in done.output) == (2, True)


@pytest.mark.parametrize("entry", ["ana", "ana=short", "Ana=0123456789abcdef01234567"])
def test_a_wrong_operator_token_is_told_by_its_number_and_how_to_write_it(entry: str) -> None:
    """The entry itself may hold a secret, and is not repeated."""
    with pytest.raises(SettingsError, match="entry 1 is not a name with a token: write") as told:
        parse_operators(entry)
    assert "short" not in str(told.value)
    assert "0123" not in str(told.value)
