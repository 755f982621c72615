"""Files to records: a file of events, and the folder that `offerstream replay --out` writes."""

from collections.abc import Iterator
from pathlib import Path

from streams.audit.arrivals import Came, came_of_lines
from streams.audit.outputs import READ, UnreadableError
from streams.contracts.inputs.lines import open_source


def read_inputs(path: str) -> list[Came]:
    """The lines of a file of events, in its order; `-` is standard input, gzip is unpacked.

    Raises:
        OperatorError: it cannot be opened, or is no text.
    """
    with open_source(path) as source:
        return list(came_of_lines(line.text for line in source.lines()))


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
