"""Files to records: a file of events, and the folder that `offerstream replay --out` writes."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

from streams.audit.arrivals import Came, came_of_lines
from streams.audit.outputs import READ, UnreadableError


def read_inputs(path: str) -> list[Came]:
    """The lines of a file of events, in its order; `-` is standard input, `.gz` is unpacked.

    Raises:
        UnreadableError: there is no such file, or it is no text.
    """
    if path == "-":
        return list(came_of_lines(sys.stdin.buffer))
    if not Path(path).is_file():
        raise UnreadableError(f"{path}: there is no such file")
    try:
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            return list(came_of_lines(file))
    except (OSError, EOFError) as error:
        raise UnreadableError(f"{path}: cannot be read: {error}") from error


def read_outputs(folder: Path) -> list[tuple[str, bytes]]:
    """The outputs in a folder, as (topic, value).

    Raises:
        UnreadableError: the folder lacks a file.
    """
    return [record for topic in READ for record in _records(folder, topic)]


def _records(folder: Path, topic: str) -> Iterator[tuple[str, bytes]]:
    path = folder / f"{topic}.jsonl"
    if not path.is_file():
        raise UnreadableError(f"{path}: there is no such file; expected what `replay` writes")
    for line in path.read_bytes().splitlines():
        if line.strip():
            yield topic, line
