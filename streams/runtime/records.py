"""What comes in and what goes out: one record of Kafka, as plain data."""

from collections.abc import Iterable

from msgspec import Struct

NEVER = (1 << 63) - 1
_DUE = "due"
Headers = tuple[tuple[str, bytes], ...]


class Record(Struct, frozen=True, gc=False):
    """A record as it was read; `timestamp_ms` is the broker's (create or append time)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Output(Struct, frozen=True, gc=False):
    """A record to be written when the epoch ends.

    `partition` None means murmur2 of the key, `timestamp_ms` 0 the moment at which it is written.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    timestamp_ms: int = 0


class RowChange(Struct, frozen=True, gc=False):
    """What a write does to one key; `data` None deletes it, `was_due_ms` is what is stored now."""

    key: bytes
    data: bytes | None
    due_ms: int
    was_due_ms: int


def due_headers(due_ms: int) -> Headers:
    """What a changelog record says of its row's due time, so that a restore need not decode it.

    A row that is never due (the greatest time) says nothing.

    >>> due_headers(1_000)[0][0], due_of(due_headers(1_000)), due_of(due_headers(NEVER)) == NEVER
    ('due', 1000, True)
    """
    return () if due_ms == NEVER else ((_DUE, due_ms.to_bytes(8, "big")),)


def due_of(headers: Iterable[tuple[str, bytes]] | None) -> int:
    """The due time that a changelog record names; NEVER where it names none."""
    for name, value in headers or ():
        if name == _DUE:
            return int.from_bytes(value, "big")
    return NEVER
