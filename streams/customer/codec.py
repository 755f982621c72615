"""Rows as bytes: MessagePack by position, a version in front, and a way up from every version.

A field that is added at the end with a default needs no upcaster: what is missing is the default.
Anything else raises `ROW_VERSION` and adds a line to `UPCASTERS`.
"""

from collections.abc import Callable

import msgspec

from streams.customer.row import ROW_BYTES_MAX, ROW_VERSION, Customer, Row
from streams.customer.signals import ANY_BROWSER, EVERY_PURPOSE, PUSH, source_of
from streams.customer.trimming import trimmed
from streams.errors import StateError
from streams.leases.lease import FIRST_VERSION, LEASE_VERSION, Lease

Upcaster = Callable[[list[object]], list[object]]

VERSION_AT = 1
# Where in a row of version 1 the open decisions stand, and in one of them what became of it.
V1_OPEN_DECISIONS_AT = 23
V1_VIEWED_AT, V1_REDEEMED_AT, V1_LABELED_AT = 12, 13, 15
V2_GPC_AT, V2_PUSH_AT = 20, 33

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Row] = msgspec.msgpack.Decoder(Row)


def encode_row(row: Row) -> bytes:
    """The row's bytes, at most `ROW_BYTES_MAX`: the oldest content goes first where it must.

    A lease has as many bytes as it needs: about 300 for each offer with a budget.

    Raises:
        StateError: the row is above the maximum even when trimmed, which no events can bring about.
    """
    data = _encoder.encode(row)
    if len(data) <= ROW_BYTES_MAX or isinstance(row, Lease):
        return data
    data = _encoder.encode(trimmed(row, lambda r: len(_encoder.encode(r)) <= ROW_BYTES_MAX))
    if len(data) > ROW_BYTES_MAX:
        raise StateError(f"a row has {len(data)} bytes after trimming, {ROW_BYTES_MAX} allowed")
    return data


def decode_row(data: bytes) -> Row:
    """The row that `encode_row` made these bytes from, also in an earlier version.

    Raises:
        StateError: the bytes are damaged, or a newer version of offerstream wrote them.
    """
    try:
        row = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _upcast(data, error)
    if not isinstance(row, Lease):
        return row if row.version == ROW_VERSION else _upcast(data, None)
    if row.version not in (FIRST_VERSION, LEASE_VERSION):
        raise StateError(
            f"a stored lease has version {row.version}; "
            f"this offerstream knows {LEASE_VERSION} at most"
        )
    return row


def _upcast(data: bytes, cause: Exception | None) -> Row:
    """The row of an earlier version, taken up one version at a time."""
    try:
        parts = msgspec.msgpack.decode(data, type=list[object])
        version = parts[VERSION_AT]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise StateError("a stored row is damaged: it is not a row at all") from error
    if not isinstance(version, int) or version < 1 or version == ROW_VERSION:
        raise StateError(f"a stored row is damaged (version {version!r})") from cause
    if version > ROW_VERSION:
        raise StateError(
            f"a stored row has version {version}; this offerstream knows {ROW_VERSION} at most"
        )
    try:
        while isinstance(version, int) and version < ROW_VERSION:
            parts = UPCASTERS[version](parts)
            version = parts[VERSION_AT]
        return _decoder.decode(_encoder.encode(parts))
    except msgspec.MsgspecError as error:
        raise StateError("a stored row is damaged: its parts do not fit") from error


def _to_version_2(parts: list[object]) -> list[object]:
    """`labeled`, with what was seen until then, becomes a status."""
    parts = [*parts[:VERSION_AT], 2, *parts[VERSION_AT + 1 :]]
    if len(parts) > V1_OPEN_DECISIONS_AT:
        decisions = msgspec.convert(parts[V1_OPEN_DECISIONS_AT], list[list[object]])
        parts[V1_OPEN_DECISIONS_AT] = [_with_status(decision) for decision in decisions]
    return parts


def _with_status(decision: list[object]) -> list[object]:
    if len(decision) <= V1_LABELED_AT:
        return decision
    status = "open"
    if decision[V1_LABELED_AT]:
        seen = "closed" if decision[V1_VIEWED_AT] is None else "assisted"
        status = seen if decision[V1_REDEEMED_AT] is None else "used"
    return [*decision[:V1_LABELED_AT], status, *decision[V1_LABELED_AT + 1 :]]


def _to_version_3(parts: list[object]) -> list[object]:
    """Version 2 knew of Global Privacy Control and of push by one flag each, without a source."""
    parts = [*parts]
    parts[VERSION_AT] = 3
    if parts[0] != 1 or len(parts) < 5:
        return parts
    push_allowed = parts.pop(V2_PUSH_AT) if len(parts) > V2_PUSH_AT else None
    objects = parts.pop(V2_GPC_AT) if len(parts) > V2_GPC_AT else False
    at_ms = parts[4]
    said = [[ANY_BROWSER, EVERY_PURPOSE, at_ms]] if objects else []
    if push_allowed is False:
        said.append([source_of("push"), PUSH, at_ms, True])
    return _with_part(parts, "consent_signals", said)


def _with_part(parts: list[object], name: str, value: object) -> list[object]:
    """A customer's parts with one of them set, and the defaults of those before it."""
    fields = msgspec.structs.fields(Customer)
    place = 1 + [field.name for field in fields].index(name)
    for field in fields[len(parts) - 1 : place - 1]:
        made = field.default_factory
        parts.append(field.default if made is msgspec.NODEFAULT else made())
    parts[place : place + 1] = [value]
    return parts


UPCASTERS: dict[int, Upcaster] = {1: _to_version_2, 2: _to_version_3}
