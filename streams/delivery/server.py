"""The process of webhooks: one thread and one loop a destination, metrics, its end."""

import asyncio
import contextlib
import signal
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog
from confluent_kafka import KafkaException

from streams.broker.clients import new_reader
from streams.broker.lag import LagReader
from streams.broker.reading import partitions_on_broker
from streams.delivery.courier import Courier
from streams.delivery.destinations import DestinationsError, Target, load_targets
from streams.delivery.reader import group_of, topics_of
from streams.gateway.acknowledged import AcknowledgedProducer
from streams.gateway.intake import Sink
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.worker.http import Health, HttpServer
from streams.worker.meter import Meter

log = structlog.get_logger()

START_AGAIN_S: Final = 5.0
LAG_S: Final = 10.0
NO_KAFKA: Final = "Kafka does not answer: what was read is sent, and the rest waits there"
NO_FILE: Final = (
    "there are no destinations: name their file with --destinations, delivery.destinations_file or "
    "OFFERSTREAM_DELIVERY_DESTINATIONS_FILE (docs/webhooks.md)"
)


COUNTED: Final = (
    metrics.DELIVERY_REQUESTS,
    metrics.DELIVERY_RECORDS,
    metrics.DELIVERY_PARKED,
)


def begin_to_count(destination: str, meter: Meter) -> None:
    """A destination's counters at 0: the first webhook that is parked would raise no alert else.

    Prometheus' `increase` does not see the step from no series to the first value.
    """
    meter.set(metrics.DELIVERY_STOPPED, destination, value=0.0)
    for metric in COUNTED:
        _, kinds = metric.labels
        for kind in kinds.values:
            meter.count(metric, destination, kind, value=0.0)


class Lane(threading.Thread):
    """A destination's thread: its own loop, begun again after a fault, whatever others do."""

    def __init__(self, settings: Settings, target: Target, sink: Sink, meter: Meter) -> None:
        super().__init__(name=f"deliver-{target.name}", daemon=True)
        self._settings = settings
        self._target = target
        self._sink = sink
        self._meter = meter
        self._over = threading.Event()
        self._courier: Courier | None = None
        begin_to_count(target.name, meter)

    def run(self) -> None:
        """Deliver until it is stopped or gone."""
        while not self._over.is_set():
            try:
                asyncio.run(self._deliver())
            except Exception as error:
                log.error(
                    "destination_failed",
                    destination=self._target.name,
                    error=type(error).__name__,
                    where=_place_of(error),
                )
                self._over.wait(START_AGAIN_S)

    def stop(self) -> None:
        """End soon."""
        self._over.set()
        if self._courier is not None:
            self._courier.stop()

    async def _deliver(self) -> None:
        courier = Courier(self._settings, self._target, self._sink, self._meter)
        self._courier = courier
        if self._over.is_set():
            return
        await courier.run()
        if courier.gone:
            self._meter.set(metrics.DELIVERY_STOPPED, self._target.name, value=1.0)
            self._over.set()


def _place_of(error: Exception) -> str:
    """Where it was raised; its words may hold something of a record."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.name}:{place.lineno}"


def run_delivery(settings: Settings) -> int:
    """Deliver until SIGTERM or SIGINT; the exit code.

    Raises:
        DestinationsError: the file of destinations is wrong, or there is none.
        OperatorError: no broker answers, a topic is missing, or nobody can listen on the port.
    """
    targets = targets_of(settings)
    asyncio.run(_serve(settings, targets))
    return 0


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """The destinations of the settings' file.

    Raises:
        DestinationsError: the file is wrong, or there is none.
    """
    if not settings.delivery.destinations_file:
        raise DestinationsError(NO_FILE)
    return load_targets(Path(settings.delivery.destinations_file))


async def _serve(settings: Settings, targets: Sequence[Target]) -> None:
    meter, producer = Meter(), AcknowledgedProducer(settings)
    places = await asyncio.to_thread(_places, settings, targets)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    ops = await _show_metrics(settings, meter, producer)
    producer.start()
    lanes = [Lane(settings, target, producer, meter) for target in targets]
    for lane in lanes:
        lane.start()
    watching = asyncio.gather(producer.watch(), _watch_lag(settings, places, meter))
    log.info("delivering", destinations=len(lanes), metrics_port=ops.port)
    try:
        await over.wait()
    finally:
        watching.cancel()
        for lane in lanes:
            lane.stop()
        for lane in lanes:
            await asyncio.to_thread(lane.join, settings.stop_timeout_s)
        await asyncio.to_thread(producer.stop)
        await ops.stop()
        log.info("stopped")


def _places(settings: Settings, targets: Sequence[Target]) -> dict[str, list[tuple[str, int]]]:
    """Every partition that each destination reads.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    client = new_reader(settings, f"{settings.group}-deliver-lag")
    try:
        partitions = {
            name: partitions_on_broker(client, name, settings)
            for name in sorted({settings.on_broker(t) for one in targets for t in topics_of(one)})
        }
    finally:
        client.close()
    return {
        target.name: [
            (settings.on_broker(topic), number)
            for topic in topics_of(target)
            for number in partitions[settings.on_broker(topic)]
        ]
        for target in targets
    }


async def _watch_lag(
    settings: Settings, places: dict[str, list[tuple[str, int]]], meter: Meter
) -> None:
    readers = {name: LagReader(settings, group_of(settings, name)) for name in places}
    while True:
        for name, reader in readers.items():
            with contextlib.suppress(KafkaException):
                lag = await asyncio.to_thread(reader.lag, places[name])
                meter.set(metrics.DELIVERY_LAG, name, value=float(sum(lag.values())))
        await asyncio.sleep(LAG_S)


async def _show_metrics(
    settings: Settings, meter: Meter, producer: AcknowledgedProducer
) -> HttpServer:
    def ready() -> Health:
        return Health(producer.reachable, "ok" if producer.reachable else NO_KAFKA)

    ops = HttpServer(meter.exposition, lambda: Health(True), ready)
    host, port = settings.http.host, settings.delivery.metrics_port
    await ops.start(host, port, "delivery.metrics_port, OFFERSTREAM_DELIVERY_METRICS_PORT")
    return ops
