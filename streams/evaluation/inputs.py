"""Files of events: JSON lines (plain, gzip or standard input) and CSVs of purchases, as records."""

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.ids import derive_id
from streams.contracts.inputs import events
from streams.errors import OperatorError

CSV_COLUMNS = ("customer_id", "ts", "amount")


class InputRecord(Struct, frozen=True):
    """One line of a file as a record: `line` counts from 1."""

    line: int
    topic: str
    key: bytes | None
    value: bytes


class _Wrapped(Struct, frozen=True):
    topic: str
    value: msgspec.Raw
    key: str | None = None


class _Named(Struct, frozen=True):
    event_name: str


class _Dated(Struct, frozen=True):
    event_id: str
    occurred_at: str
    identity: dict[str, str]


_TOPIC_OF_NAME = {
    name: topic.name
    for kind, topic in reversed(
        (
            (events.ClickstreamName, topics.CLICKSTREAM),
            (events.AppName, topics.APP),
            (events.BeaconName, topics.BEACON),
            (events.PurchaseName, topics.PURCHASE),
            (events.FeedbackName, topics.OFFER_FEEDBACK),
            (events.ProfileName, topics.PROFILE),
            (events.PrivacyName, topics.PRIVACY_REQUESTS),
        )
    )
    for name in events.names_of(kind)
}
_wrapped = msgspec.json.Decoder(_Wrapped)
_named = msgspec.json.Decoder(_Named)
_dated = msgspec.json.Decoder(_Dated)


def read_records(path: str, currency: str = "EUR") -> Iterator[InputRecord]:
    """The records of a file, in its order; `-` is standard input.

    A line is `{"topic", "key"?, "value"}` or an event alone, whose topic its name tells (a shopping
    name counts as clickstream). A CSV (`.csv`, `.csv.gz`) has the columns customer_id, ts (epoch
    seconds) and amount, each row a purchase; a row without a `currency` is in `currency`. A line of
    neither form keeps its bytes under clickstream, where decoding rejects it with a reason.

    Raises:
        OperatorError: the file cannot be read, or the CSV lacks a column.
    """
    with _opened(path) as file:
        if path.removesuffix(".gz").endswith(".csv"):
            yield from _purchases(file, path, currency)
        else:
            for number, line in enumerate(file, 1):
                if stripped := line.strip():
                    yield parse_line(number, stripped)


def parse_line(number: int, line: bytes) -> InputRecord:
    """One JSON line as a record.

    >>> parse_line(1, b'{"event_name": "order_completed"}').topic
    'events.purchase'
    """
    try:
        wrapped = _wrapped.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return InputRecord(number, _topic_of(line), None, line)
    key = wrapped.key.encode() if wrapped.key is not None else None
    return InputRecord(number, wrapped.topic, key, bytes(wrapped.value))


def _topic_of(line: bytes) -> str:
    try:
        name = _named.decode(line).event_name
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return topics.CLICKSTREAM.name
    return _TOPIC_OF_NAME.get(name, topics.CLICKSTREAM.name)


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


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == "-":
        yield sys.stdin.buffer
        return
    if not Path(path).is_file():
        raise OperatorError(f"{path}: there is no such file")
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        yield file  # type: ignore[misc]
