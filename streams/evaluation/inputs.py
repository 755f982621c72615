"""Files of events: JSON lines (plain, gzip or standard input) and CSVs of purchases, as records."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.ids import derive_id
from streams.contracts.inputs.json_lines import InputRecord, open_input, read_json_lines
from streams.errors import OperatorError

CSV_COLUMNS = ("customer_id", "ts", "amount")


class _Dated(Struct, frozen=True):
    event_id: str
    occurred_at: str
    identity: dict[str, str]


_dated = msgspec.json.Decoder(_Dated)


def read_records(path: str, currency: str = "EUR") -> Iterator[InputRecord]:
    """The records of a file, in its order; `-` is standard input.

    Lines are read as `contracts.inputs.json_lines` says. A CSV (`.csv`, `.csv.gz`) has the columns
    customer_id, ts (epoch seconds) and amount, each row a purchase; a row without a `currency` is
    in `currency`.

    Raises:
        OperatorError: the file cannot be read, or the CSV lacks a column.
    """
    with open_input(path) as file:
        if path.removesuffix(".gz").endswith(".csv"):
            yield from _purchases(file, path, currency)
        else:
            yield from read_json_lines(file)


def granted(records: Iterable[InputRecord], purposes: Sequence[str]) -> Iterator[InputRecord]:
    """The records, everybody's first order preceded by a consent to `purposes`.

    A table of purchases says nothing of consent, and unknown means denied. Whoever judges such a
    table says with this what the people in it agreed to.
    """
    seen: set[bytes] = set()
    for record in records:
        if record.topic == topics.PURCHASE.name and record.key and record.key not in seen:
            seen.add(record.key)
            yield from _consent(record, purposes)
        yield record


def _consent(order: InputRecord, purposes: Sequence[str]) -> Iterator[InputRecord]:
    """A consent at the moment of the order; none where the order itself cannot be read."""
    try:
        dated = _dated.decode(order.value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return
    value = msgspec.json.encode(
        {
            "event_id": derive_id("grant", dated.event_id),
            "event_name": "consent_updated",
            "occurred_at": dated.occurred_at,
            "identity": dated.identity,
            "channel": "web",
            "purposes": dict.fromkeys(purposes, "granted"),
        }
    )
    yield InputRecord(order.line, topics.PROFILE.name, order.key, value)


def _purchases(file: IO[bytes], path: str, currency: str) -> Iterator[InputRecord]:
    rows = csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))
    if missing := [c for c in CSV_COLUMNS if c not in (rows.fieldnames or ())]:
        raise OperatorError(f"{path}: the CSV lacks the columns {', '.join(missing)}")
    for number, row in enumerate(rows, 2):
        if row.get("type") in (None, "purchase"):
            value = _order(row, number, currency)
            yield InputRecord(number, topics.PURCHASE.name, row["customer_id"].encode(), value)


def _order(row: dict[str, str], number: int, currency: str) -> bytes:
    """A CSV row as an `order_completed`; cells that are no numbers stay, for decode to reject."""
    event_id = derive_id("csv", str(number), row["customer_id"], row["ts"])
    return msgspec.json.encode(
        {
            "event_id": event_id,
            "event_name": "order_completed",
            "occurred_at": _rfc3339(row["ts"]),
            "identity": {"customer_id": row["customer_id"]},
            "channel": "web",
            "order_id": event_id,
            "total": {"amount": row["amount"], "currency": row.get("currency") or currency},
            "items": [],
        }
    )


def _rfc3339(seconds: str) -> str:
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return seconds
