"""A file of the archive that is damaged is named by every verb that reads it."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import duckdb
import pytest
from click.testing import CliRunner

from streams.admin.reference import example_shop
from streams.archive.files import compact, erase
from streams.archive.layout import UNFINISHED, pieces
from streams.archive.positions import load
from streams.cli import main
from streams.errors import DamagedArchiveError
from streams.topics import DECISION_LOG

SHOP = str(example_shop())
VERBS = {
    "explain": ("explain", "--customer", "mia", "--log"),
    "explain-id": ("explain", "d_1", "--log"),
    "redecide": ("redecide", "d_1", "--log"),
    "offers": ("evaluate", "offers"),
    "margins": ("evaluate", "margins"),
    "uplift": ("evaluate", "uplift"),
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut off": lambda raw: raw[: len(raw) // 2],
    "other bytes": lambda raw: raw[:100] + bytes(200) + raw[300:],
}


def file_of(root: Path) -> Path:
    """The one file of the decision log."""
    (piece,) = pieces(root, DECISION_LOG.name)
    return root / piece.place


@pytest.mark.parametrize(
    ("verb", "damage"), [*((verb, "cut off") for verb in VERBS), *(("margins", d) for d in DAMAGES)]
)
def test_the_file_is_named(day: tuple[Path, Path], tmp_path: Path, verb: str, damage: str) -> None:
    """Exit code 2 and a sentence that holds nothing of any record."""
    root = copytree(day[1], tmp_path / "kept")
    bad = file_of(root)
    bad.write_bytes(DAMAGES[damage](bad.read_bytes()))
    done = CliRunner().invoke(main, [*VERBS[verb], str(root)])
    assert (done.exit_code, f"{bad} cannot be read" in done.output) == (2, True), done.output
    assert "decision_id" not in done.output


def test_a_history_whose_file_is_damaged_is_named(day: tuple[Path, Path], tmp_path: Path) -> None:
    """Input events are read as a whole."""
    root = copytree(day[1], tmp_path / "kept")
    bad = root / pieces(root, "events.app")[0].place
    bad.write_bytes(bad.read_bytes()[:100])
    done = CliRunner().invoke(main, ["backtest", str(root), "--reference", SHOP])
    assert (done.exit_code, f"{bad} cannot be read" in done.output) == (2, True), done.output


def test_a_disk_that_takes_no_more_is_no_damage_of_the_file_that_is_read(
    day: tuple[Path, Path], tmp_path: Path
) -> None:
    """DuckDB names the file beside it, whose name begins alike; nobody is told to delete it."""
    root = copytree(day[1], tmp_path / "kept")
    (piece,) = pieces(root, DECISION_LOG.name)
    path = root / piece.place
    path.with_name(path.name + UNFINISHED).mkdir()  # as a full disk: cannot be written
    with pytest.raises(duckdb.IOException):
        erase(root, piece, ["mia"], 2**50)


def test_who_joins_files_and_erases_names_it_and_deletes_nothing(
    day: tuple[Path, Path], tmp_path: Path
) -> None:
    """An erasure that cannot be done fails, so it is asked for again."""
    root = copytree(day[1], tmp_path / "kept")
    (piece,) = pieces(root, DECISION_LOG.name)
    bad = root / piece.place
    bad.write_bytes(bad.read_bytes()[:100])
    with pytest.raises(DamagedArchiveError, match="cannot be read"):
        erase(root, piece, ["mia"], 2**50)
    beside = piece.__class__(piece.topic, piece.day, piece.partition, 10_000, 10_001)
    (root / beside.place).write_bytes(b"")
    positions = {(piece.topic, piece.partition): 20_000}
    assert load(root).next
    with pytest.raises(DamagedArchiveError, match="cannot be read"):
        compact(root, piece.topic, positions, piece.day.replace(year=piece.day.year + 1))
    assert bad.exists()
    assert (root / beside.place).exists()
