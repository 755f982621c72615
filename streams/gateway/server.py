"""The gateway's process: its port, its Kafka, its end. On a signal it answers what it has begun."""

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import structlog
import uvicorn
import uvloop
from msgspec import Struct

from streams.contracts.sources.own import load_own
from streams.contracts.sources.tables import Sources
from streams.errors import OperatorError
from streams.gateway.acknowledged import AcknowledgedProducer
from streams.gateway.admission import Admission, read_keys
from streams.gateway.app import build_app
from streams.gateway.connections import HEAD_BYTES_MAX, bounded
from streams.gateway.intake import Intake
from streams.gateway.outward import Outward, read_token_keys
from streams.gateway.page.operators import Operators, read_operators
from streams.gateway.rates import Rates
from streams.gateway.shop_words import ShopWords
from streams.gateway.spool import Spool
from streams.gateway.spooling import SpoolingSink, spool_of
from streams.gateway.tokens import TokenKeys
from streams.gateway.unsignaled import UnsignaledServer
from streams.gateway.ways import Ways, wall_clock_ms
from streams.runtime.process.run import let_threads_in
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.worker.http import Health, HttpServer
from streams.worker.meter import Meter

if TYPE_CHECKING:
    from streams.gateway.page.wired import Page

log = structlog.get_logger()

BACKLOG = 1_024
KEEP_ALIVE_S = 30
NO_KAFKA = "Kafka does not answer, or lacks our topics (`offerstream topics verify`)"


def run_gateway(settings: Settings, clock_ms: Callable[[], int] = wall_clock_ms) -> int:
    """Take events until SIGTERM or SIGINT; the exit code. `clock_ms` tells the time of events.

    Raises:
        SettingsError: there are no write keys, one is none, or a mapping file is wrong.
        OperatorError: nobody can listen on a port.
    """
    keys = read_keys(settings.gateway)
    rates = Rates(settings.gateway.events_per_second_max, time.monotonic)
    read = _Read(
        sources=load_own(settings.mappings_dir),
        admission=Admission(settings.gateway, keys, rates),
        tokens=read_token_keys(settings.gateway),
        operators=read_operators(settings.gateway),
        spool=spool_of(settings.gateway),
    )
    with (
        listening(settings.gateway.host, settings.gateway.port) as sock,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, read, sock, clock_ms))
    return 0


class _Read(Struct, frozen=True, kw_only=True):
    """What was read before a port is opened."""

    sources: Sources
    admission: Admission
    tokens: TokenKeys
    operators: Operators
    spool: Spool | None


async def _serve(
    settings: Settings, read: _Read, sock: socket.socket, clock_ms: Callable[[], int]
) -> None:
    meter, producer = Meter(), AcknowledgedProducer(settings)
    spooling = read.spool and SpoolingSink(producer, read.spool, meter, wall_clock_ms)

    def reason() -> str:
        return "" if producer.reachable or (spooling and spooling.has_room) else NO_KAFKA

    sink = spooling or producer
    shop_words = ShopWords(settings)
    intake = Intake(sink, meter, settings.occurred_at_min_ms, clock_ms, lambda: shop_words.words)
    ways = Ways(settings.gateway, read.admission, intake, meter, clock_ms, reason, read.sources)
    outward = Outward(settings, ways, read.tokens, sink)
    page = _page(settings, ways, outward, read.operators, shop_words)
    pages = [] if page is None else [page.router]
    # Uvicorn's own handlers would end the process before Kafka is closed.
    server = UnsignaledServer(_uvicorn(settings, build_app(ways, [*outward.handlers, *pages])))
    ops = await _show_metrics(settings, meter, reason)
    meter.before_scrape(lambda: meter.set(metrics.READY, value=float(producer.reachable)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: _end(server, outward))
    producer.start()
    outward.start()
    shop_words.start()
    if spooling:
        spooling.start()
    if page is not None:
        page.start()
    watching = asyncio.create_task(producer.watch())
    # What is loaded stays: nobody has to wait while Python looks for garbage in it.
    gc.collect()
    gc.freeze()
    let_threads_in()
    log.info("listening", gateway_port=sock.getsockname()[1], metrics_port=ops.port)
    try:
        await server.serve(sockets=[sock])
    finally:
        watching.cancel()
        await ops.stop()
        if page is not None:
            await page.stop()
        await outward.stop()
        await asyncio.to_thread(shop_words.stop)
        if spooling:
            await spooling.stop()
        await asyncio.to_thread(producer.stop)
        log.info("stopped")


def _page(
    settings: Settings,
    ways: Ways,
    outward: Outward,
    operators: Operators,
    shop_words: ShopWords,
) -> "Page | None":
    """The page, where somebody may log in to it; what it is made of is loaded for it alone."""
    if not operators:
        return None
    from streams.gateway.page.wired import Around, Page

    # Of people who look: they live in the machine's time, also where events have a story's.
    around = Around(
        sessions_ms=wall_clock_ms,
        placements=lambda: shop_words.placements,
        currency=lambda: shop_words.currency,
    )
    return Page(settings, ways, outward.out, operators, around)


def _end(server: UnsignaledServer, outward: Outward) -> None:
    server.should_exit = True
    outward.close()


def _uvicorn(settings: Settings, app: object) -> uvicorn.Config:
    gateway = settings.gateway
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=bounded(gateway.connections_max, gateway.read_timeout_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.stop_timeout_s),
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        backlog=BACKLOG,
    )


async def _show_metrics(settings: Settings, meter: Meter, reason: Callable[[], str]) -> HttpServer:
    ops = HttpServer(
        meter.exposition, lambda: Health(True), lambda: Health(not reason(), reason() or "ok")
    )
    host, port = settings.http.host, settings.gateway.metrics_port
    await ops.start(host, port, "gateway.metrics_port, OFFERSTREAM_GATEWAY_METRICS_PORT")
    return ops


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A port that listens.

    Raises:
        OperatorError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OperatorError(
            f"cannot listen on {host}:{port} ({error.strerror}): set gateway.port, "
            "OFFERSTREAM_GATEWAY_PORT, or 0 for any free one"
        ) from error
    with sock:
        yield sock
