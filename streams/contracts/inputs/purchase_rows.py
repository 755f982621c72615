"""Purchases in a table: what the cells of a row mean (docs/files.md)."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final

from msgspec import Struct, field

from streams.contracts.inputs.lines import Source
from streams.contracts.inputs.rules import Rejected, RejectReason
from streams.contracts.inputs.tables import Cells, Text, names_of, read_cells
from streams.errors import OperatorError

REQUIRED: Final = ("customer_id", "ts", "amount")
COLUMNS: Final = (*REQUIRED, "currency", "type")
MILLISECONDS_MIN: Final = 100_000_000_000  # as seconds, the year 5138
YEAR_10000_S: Final = 253_402_300_800
_EPOCH: Final = re.compile(r"\A-?[0-9]{1,20}(\.[0-9]{1,9})?([eE]\+?[0-9]{1,2})?\Z", re.ASCII)
_DATE: Final = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9].*)?\Z", re.ASCII)
_NUMBER: Final = re.compile(r"\A[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?\Z", re.ASCII)
_GROUPED: Final = re.compile(r"\A[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?\Z", re.ASCII)
_PATHS: Final = {
    "customer_id": "$.identity.customer_id",
    "ts": "$.occurred_at",
    "amount": "$.total.amount",
}


class TableFormat(Struct, frozen=True, kw_only=True):
    """What a table does not say of itself.

    Attributes:
        columns: the file's names of columns, by ours.
        decimal: `.` or `,`.
        zone: of times that name none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    zone: tzinfo = UTC


class PurchaseRow(Struct, frozen=True):
    """A purchase: `amount` as a decimal number; `ts` as it stands; empty `currency`: not said."""

    line: int
    customer_id: str
    ts: str
    at_s: float
    amount: str
    currency: str = ""


class BadRow(Struct, frozen=True):
    """A row that cannot be read: why, and the bytes of its (first) line."""

    line: int
    rejected: Rejected
    raw: bytes


class OtherRow(Struct, frozen=True):
    """A row whose `type` is something else than `purchase`."""

    line: int


def read_purchase_rows(
    source: Source, table: TableFormat
) -> Iterator[PurchaseRow | BadRow | OtherRow]:
    """The rows of a table, in its order.

    Raises:
        OperatorError: a column is missing or unknown, or the archive is cut off.
    """
    wanted, required = _wanted(table)
    text = Text(certain=source.certain)
    for row in read_cells(source.lines(), source.name, wanted, required, text):
        yield _purchase(row, table)


def is_purchase_table(head: bytes, table: TableFormat) -> bool:
    """Whether the first line of a file names the columns of such a table."""
    names = names_of(head)
    return all(table.columns.get(c, c).strip().casefold() in names for c in REQUIRED)


def _wanted(table: TableFormat) -> tuple[dict[str, str], list[str]]:
    """The file's names by ours, and ours that must be there: those somebody names, too."""
    if strange := sorted(table.columns.keys() - set(COLUMNS)):
        raise OperatorError(f"there is no column {strange[0]}; there are {', '.join(COLUMNS)}")
    wanted = {column: table.columns.get(column, column) for column in COLUMNS}
    return wanted, [c for c in COLUMNS if c in REQUIRED or c in table.columns]


def _purchase(row: Cells, table: TableFormat) -> PurchaseRow | BadRow | OtherRow:
    if row.fault:
        reason: RejectReason = "invalid_utf8" if "UTF-8" in row.fault else "bad_format"
        return _bad(row, reason, "", row.fault)
    if (row.cells.get("type") or "purchase").casefold() != "purchase":
        return OtherRow(row.line)
    for column in REQUIRED:
        if not row.cells.get(column):
            return _bad(row, "missing_field", column, f"there is no {column}")
    at_s = _seconds(row.cells["ts"], table.zone)
    if isinstance(at_s, str):
        return _bad(row, "bad_timestamp", "ts", at_s)
    amount = _decimal(row.cells["amount"], table.decimal)
    if amount is None:
        other = "," if table.decimal == "." else "."
        hint = f"; for {other} before the cents say --decimal {other}"
        return _bad(
            row,
            "bad_format",
            "amount",
            f"amount is no number, as 12{table.decimal}50"
            + (hint if other in row.cells["amount"] else ""),
        )
    currency = row.cells.get("currency", "")
    return PurchaseRow(row.line, row.cells["customer_id"], row.cells["ts"], at_s, amount, currency)


def _bad(row: Cells, reason: RejectReason, column: str, detail: str) -> BadRow:
    return BadRow(row.line, Rejected(reason, _PATHS.get(column, "$"), detail), row.raw)


def _seconds(cell: str, zone: tzinfo) -> float | str:
    """Seconds since the epoch, or why there are none."""
    if _EPOCH.match(cell):
        number = float(cell)
        at_s = number / 1000 if abs(number) >= MILLISECONDS_MIN else number
    elif _DATE.match(cell):
        try:
            moment = datetime.fromisoformat(cell)
            at_s = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        except (ValueError, OverflowError, OSError):
            return "ts is not a time that exists"
    else:
        return "ts is no time: write seconds since 1970, milliseconds, or 2026-03-01 10:00:00"
    if not 0 <= at_s < YEAR_10000_S:
        return "ts is before 1970 or after 9999"
    return at_s


def _decimal(cell: str, point: str) -> str | None:
    """The number with a decimal point; None where it is none.

    >>> _decimal("1.234,50", ","), _decimal("12,50", ","), _decimal("12,50", ".")
    ('1234.50', '12.50', None)
    """
    if point == ",":
        cell = (cell.replace(".", "") if _GROUPED.match(cell) else cell).replace(",", ".")
    return cell.removeprefix("+") if _NUMBER.match(cell) else None
