"""The files of `../shared/cases` that are judged by how they are read, not by a customer's row."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.evaluation.inputs import read_records
from tests.support.cases import cases

READ = ("bom", "crlf", "latin1", "packed", "quoted", "semicolon", "short", "utf16", "bigfield")


def folder() -> Path:
    """That of the cases."""
    found = cases()
    if found is None:
        pytest.skip("the cases (../shared/cases) are not beside this checkout")
    return found


@pytest.mark.parametrize("name", READ)
def test_files_from_excel_are_read(name: str) -> None:
    """Two customers at the date, from whatever wrote the file; a bad line is named."""
    file = folder() / "22-files-from-excel" / f"{name}.csv"
    at = ["--at", "2023-11-25", "--horizon-days", "13"]
    done = CliRunner().invoke(main, ["evaluate", "churn", str(file), *at])
    assert done.exit_code == 0, done.output
    assert "2 customers" in done.output
    assert ("line 5: " in done.output) == (name in {"short", "bigfield"})


def test_an_archive_that_is_cut_off_is_a_sentence() -> None:
    """With the line after which nothing can be read, and exit code 2."""
    file = folder() / "22-files-from-excel" / "cut.csv.gz"
    done = CliRunner().invoke(main, ["evaluate", "churn", str(file)])
    assert done.exit_code == 2
    assert "after line 2422: the archive is cut off" in done.output


def test_an_event_of_the_app_alone_goes_to_the_app() -> None:
    """The same topic for `replay` and `events send`: they read with one reader."""
    (record,) = read_records(str(folder() / "37-app-event-alone" / "app.jsonl"))
    assert record.topic == "events.app"
