"""A request's body, read in bounded time to a bounded size, unpacked where it is gzip."""

import asyncio
import zlib
from collections.abc import AsyncIterable

from streams.gateway.refusals import RequestRefusedError

_GZIP_WINDOW = 31
_PLAIN = ("", "identity")


async def read_body(
    chunks: AsyncIterable[bytes], encoding: str, bytes_max: int, timeout_s: float
) -> bytes:
    """The body as it was meant.

    Args:
        chunks: as they arrive.
        encoding: of the header `Content-Encoding`.
        bytes_max: of what arrives, and of what it is unpacked.
        timeout_s: for all of it.

    Raises:
        RequestRefusedError: it is too large, too slow, damaged, or packed in another way.
    """
    encoding = encoding.strip().lower()
    if encoding not in (*_PLAIN, "gzip"):
        raise RequestRefusedError(415, "unsupported_encoding", "Content-Encoding: gzip or none")
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in chunks:
                body += chunk
                if len(body) > bytes_max:
                    raise too_large(bytes_max)
    except TimeoutError as error:
        detail = f"the body did not arrive within {timeout_s:g} s"
        raise RequestRefusedError(408, "too_slow", detail) from error
    return unzipped(bytes(body), bytes_max) if encoding == "gzip" else bytes(body)


def unzipped(packed: bytes, bytes_max: int) -> bytes:
    """What a gzip body holds; never more than `bytes_max` is unpacked.

    Raises:
        RequestRefusedError: it is damaged, cut off, followed by something, or holds too much.
    """
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = unpacking.decompress(packed, bytes_max + 1)
    except zlib.error as error:
        raise RequestRefusedError(422, "bad_gzip", "the body is no gzip") from error
    if len(body) > bytes_max:
        raise too_large(bytes_max)
    if not unpacking.eof or unpacking.unused_data:
        raise RequestRefusedError(422, "bad_gzip", "the gzip is cut off, or something follows it")
    return body


def too_large(bytes_max: int) -> RequestRefusedError:
    """Why a body over the bound is refused."""
    return RequestRefusedError(413, "too_large", f"a body has at most {bytes_max} bytes, unpacked")
