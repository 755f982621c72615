"""CSV as spreadsheets and databases write it: rows of cells, by the names of the first line.

Commas, semicolons, tabs and bars are told apart by the first line. A row that cannot be read is a
value with its line and why, and the rows after it are read.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from streams.contracts.inputs.lines import LINE_CHARS_MAX, Line
from streams.errors import OperatorError

DELIMITERS: Final = (",", ";", "\t", "|")
ROW_LINES_MAX: Final = 50  # more line ends in one row are a stray quote
_NAMES_SHOWN_CHARS: Final = 200


class Cells(Struct, frozen=True):
    """A row: the first of its lines, that line's bytes, and its cells by column.

    `fault` is why there are no cells, in a sentence without what the row holds.
    """

    line: int
    raw: bytes
    cells: Mapping[str, str]
    fault: str = ""


class Header(Struct, frozen=True):
    """What the first line says: the delimiter, the number of columns, our columns' places."""

    delimiter: str
    width: int
    places: Mapping[str, int]


class Text:
    """Bytes of a line as text: UTF-8, or what old spreadsheets write where that is meant.

    The first line that is not plain ASCII decides, so that a damaged line in a file of UTF-8 is
    damaged and no word of strange letters.
    """

    def __init__(self, *, certain: bool = False) -> None:
        """`certain`: the encoding is known, and what is no UTF-8 is damaged."""
        self.encoding = "utf-8" if certain else ""

    def read(self, line: bytes) -> str | None:
        """The text; None where it is damaged."""
        if line.isascii():
            return line.decode("ascii")
        if self.encoding != "windows-1252":
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                if self.encoding:
                    return None
            else:
                self.encoding = "utf-8"
                return text
        self.encoding = "windows-1252"
        try:
            return line.decode("windows-1252")
        except UnicodeDecodeError:  # five bytes that only Latin-1 has
            return line.decode("latin-1")


class _Lines:
    """Lines that can be put back."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        return self._waiting.popleft() if self._waiting else next(self._lines)

    def put_back(self, lines: Sequence[Line]) -> None:
        self._waiting.extendleft(reversed(lines))


def read_cells(
    lines: Iterable[Line], name: str, wanted: Mapping[str, str], required: Sequence[str], text: Text
) -> Iterator[Cells]:
    """The rows of a table, in its order; blank lines are passed over.

    Args:
        lines: of the whole file.
        name: of the file, for messages.
        wanted: the file's name of a column, by ours; upper and lower case are one.
        required: our names of the columns that must be there.
        text: how bytes are read.

    Raises:
        OperatorError: a required column is missing; with those that there are.
    """
    csv.field_size_limit(LINE_CHARS_MAX)  # of the whole process: its own limit refuses long cells
    source = _Lines(lines)
    header = _header(source, name, wanted, required, text)
    for line in source:
        if line.text.strip():
            cells = _row(line, source, header, text)
            named = {} if isinstance(cells, str) else _by_name(cells, header)
            yield Cells(line.number, line.text, named, cells if isinstance(cells, str) else "")


def names_of(head: bytes) -> frozenset[str]:
    """The columns that the first line of a file names, in lower case, if it is a table's."""
    for line in head.splitlines()[:2]:
        text = Text().read(line) or ""
        if not _is_excels(text):
            return frozenset(_normal(_split(text, _delimiter(text))))
    return frozenset()


def _header(
    lines: _Lines, name: str, wanted: Mapping[str, str], required: Sequence[str], text: Text
) -> Header:
    delimiter = ""
    for line in lines:
        first = text.read(line.text) or ""
        if _is_excels(first):
            delimiter = first.strip()[4]
        elif line.text.strip():
            return _named(first, delimiter or _delimiter(first), name, wanted, required)
    columns = ", ".join(wanted[column] for column in required)
    raise OperatorError(f"{name} is empty; its first line must name {columns}")


def _named(
    first: str, delimiter: str, name: str, wanted: Mapping[str, str], required: Sequence[str]
) -> Header:
    names = _normal(_split(first, delimiter))
    ours = {ours: theirs.strip().casefold() for ours, theirs in wanted.items()}
    missing = [column for column in required if ours[column] not in names]
    if missing:
        there = ", ".join(n for n in names if n)[:_NAMES_SHOWN_CHARS] or "none"
        raise OperatorError(
            f"{name}, line 1: there is no column {', '.join(wanted[c] for c in missing)}; there "
            f"is {there}. Say which is meant, as in --column {missing[0]}=NAME"
        )
    places = {c: names.index(theirs) for c, theirs in ours.items() if theirs in names}
    return Header(delimiter, len(names), places)


def _row(line: Line, following: _Lines, header: Header, text: Text) -> list[str] | str:
    """The cells, or why there are none.

    A cell in quotes may hold line ends. Where quotes never close, or the row does not come out
    with the header's cells, the line is bad alone: one stray quote must not swallow the file.
    """
    chars = text.read(line.text)
    if chars is None:
        return "is not UTF-8, which lines before it are"
    taken: list[Line] = []
    while chars.count('"') % 2 and len(taken) < ROW_LINES_MAX:
        more = next(following, None)
        if more is None:
            break
        taken.append(more)
        chars += "\n" + (text.read(more.text) or "\0")
    cells = _parse(chars, header)
    if isinstance(cells, str) and taken:
        following.put_back(taken)
        return "has a quote that does not close"
    return cells


def _parse(chars: str, header: Header) -> list[str] | str:
    if "\0" in chars:
        return "holds a zero byte"
    parts = chars.splitlines(keepends=True) if "\n" in chars else [chars]
    try:
        cells = next(csv.reader(parts, delimiter=header.delimiter, strict=True), [])
    except csv.Error:
        return "has a quote that does not close, or text behind a closing quote"
    while len(cells) > header.width and not cells[-1].strip():
        cells.pop()
    if len(cells) > header.width:
        return f"has {len(cells)} cells, and the first line names {header.width}"
    return cells


def _by_name(cells: list[str], header: Header) -> dict[str, str]:
    return {c: cells[i].strip() for c, i in header.places.items() if i < len(cells)}


def _is_excels(line: str) -> bool:
    """Whether this is `sep=;`, which Excel puts before the names."""
    return line.lower().startswith("sep=") and len(line.strip()) == len("sep=;")


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=lambda delimiter: len(_split(line, delimiter)))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _normal(names: Iterable[str]) -> list[str]:
    return [name.strip().casefold() for name in names]
