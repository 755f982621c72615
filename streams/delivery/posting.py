"""One request and what its answer means; time and size of an answer are bounded."""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal

import aiohttp
from msgspec import Struct

from streams.delivery.addresses import InsideAddressError, guarded_sockets
from streams.delivery.destinations import Destination

Fate = Literal["delivered", "again", "slow_down", "refused", "gone"]
ANSWER_BYTES_MAX: Final = 16_384
ANSWER_BODY_S: Final = 1.0
_NO_FAULT_OF_THE_RECORD: Final = frozenset({401, 402, 403, 404, 405, 407, 408, 421, 423, 425, 426})
_SLOW_DOWN: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Answer(Struct, frozen=True):
    """What became of a request.

    Attributes:
        fate: `again` is tried again, `refused` is for the record alone and is not, `gone` ends the
            destination, `slow_down` says when to come again.
        status: of the answer; 0 where there was none.
        detail: why there was none: a kind of failure, nothing that anybody sent.
        wait_s: what `Retry-After` asked for.
    """

    fate: Fate
    status: int = 0
    detail: str = ""
    wait_s: float = 0.0


def new_session(destination: Destination) -> aiohttp.ClientSession:
    """A client for one destination: no cookies, no proxy of the environment, nothing unpacked."""
    context = ssl.create_default_context()
    if destination.ca_file:
        context.load_verify_locations(destination.ca_file)
    connector = aiohttp.TCPConnector(
        limit=destination.concurrency,
        ttl_dns_cache=10,
        ssl=context,
        socket_factory=guarded_sockets(allow_private=destination.allow_private),
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=destination.timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=ANSWER_BYTES_MAX,
        headers={"User-Agent": "offerstream"},
    )


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    """Send a body and read the answer's head; a redirect is an answer, and is not followed."""
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            found = _meaning(answer.status, answer.headers.get("Retry-After", ""))
            await _drain(answer)
            return found
    except TimeoutError:
        return Answer("again", detail="timeout")
    except aiohttp.ClientConnectorCertificateError:
        return Answer("again", detail="certificate")
    except aiohttp.ClientConnectorError as error:
        inside = isinstance(error.os_error, InsideAddressError) or "inside the network" in str(
            error
        )
        return Answer("again", detail="inside_address" if inside else "no_connection")
    except (aiohttp.ClientError, OSError, ValueError):
        return Answer("again", detail="broken_answer")


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end, so that the connection can be used again; else close it."""
    try:
        async with asyncio.timeout(ANSWER_BODY_S):
            await answer.content.readexactly(ANSWER_BYTES_MAX)
    except asyncio.IncompleteReadError:
        return
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    answer.close()


def _meaning(status: int, retry_after: str) -> Answer:
    """What a status means for the record and for the destination."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer("delivered", status)
    if status == HTTPStatus.GONE:
        return Answer("gone", status)
    wait_s = _wait_s(retry_after)
    if status in _SLOW_DOWN and wait_s is not None:
        return Answer("slow_down", status, wait_s=wait_s)
    is_the_record = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_the_record and status not in (*_NO_FAULT_OF_THE_RECORD, *_SLOW_DOWN):
        return Answer("refused", status)
    return Answer("again", status)


def _wait_s(text: str) -> float | None:
    """Seconds of a `Retry-After`, which is a number or a date; None where it is neither."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
