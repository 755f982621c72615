"""A thread that reads topics for an event loop, and begins anew after a fault of the broker."""

import asyncio
import contextlib
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, ParamSpec, Protocol

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka import KafkaError as Codes

from streams.broker.clients import new_reader
from streams.errors import OperatorError
from streams.runtime.clients import Config, arrived
from streams.settings import Settings

log = structlog.get_logger()

PAUSE_S: Final = 1.0
WAIT_S: Final = 0.2
AT_ONCE: Final = 500
TO_THE_END: Final[Config] = {"enable.partition.eof": True}
"""What a consumer needs for `LoopThread.tell_all`."""
Said = ParamSpec("Said")


class Take(Protocol):
    """Takes what was read; `ended`: all that was there has been read."""

    def __call__(self, messages: list[Message], *, ended: bool) -> None:
        """In the event loop."""


class LoopThread:
    """Calls `follow` with a consumer of its own until it is stopped; `follow` looks at `stopped`.

    `name` is what is read, for the thread and the log; `more` are further options of the consumer.
    """

    def __init__(
        self, name: str, settings: Settings, more: Config, follow: Callable[[Consumer], None]
    ) -> None:
        self._name = name
        self._settings = settings
        self._more = more
        self._follow = follow
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=f"kafka-{name}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def stopped(self) -> bool:
        """Whether to read no more."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin to read; what is told is told to the loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Read no more; comes back when nothing is read."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def tell(self, hear: Callable[Said, None], *said: Said.args, **named: Said.kwargs) -> None:
        """Have `hear` called in the event loop."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(lambda: hear(*said, **named))

    def tell_all(self, consumer: Consumer, places: list[TopicPartition], take: Take) -> None:
        """Read from these places on until stopped, and have `take` called in the event loop.

        `ended` is true once all that was there has been read. The consumer has to say where a
        partition ends (`TO_THE_END`).
        """
        consumer.assign(places)
        left = {(place.topic, place.partition) for place in places}
        while not self.stopped:
            records = []
            for message in arrived(consumer, WAIT_S, AT_ONCE):
                error = message.error()
                if error is None:
                    records.append(message)
                elif error.code() == Codes._PARTITION_EOF:
                    left.discard((message.topic(), message.partition()))
            if records or not left:
                self.tell(take, records, ended=not left)

    def _run(self) -> None:
        while not self.stopped:
            consumer = new_reader(self._settings, f"{self._settings.group}-gateway", self._more)
            try:
                self._follow(consumer)
            except (KafkaException, OperatorError) as error:
                log.warning(f"{self._name}_unreachable", reason=type(error).__name__)
            finally:
                consumer.close()
            self._stopped.wait(PAUSE_S)
