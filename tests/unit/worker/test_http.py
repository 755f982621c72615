"""The worker's HTTP answers three paths and refuses everything else within bounds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from streams.errors import OperatorError
from streams.worker import http as http_module
from streams.worker.http import Health, HttpServer


def ask(request: bytes, ready: bool = True) -> bytes:
    """One request against a fresh server; the raw answer."""

    async def talk(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer

    return with_server(talk, ready=ready)


def with_server(talk: Callable[[int], Awaitable[bytes]], ready: bool = True) -> bytes:
    """What `talk` says of a server on a port of its own."""

    async def run() -> bytes:
        server = HttpServer(
            lambda: b"up 1\n", lambda: Health(True), lambda: Health(ready, "models: reading")
        )
        port = await server.start("127.0.0.1", 0)
        try:
            return await asyncio.wait_for(talk(port), 60)
        finally:
            await server.stop()

    return asyncio.run(run())


def test_metrics_and_health_are_served() -> None:
    """A scraper gets text, a probe gets 200 or 503 and the reason."""
    assert ask(b"GET /metrics HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\nup 1\n")
    assert ask(b"GET /healthz?x=1 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
    unready = ask(b"GET /readyz HTTP/1.1\r\n\r\n", ready=False)
    assert unready.startswith(b"HTTP/1.1 503")
    assert unready.endswith(b"models: reading\n")


def test_head_has_no_body() -> None:
    """HEAD tells the length alone."""
    assert ask(b"HEAD /metrics HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", b"404"),
        (b"GET //metrics HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", b"405"),
        (b"\x00\xff\r\n\r\n", b"400"),
        (b"GET /metrics SPDY/9\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_everything_else_is_refused(request_: bytes, status: bytes) -> None:
    """Traversal, other methods, noise and huge headers get an error and a closed connection."""
    try:
        answer = ask(request_)
    except ConnectionResetError:
        assert status == b"431"  # closed with our answer unread: bounded all the same
        return
    assert answer.split(b" ", 2)[1] == status


def test_slow_headers_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who sends a head for ever is closed after the limit."""
    monkeypatch.setattr(http_module, "READ_S_MAX", 0.2)

    async def dawdle(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HT")
        answer = await reader.read()
        writer.close()
        return answer

    assert with_server(dawdle) == b""


def test_more_connections_than_the_limit_are_closed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit holds, and the server answers again when they are gone."""
    monkeypatch.setattr(http_module, "CONNECTIONS_MAX", 3)
    monkeypatch.setattr(http_module, "READ_S_MAX", 1.0)

    async def crowd(port: int) -> bytes:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        refused = await reader.read()
        writer.close()
        for _, other in idle:
            other.close()
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return refused + b"|" + answer

    refused, answer = with_server(crowd).split(b"|", 1)
    assert refused == b""
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    """Whoever starts two workers on one port is told what to set; the launcher does not try on."""

    async def run() -> None:
        first = HttpServer(lambda: b"", lambda: Health(True), lambda: Health(True))
        second = HttpServer(lambda: b"", lambda: Health(True), lambda: Health(True))
        port = await first.start("127.0.0.1", 0)
        try:
            with pytest.raises(OperatorError, match=f"cannot listen on 127.0.0.1:{port}"):
                await second.start("127.0.0.1", port)
        finally:
            await first.stop()

    asyncio.run(run())


def test_whoever_does_not_read_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stands still holds no connection and no memory after the limit."""
    monkeypatch.setattr(http_module, "WRITE_S_MAX", 0.2)
    body = b"x" * 20_000_000

    async def run() -> bytes:
        server = HttpServer(lambda: body, lambda: Health(True), lambda: Health(True))
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.6)
        received = b""
        with suppress(ConnectionError):
            while chunk := await asyncio.wait_for(reader.read(1 << 20), 10):
                received += chunk
        writer.close()
        await server.stop()
        return received

    assert 0 < len(asyncio.run(run())) < len(body)


def test_thousands_of_connections_leave_it_as_it_was() -> None:
    """Each is answered or closed at once; afterwards it answers as before."""

    async def one(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def crowd(port: int) -> bytes:
        for _ in range(40):
            answers = await asyncio.gather(*(one(port) for _ in range(50)))
            assert all(answer.startswith(b"HTTP/1.1 200") or not answer for answer in answers)
        return await one(port)

    assert with_server(crowd).startswith(b"HTTP/1.1 200")


def test_a_stop_closes_what_is_open_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A client that is connected when the worker stops is closed, without an error in the log."""

    async def run() -> bytes:
        server = HttpServer(lambda: b"", lambda: Health(True), lambda: Health(True))
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metr")
        await asyncio.sleep(0.05)
        await server.stop()
        rest = await asyncio.wait_for(reader.read(), 2)
        writer.close()
        return rest

    assert asyncio.run(run()) == b""
    assert caplog.records == []
