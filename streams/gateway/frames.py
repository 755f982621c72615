"""A record as it lies in a file of the spool, and how what is whole is found beside damage."""

import zlib
from collections.abc import Iterator
from struct import Struct as Layout
from typing import Final

import msgspec
from msgspec import Struct

from streams.contracts.outputs.encode import OutputMessage

HEAD: Final = Layout(">II")  # bytes of the record, CRC-32 of them
_FIELDS: Final = b"\x95"  # MessagePack's first byte of an array of five


class Kept(Struct, frozen=True, array_like=True):
    """A record that waits; `at_ms` is when it was taken."""

    at_ms: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def message(self) -> OutputMessage:
        """What goes to Kafka."""
        return OutputMessage(self.topic, self.key, self.value, self.headers)


class Frame(Struct, frozen=True):
    """A record, and where it begins and ends; what lies before it and is no frame is damaged."""

    kept: Kept
    begin: int
    end: int


_decoder: Final = msgspec.msgpack.Decoder(Kept)


def framed(message: OutputMessage, at_ms: int) -> bytes:
    """A record as it is kept."""
    record = msgspec.msgpack.encode(Kept(at_ms, *message))
    return HEAD.pack(len(record), zlib.crc32(record)) + record


def frames(data: bytes) -> Iterator[Frame]:
    """The whole frames, in order; what is torn or damaged between them is passed over.

    Raises:
        msgspec.DecodeError: one is whole and holds no record of ours: another version wrote it.
    """
    at = 0
    while at < len(data):
        record = _record_at(data, at)
        if record is not None:
            frame = Frame(_decoder.decode(record), at, at + HEAD.size + len(record))
        else:
            found = _next_after(data, at)
            if found is None:
                return
            frame = found
        yield frame
        at = frame.end


def _record_at(data: bytes, at: int) -> bytes | None:
    """What the frame holds that begins there; zeros are none, though their checksum is right."""
    if at + HEAD.size > len(data):
        return None
    length, checksum = HEAD.unpack_from(data, at)
    start = at + HEAD.size
    if not 0 < length <= len(data) - start:
        return None
    record = data[start : start + length]
    return record if zlib.crc32(record) == checksum else None


def _next_after(data: bytes, at: int) -> Frame | None:
    """The first whole frame behind damage, whose own length may be what is damaged."""
    first = data.find(_FIELDS, at + HEAD.size)
    while first >= 0:
        begin = first - HEAD.size
        record = _record_at(data, begin)
        if record is not None:
            try:
                return Frame(_decoder.decode(record), begin, first + len(record))
            except msgspec.DecodeError:
                pass
        first = data.find(_FIELDS, first + 1)
    return None
