"""Files that a verb will write: refused before the work begins."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import main

VERBS = (
    ("demo", "--picture"),
    ("evaluate", "churn", "--report"),
    ("evaluate", "churn", "--json"),
    ("evaluate", "churn", "--scores"),
)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_file_that_cannot_be_written_ends_it_at_once(
    verb: tuple[str, ...], tmp_path: Path
) -> None:
    """Exit code 2 and a sentence, without a show or an hour of work before it."""
    given = [tmp_path / "purchases.csv"] if verb[0] == "evaluate" else []
    for path in given:
        path.write_text("")
    for out in (tmp_path, tmp_path / "nowhere" / "out"):
        told = [*verb[:-1], *map(str, given), verb[-1], str(out)]
        result = CliRunner().invoke(main, told)
        assert result.exit_code == 2, result.output
        assert "is a folder" in result.output or "there is no folder" in result.output
