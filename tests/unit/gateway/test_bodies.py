"""Bodies end in bounded time at a bounded size, whatever is sent."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from streams.gateway.bodies import read_body
from streams.gateway.refusals import RequestRefusedError

BYTES_MAX = 1_000


async def chunks(*parts: bytes, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    """A body as it arrives."""
    for part in parts:
        await asyncio.sleep(pause_s)
        yield part


def read(*parts: bytes, encoding: str = "", pause_s: float = 0.0) -> bytes:
    """Read a body."""
    return asyncio.run(read_body(chunks(*parts, pause_s=pause_s), encoding, BYTES_MAX, 0.2))


def refusal(*parts: bytes, encoding: str = "", pause_s: float = 0.0) -> tuple[int, str]:
    """Status and code of the refusal."""
    with pytest.raises(RequestRefusedError) as caught:
        read(*parts, encoding=encoding, pause_s=pause_s)
    return caught.value.status, caught.value.code


def test_a_body_is_read_in_pieces_and_unpacked() -> None:
    """Plain, or gzip in whatever letter case."""
    assert read(b"ab", b"cd") == b"abcd"
    packed = gzip.compress(b"x" * BYTES_MAX)
    assert read(packed[:5], packed[5:], encoding="GZIP") == b"x" * BYTES_MAX


def test_a_body_over_the_bound_is_refused_packed_or_not() -> None:
    """A gzip that grows a thousandfold is not unpacked beyond the bound."""
    assert refusal(b"x" * BYTES_MAX, b"y") == (413, "too_large")
    assert refusal(gzip.compress(b"0" * 900_000), encoding="gzip") == (413, "too_large")


def test_a_damaged_gzip_is_refused() -> None:
    """No gzip, cut off, or with something behind it."""
    packed = gzip.compress(b"{}")
    for body in (b"{}", packed[:-3], packed + b"more", b""):
        assert refusal(body, encoding="gzip") == (422, "bad_gzip")


def test_another_packing_is_refused() -> None:
    """Brotli is not read as JSON."""
    assert refusal(b"{}", encoding="br") == (415, "unsupported_encoding")


def test_a_slow_body_is_given_up() -> None:
    """A byte now and then does not hold a connection for ever."""
    assert refusal(*[b"x"] * 100, pause_s=0.05) == (408, "too_slow")
