"""A file of the archive that cannot be read is named, and nothing of what it holds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from streams.errors import DamagedArchiveError

_AT_ONCE = 50


@contextmanager
def reading(paths: Sequence[str]) -> Iterator[None]:
    """Around whatever reads these files.

    Raises:
        DamagedArchiveError: one of them is damaged, or has gone.
    """
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        bad = _at_fault(paths, str(error))
        if bad is None:
            raise
        raise DamagedArchiveError(
            f"{bad} cannot be read: it is damaged, or has gone. Bring it back from a backup, or "
            "delete it: then the records of its offsets are missing from the archive"
        ) from error


def _at_fault(paths: Sequence[str], said: str) -> str | None:
    """Which of them cannot be read, those first that DuckDB names; None: it failed for another."""
    by_name = sorted(paths, key=lambda path: path not in said)
    return next((path for path in by_name if not _is_whole(path)), None)


def _is_whole(path: str) -> bool:
    connection = duckdb.connect(":memory:")
    try:
        found = connection.execute("SELECT * FROM read_parquet(?)", [[path]])
        while found.fetchmany(_AT_ONCE):
            continue
    except duckdb.Error:
        return False
    finally:
        connection.close()
    return True
