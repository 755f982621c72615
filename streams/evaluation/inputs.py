"""Files of events (JSON lines) and of purchases (CSV), as records: one reader for every verb."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.ids import derive_id
from streams.contracts.inputs.json_lines import InputRecord, read_json_lines
from streams.contracts.inputs.lines import Source, open_source
from streams.contracts.inputs.purchase_rows import (
    BadRow,
    OtherRow,
    PurchaseRow,
    TableFormat,
    is_purchase_table,
    read_purchase_rows,
)
from streams.contracts.sources.mapping import SourceMapping
from streams.contracts.sources.records import Skipped, read_messages
from streams.contracts.unreadable import UNREADABLE

TABLE_NAMES = (".csv", ".tsv", ".txt")
JSON_NAMES = (".jsonl", ".ndjson", ".json")


class FileFormat(Struct, frozen=True, kw_only=True):
    """What a file does not say of itself; an empty `encoding` is found.

    `source`: the table of the system that wrote its messages; None: they are events of ours.
    `skipped` counts messages that are no events of ours.
    """

    encoding: str = ""
    table: TableFormat = TableFormat()
    currency: str = "EUR"
    source: SourceMapping | None = None
    skipped: Skipped = msgspec.field(default_factory=Skipped)


AS_FOUND = FileFormat()


class _Dated(Struct, frozen=True):
    event_id: str
    occurred_at: str
    identity: dict[str, str]


_dated = msgspec.json.Decoder(_Dated)


def read_records(path: str, format_: FileFormat = AS_FOUND) -> Iterator[InputRecord]:
    """The records of a file, in its order; `-` is standard input.

    Lines are read as `contracts.inputs.json_lines` says, messages of another system by the table of
    their source; of a table of purchases (docs/files.md) each row is a
    purchase. A row that cannot be read is a record with what is wrong in `rejected`.

    Raises:
        OperatorError: the file cannot be read, or the table lacks a column.
    """
    with open_source(path, format_.encoding) as source:
        if format_.source is not None:
            yield from read_messages(source.lines(), format_.source, format_.skipped)
        elif is_table(source, path, format_.table):
            yield from _orders(source, format_)
        else:
            yield from read_json_lines(source.lines())


def begun(records: Iterator[InputRecord]) -> Iterator[InputRecord]:
    """The same records, the first of them read at once: what is no file is said before all else.

    Raises:
        OperatorError: the file cannot be read, or the table lacks a column.
    """
    first = list(islice(records, 1))
    return chain(first, records)


def is_table(source: Source, path: str, table: TableFormat) -> bool:
    """Whether a file is a table: by its beginning, then by its name, then by its first line."""
    name = path.lower().removesuffix(".gz")
    if source.head.lstrip()[:1] == b"{" or name.endswith(JSON_NAMES):
        return False
    return name.endswith(TABLE_NAMES) or is_purchase_table(source.head, table)


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
    except UNREADABLE:
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


def _orders(source: Source, format_: FileFormat) -> Iterator[InputRecord]:
    for row in read_purchase_rows(source, format_.table):
        match row:
            case PurchaseRow():
                value = _order(row, format_.currency)
                key = row.customer_id.encode()
                yield InputRecord(row.line, topics.PURCHASE.name, key, value)
            case BadRow(line, rejected, raw):
                yield InputRecord(line, topics.PURCHASE.name, None, raw, rejected.detail, rejected)
            case OtherRow():
                pass


def _order(row: PurchaseRow, currency: str) -> bytes:
    """A row as an `order_completed`."""
    event_id = derive_id("csv", str(row.line), row.customer_id, row.ts)
    return msgspec.json.encode(
        {
            "event_id": event_id,
            "event_name": "order_completed",
            "occurred_at": datetime.fromtimestamp(row.at_s, UTC).isoformat(),
            "identity": {"customer_id": row.customer_id},
            "channel": "web",
            "order_id": event_id,
            "total": {"amount": row.amount, "currency": row.currency or currency},
            "items": [],
        }
    )
