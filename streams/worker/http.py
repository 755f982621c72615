"""The worker's HTTP: /metrics, /healthz, /readyz and nothing else, for a scraper, not for people.

Headers, time and connections are bounded; whatever does not fit is closed. Every answer closes the
connection. It listens on 127.0.0.1 unless it is told otherwise.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from msgspec import Struct

from streams.errors import OperatorError
from streams.worker.meter import CONTENT_TYPE

HEAD_BYTES_MAX = 8_192
READ_S_MAX = 5.0
WRITE_S_MAX = 10.0
CONNECTIONS_MAX = 32
TEXT = "text/plain; charset=utf-8"
SET_PORT = "http.port, OFFERSTREAM_HTTP_PORT (slot n listens on port + n)"


class Health(Struct, frozen=True):
    """A yes or no, and why."""

    ok: bool
    reason: str = "ok"


class Answer(Struct, frozen=True):
    """What goes back."""

    status: HTTPStatus
    body: bytes
    content_type: str = TEXT


class HttpServer:
    """A small server over three functions; none of them may block."""

    def __init__(
        self,
        metrics: Callable[[], bytes],
        alive: Callable[[], Health],
        ready: Callable[[], Health],
    ) -> None:
        self._routes: dict[str, Callable[[], Answer]] = {
            "/metrics": lambda: Answer(HTTPStatus.OK, metrics(), CONTENT_TYPE),
            "/healthz": lambda: _health(alive()),
            "/readyz": lambda: _health(ready()),
        }
        self._server: asyncio.Server | None = None
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int, remedy: str = SET_PORT) -> int:
        """Listen; returns the port (one of the system's choice when `port` is 0).

        `remedy` says which settings name the port.

        Raises:
            OperatorError: nobody can listen there.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_BYTES_MAX)
        except OSError as error:
            raise OperatorError(
                f"cannot listen on {host}:{port} ({error.strerror}): set {remedy}, or 0 for any "
                "free one"
            ) from error
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Stop listening, and close what is open."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._open.add(writer)
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits for the last byte
        try:
            async with asyncio.timeout(READ_S_MAX):
                answer, with_body = await self._read(reader)
            async with asyncio.timeout(WRITE_S_MAX):
                writer.write(_render(answer, with_body=with_body))
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass  # the loop ends; Python 3.11 would log a cancelled handler as an error
        finally:
            self._open.discard(writer)
            writer.transport.abort()  # `close` would wait for who does not read

    async def _read(self, reader: asyncio.StreamReader) -> tuple[Answer, bool]:
        """Read the head of one request; a body is never read."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), True
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _plain(HTTPStatus.BAD_REQUEST), True
        method, target = words[0], words[1].split(b"?", 1)[0].decode("latin-1")
        route = self._routes.get(target)
        if route is None:
            return _plain(HTTPStatus.NOT_FOUND), method != b"HEAD"
        if method not in (b"GET", b"HEAD"):
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED), True
        return route(), method == b"GET"


def _health(health: Health) -> Answer:
    status = HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, health.reason.encode() + b"\n")


def _plain(status: HTTPStatus) -> Answer:
    return Answer(status, status.phrase.encode() + b"\n")


def _render(answer: Answer, *, with_body: bool) -> bytes:
    allow = "Allow: GET, HEAD\r\n" if answer.status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        f"{allow}Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (answer.body if with_body else b"")
