"""A CSV with a header, row by row, as judges of policies and campaigns read it."""

import csv
from collections.abc import Iterator
from pathlib import Path

from streams.contracts.inputs.lines import open_source


def header_of(path: Path) -> tuple[str, ...]:
    """The names of its columns; none in an empty file.

    Raises:
        OperatorError: it cannot be opened, or is no text.
    """
    with open_source(str(path)) as source:
        first = next(source.lines(), None)
    return () if first is None else tuple(next(csv.reader([_text(first.text)]), ()))


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column; a cell that is not there is empty.

    Raises:
        OperatorError: it cannot be opened, or is no text.
    """
    with open_source(str(path)) as source:
        rows = csv.DictReader((_text(line.text) for line in source.lines()), restval="")
        for row in rows:
            yield rows.line_num, {name: row[name] for name in rows.fieldnames or ()}


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
