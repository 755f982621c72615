"""Events over HTTP: the gateway beside a server by hand that checks nothing, in turns.

The server has core 1, clients and broker core 0. First batches of 50 over eight connections for the
speed and the cost of an event, then single events one after another for how long an answer takes;
all of them acknowledged by Kafka.
"""

import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from benchmarks.broker import broker
from benchmarks.install import ROOT
from benchmarks.measure import CORE, Child, running
from benchmarks.results import Run, told
from benchmarks.shop import Shop
from streams import topics
from streams.settings import as_environment

KEY = "bench-key-0123456789"
BATCH = 50
CLIENTS = 8
WARM_REQUESTS = 100
SINGLES = 500
START_S_MAX = 60.0
_HEAD = (
    "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
    "content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
)


class Server(Struct, frozen=True):
    """One that is measured: its name, its path, what it is sent, and how it is started."""

    name: str
    path: str
    event: Callable[[int], dict[str, Any]]
    pack: Callable[[list[dict[str, Any]]], Any]
    start: Callable[[Shop, Path, int], Child]


def measure(events: int, rounds: int, say: Callable[[str], None]) -> Iterator[Run]:
    """Every server in every round, on one broker."""
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as home, broker() as kafka:
        shop = Shop(kafka, Path(home) / "shop")
        for round_ in range(1, rounds + 1):
            for number, server in enumerate(SERVERS):
                log = Path(home) / f"{number}-{round_}.log"
                numbers = _one(server, shop, log, events // BATCH)
                run = Run("gateway", server.name, round_, numbers)
                say(f"round {round_}, {told(run)}, single p99 {numbers['p99_ms']:.1f} ms")
                yield run


def _one(server: Server, shop: Shop, log: Path, requests: int) -> dict[str, float]:
    port = _free_port()
    with running(server.start(shop, log, port)) as child:
        _wait_until_it_listens(child, port)
        batch = _request(server, BATCH)
        _send(port, batch, WARM_REQUESTS)
        cpu_s, began_s = child.cpu_s, time.perf_counter()
        _send(port, batch, requests)
        wall_s = time.perf_counter() - began_s
        events, used_s = requests * BATCH, child.cpu_s - cpu_s
        waits_ms = _singles(port, _request(server, 1))
    p50, p99 = (float(np.percentile(waits_ms, q)) for q in (50, 99))
    return {
        "events": float(events),
        "wall_s": wall_s,
        "events_per_s": events / wall_s,
        "cpu_us": used_s / events * 1e6,
        "p50_ms": p50,
        "p99_ms": p99,
    }


def _request(server: Server, events: int) -> bytes:
    """A whole request, as it goes over the wire."""
    made = [server.event(number) for number in range(events)]
    body = json.dumps(server.pack(made)).encode()
    return _HEAD.format(path=server.path, key=KEY, length=len(body)).encode() + body


def _send(port: int, request: bytes, requests: int) -> None:
    """So many requests over `CLIENTS` connections, each with one on its way."""
    left = iter(range(requests))
    failures: list[Exception] = []

    def client() -> None:
        try:
            with _connected(port) as connection:
                for _ in left:
                    _ask(connection, request)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"a request was not taken: {failures[0]}")


def _singles(port: int, request: bytes) -> list[float]:
    """Milliseconds until each of `SINGLES` was answered."""
    waits_ms = []
    with _connected(port) as connection:
        for _ in range(SINGLES):
            began_s = time.perf_counter()
            _ask(connection, request)
            waits_ms.append((time.perf_counter() - began_s) * 1000)
    return waits_ms


def _ask(connection: socket.socket, request: bytes) -> None:
    """One request and its whole answer.

    Raises:
        RuntimeError: it was not taken.
    """
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _read(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += _read(connection)
    if head[9:12] not in (b"200", b"202"):
        raise RuntimeError(f"{head[:40]!r}: {body[:200]!r}")


def _read(connection: socket.socket) -> bytes:
    if not (data := connection.recv(65_536)):
        raise RuntimeError("the server closed the connection")
    return data


@contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def _wait_until_it_listens(child: Child, port: int) -> None:
    deadline_s = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline_s:
        child.check()
        try:
            with _connected(port):
                return
        except OSError:
            time.sleep(0.1)
    raise child.failed("does not listen")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _gateway(shop: Shop, log: Path, port: int) -> Child:
    environment = {
        **as_environment(shop.settings),
        "PYTHONPATH": str(ROOT),
        "OFFERSTREAM_GATEWAY_PORT": str(port),
        "OFFERSTREAM_GATEWAY_METRICS_PORT": "0",
        "OFFERSTREAM_GATEWAY_WRITE_KEYS": f"bench={KEY}",
        "OFFERSTREAM_GATEWAY_EVENTS_PER_SECOND_MAX": "1000000",
    }
    return Child([sys.executable, "-m", "streams", "gateway"], log, environment=environment)


def _by_hand(shop: Shop, log: Path, port: int) -> Child:
    command = [sys.executable, "-m", "benchmarks.contenders.http_by_hand"]
    where = [shop.kafka.bootstrap, topics.CLICKSTREAM.name, str(port)]
    return Child([*command, *where], log, environment={"PYTHONPATH": str(ROOT)}, core=CORE)


def _view(number: int) -> dict[str, Any]:
    """A view of a product, now."""
    return {
        "event_id": f"e-{number}",
        "event_name": "product_viewed",
        "occurred_at": datetime.now(UTC).isoformat(),
        "identity": {"customer_id": f"c-{number}"},
        "channel": "web",
        "page": {"path": "/tea/sencha", "title": "Sencha"},
        "product": {"product_id": f"s-{number % 7}", "category": "tea"},
    }


def _segment_view(number: int) -> dict[str, Any]:
    """The same as Segment's libraries have it."""
    at = datetime.now(UTC).isoformat()
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"m-{number}",
        "userId": f"c-{number}",
        "originalTimestamp": at,
        "sentAt": at,
        "context": {"page": {"path": "/tea/sencha", "title": "Sencha"}},
        "properties": {"product_id": f"s-{number % 7}", "category": "tea"},
    }


def _batched(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {"batch": events}


SERVERS: Sequence[Server] = (
    Server("offerstream gateway", "/v1/events", _view, list, _gateway),
    Server("offerstream gateway, of Segment", "/v1/batch", _segment_view, _batched, _gateway),
    Server("by hand: asyncio and a producer, no checks", "/v1/events", _view, list, _by_hand),
)
