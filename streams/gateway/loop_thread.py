"""A thread that reads topics for an event loop, and begins anew after a fault of the broker."""

import asyncio
import contextlib
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, ParamSpec

import structlog
from confluent_kafka import Consumer, KafkaException

from streams.broker.clients import new_reader
from streams.errors import OperatorError
from streams.runtime.clients import Config
from streams.settings import Settings

log = structlog.get_logger()

PAUSE_S: Final = 1.0
Said = ParamSpec("Said")


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
