"""Purchases from a file: a table (docs/files.md) or JSON lines of events."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field

from streams.contracts.common import Identity
from streams.contracts.inputs.diagnosis import diagnose
from streams.contracts.inputs.json_lines import read_json_lines
from streams.contracts.inputs.lines import Source, open_source
from streams.contracts.inputs.purchase_rows import (
    BadRow,
    OtherRow,
    PurchaseRow,
    TableFormat,
    read_purchase_rows,
)
from streams.contracts.inputs.rules import RejectReason
from streams.contracts.money import Total, keep_total
from streams.contracts.times import to_ms
from streams.contracts.unreadable import UNREADABLE
from streams.evaluation.inputs import AS_FOUND, FileFormat, is_table

BAD_LINES_SHOWN_MAX = 20
AT_S_MAX = 253_402_300_800  # the year 10000


class Purchase(Struct, frozen=True):
    """Who bought, when, for how much (in the file's currency)."""

    customer_id: str
    at_ms: int
    amount: float


class BadLine(Struct, frozen=True):
    """A line that could not be read, counted from 1, why in a sentence, and as dead letters say."""

    line: int
    reason: str
    kind: RejectReason = "bad_format"


class PurchaseFile(Struct, frozen=True):
    """What a file holds: purchases by time, lines that are something else, bad lines (first 20).

    `bad_kinds`: bad lines by kind. `late_count`: purchases that stand after later ones.
    """

    purchases: tuple[Purchase, ...]
    skipped_count: int = 0
    bad_count: int = 0
    bad: tuple[BadLine, ...] = ()
    bad_kinds: Mapping[str, int] = field(default_factory=dict)
    late_count: int = 0


class _Event(Struct, frozen=True):
    """The part of an `order_completed` that matters here."""

    event_name: str
    event_id: str | None = None
    occurred_at: datetime | None = None
    identity: Identity | None = None
    order_id: str | None = None
    total: Total | None = None
    currency: str | None = None

    def __post_init__(self) -> None:
        """Bring the total into its one form."""
        if self.total is not None:
            keep_total(self)


def read_purchases(path: Path, format_: FileFormat = AS_FOUND) -> PurchaseFile:
    """Read all purchases of a file, the earliest first; lines of one moment keep their order.

    Skipped and counted are: rows of a table whose `type` is not `purchase` or whose amount is below
    zero, events other than `order_completed` and those of zero or below (they are no purchases),
    and what was read before under the same `event_id` or `order_id`. A row of a table of exactly
    zero is one: research sets count what was given away, and the published figures on CDNOW with
    it. A file is in one currency, that of its first purchase; another one is a bad line.

    Raises:
        OperatorError: the file cannot be read, or has neither of the two formats.
    """
    with open_source(str(path), format_.encoding) as source:
        # What is no JSON here is a table, whose reader says what it lacks.
        if is_table(source, str(path), format_.table) or source.head.lstrip()[:1] != b"{":
            return _collect(_parse_table(source, format_.table))
        return _collect(_parse_json(source))


def _collect(parsed: Iterator[Purchase | BadLine | None]) -> PurchaseFile:
    purchases, bad, kinds = list[Purchase](), list[BadLine](), Counter[str]()
    skipped = late = newest_ms = 0
    for item in parsed:
        if isinstance(item, BadLine):
            kinds[item.kind] += 1
            bad.extend([item] if len(bad) < BAD_LINES_SHOWN_MAX else [])
        elif item is None:
            skipped += 1
        else:
            purchases.append(item)
            late += item.at_ms < newest_ms
            newest_ms = max(newest_ms, item.at_ms)
    purchases.sort(key=lambda purchase: purchase.at_ms)
    return PurchaseFile(tuple(purchases), skipped, kinds.total(), tuple(bad), kinds, late)


def _parse_table(source: Source, table: TableFormat) -> Iterator[Purchase | BadLine | None]:
    currency: str | None = None
    for row in read_purchase_rows(source, table):
        match row:
            case PurchaseRow():
                try:
                    currency = _one_currency(currency, row.currency or None)
                    purchase = _purchase(row.customer_id, row.at_s, float(row.amount))
                    yield purchase if purchase.amount >= 0.0 else None
                except ValueError as error:
                    yield BadLine(row.line, str(error))
            case BadRow(line, rejected):
                yield BadLine(line, rejected.detail, rejected.reason)
            case OtherRow():
                yield None


def _parse_json(source: Source) -> Iterator[Purchase | BadLine | None]:
    seen: set[str] = set()
    currency: str | None = None
    for record in read_json_lines(source.lines()):
        try:
            event = msgspec.json.decode(record.value, type=_Event)
            known = {f"event {event.event_id}", f"order {event.order_id}"} & seen
            if event.event_name != "order_completed" or known:
                yield None
                continue
            purchase = _from_event(event)
            currency = _one_currency(currency, event.total.currency if event.total else None)
        except UNREADABLE as error:
            rejected = diagnose(record.value, error, kind=_Event)
            yield BadLine(record.line, f"{rejected.path} {rejected.detail}", rejected.reason)
            continue
        except ValueError as error:
            yield BadLine(record.line, str(error))
            continue
        if event.event_id:
            seen.add(f"event {event.event_id}")
        if event.order_id:
            seen.add(f"order {event.order_id}")
        yield purchase if purchase.amount > 0.0 else None


def _one_currency(so_far: str | None, currency: str | None) -> str | None:
    """The file's currency; amounts of two are never compared."""
    if so_far and currency and currency != so_far:
        raise ValueError(f"the currency is not {so_far}, as before")
    return so_far or currency or None


def _from_event(event: _Event) -> Purchase:
    if event.identity is None or event.occurred_at is None or event.total is None:
        raise ValueError("an order_completed needs identity, occurred_at and total")
    if event.occurred_at.tzinfo is None:
        raise ValueError("occurred_at has no zone")
    return _purchase(event.identity.key, to_ms(event.occurred_at) / 1000, event.total.value)


def _purchase(customer_id: str | None, at_s: float, amount: float) -> Purchase:
    if not customer_id:
        raise ValueError("no customer_id")
    if not 0 <= at_s < AT_S_MAX:
        raise ValueError(f"ts {at_s} is not in seconds since the epoch")
    if not math.isfinite(amount):
        raise ValueError(f"amount {amount} of a purchase is no number")
    return Purchase(customer_id, round(at_s * 1000), amount)
