"""Tables as people have them are read, row by row, and what is wrong is named."""

import codecs
import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streams.contracts.inputs.lines import open_source
from streams.contracts.inputs.purchase_rows import (
    BadRow,
    OtherRow,
    PurchaseRow,
    TableFormat,
    read_purchase_rows,
)
from streams.errors import OperatorError

PLAIN = "customer_id,ts,amount\nc1,1700000000,12.50\nZoë,1702000000,7.00\n"
Rows = list[PurchaseRow | BadRow | OtherRow]


def rows_of(tmp_path: Path, content: bytes, encoding: str = "", **given: object) -> Rows:
    """What is read of a file with this content."""
    path = tmp_path / "shop"
    path.write_bytes(content)
    with open_source(str(path), encoding) as source:
        return list(read_purchase_rows(source, TableFormat(**given)))  # type: ignore[arg-type]


def told(rows: Rows) -> list[tuple[object, ...]]:
    """The rows as short tuples."""
    return [
        (row.line, row.customer_id, row.at_s, row.amount)
        if isinstance(row, PurchaseRow)
        else (row.line, row.rejected.reason, row.rejected.path)
        if isinstance(row, BadRow)
        else (row.line,)
        for row in rows
    ]


RIGHT = [(2, "c1", 1_700_000_000.0, "12.50"), (3, "Zoë", 1_702_000_000.0, "7.00")]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("latin-1"),
        PLAIN.encode("utf-16"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", " | ").encode(),
        PLAIN.replace("customer_id", "Customer_ID").replace(",", " ,").encode(),
        PLAIN.replace("12.50", '"12.50"').rstrip().encode(),
        PLAIN.replace("\n", ",\n").encode(),
        gzip.compress(PLAIN.encode()),
    ],
    ids=[
        *["plain", "mark", "latin-1", "utf-16", "utf-16 big end", "utf-16 le, no mark"],
        *["utf-16 be, no mark", "crlf", "cr", "semicolons", "tabs", "bars", "case and blanks"],
        *["quoted, no last line end", "empty last column", "gzip"],
    ],
)
def test_every_way_to_write_a_table_gives_the_same_rows(tmp_path: Path, content: bytes) -> None:
    """The same two purchases, whatever wrote the file."""
    assert told(rows_of(tmp_path, content)) == RIGHT


def test_excels_first_line_names_the_delimiter(tmp_path: Path) -> None:
    """`sep=;` is no row."""
    content = ("sep=;\n" + PLAIN.replace(",", ";")).encode()
    assert [row[1] for row in told(rows_of(tmp_path, content))] == ["c1", "Zoë"]


def test_columns_decimals_and_zones_are_told(tmp_path: Path) -> None:
    """A German export: own names, decimal commas, local times."""
    content = b"Kunde;Datum;Betrag\nc1;2026-03-01 10:00;1.234,50\nc1;2026-07-01;7,5\n"
    rows = rows_of(
        tmp_path,
        content,
        columns={"customer_id": "Kunde", "ts": "Datum", "amount": "Betrag"},
        decimal=",",
        zone=ZoneInfo("Europe/Berlin"),
    )
    assert told(rows) == [
        (2, "c1", 1_772_355_600.0, "1234.50"),
        (3, "c1", 1_782_856_800.0, "7.5"),
    ]


@pytest.mark.parametrize(
    ("ts", "at_s"),
    [
        ("1700000000", 1_700_000_000.0),
        ("1700000000123", 1_700_000_000.123),
        ("1.7e9", 1_700_000_000.0),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-15 07:13:20+09:00", 1_700_000_000.0),
    ],
)
def test_times_are_epochs_or_dates(tmp_path: Path, ts: str, at_s: float) -> None:
    """Seconds, milliseconds, ISO dates: one moment."""
    rows = rows_of(tmp_path, f"customer_id,ts,amount\nc1,{ts},1\n".encode())
    assert told(rows) == [(2, "c1", at_s, "1")]


@pytest.mark.parametrize(
    ("row", "reason", "path"),
    [
        (b"c9", "missing_field", "$.occurred_at"),
        (b",1,1", "missing_field", "$.identity.customer_id"),
        (b"c9,1,12,50", "bad_format", "$"),
        (b'c9,1,"12,50"', "bad_format", "$.total.amount"),
        (b"c9,1,nan", "bad_format", "$.total.amount"),
        (b"c9,yesterday,1", "bad_timestamp", "$.occurred_at"),
        (b"c9,2026-02-30,1", "bad_timestamp", "$.occurred_at"),
        (b"c9,1e30,1", "bad_timestamp", "$.occurred_at"),
        (b'c9,1,"1', "bad_format", "$"),
        (b'"c9,1,1', "bad_format", "$"),
        (b'"c9"x,1,1', "bad_format", "$"),
        (b"c\0,1,1", "bad_format", "$"),
        (b"c9,1," + b"x" * 200_000, "bad_format", "$.total.amount"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_is_read(
    tmp_path: Path, row: bytes, reason: str, path: str
) -> None:
    """Line 3 is bad alone, even where a quote opens that never closes."""
    content = b"customer_id,ts,amount\nc1,1,2\n" + row + b"\nc2,3,4\nc3,5,6\n"
    rows = told(rows_of(tmp_path, content))
    assert rows == [
        (2, "c1", 1.0, "2"),
        (3, reason, path),
        (4, "c2", 3.0, "4"),
        (5, "c3", 5.0, "6"),
    ]


def test_a_quoted_cell_may_hold_line_ends_and_much_text(tmp_path: Path) -> None:
    """The next row has the number of its own line."""
    note = '"two\nlines; ' + "x" * 200_000 + '"'
    content = f"customer_id,note,ts,amount\nc1,{note},1,2\nc2,,3,4\n".encode()
    assert told(rows_of(tmp_path, content)) == [(2, "c1", 1.0, "2"), (4, "c2", 3.0, "4")]


def test_a_damaged_line_in_a_file_of_utf_8_stays_damaged(tmp_path: Path) -> None:
    """It is not taken for Latin-1, which would change a name in silence."""
    content = PLAIN.encode() + b"Zo\xeb,1,1\n"
    assert told(rows_of(tmp_path, content))[-1] == (4, "invalid_utf8", "$")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"name,when\na,1\n", r"line 1: there is no column customer_id, ts, amount; there is name"),
        (b"PK\x03\x04....", "Excel workbook"),
        (gzip.compress(PLAIN.encode() * 9_000)[:-40], "after line [0-9]+: the archive is cut off"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:5], "after line 0"),
        (b"\x1f\x8b\x08 this is no archive", "damaged|cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """What it is and what to do, never a trace."""
    with pytest.raises(OperatorError, match=message):
        rows_of(tmp_path, content)


def test_an_unknown_encoding_or_column_is_refused(tmp_path: Path) -> None:
    """With what there is."""
    with pytest.raises(OperatorError, match="there is no encoding klingon"):
        rows_of(tmp_path, PLAIN.encode(), "klingon")
    with pytest.raises(OperatorError, match="there is no column when; there are customer_id"):
        rows_of(tmp_path, PLAIN.encode(), columns={"when": "ts"})
