"""A standby: the rows of somebody else's partition, kept close behind their changelog.

It reads with `read_committed` and writes as a restore does, into the store that this process would
open if it had to take the partition over. Nobody reads from that store until then.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from confluent_kafka import Message

from streams.runtime.faults import DiskFullError
from streams.runtime.group.context import PartitionContext
from streams.runtime.state.restore import ChangelogReader
from streams.runtime.state.store import RowStore

log = logging.getLogger(__name__)
R = TypeVar("R")
_TURN_RECORDS = 500
_WAIT_S = 0.2
# Whoever takes the partition over waits for this.
_PATIENCE_S = 5.0
# A turn is followed by a rest of three times its CPU time: a quarter of a core, for all together.
_REST = 3.0
_BACK_OFF_MAX_S = 30.0


class Pace:
    """One standby of a process writes at a time, so that the owned partitions have the rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, closing: threading.Event) -> Iterator[None]:
        """Wait for the others, work, rest; who is closing does not rest."""
        with self._lock:
            began_s = time.thread_time()
            yield
            closing.wait(_REST * (time.thread_time() - began_s))


class Follower(Generic[R]):
    """Follows one partition from `run` to `close`; a full disk fails the process, nothing else.

    `behind` is how many positions of the changelog are left to read; None: not known now.
    """

    def __init__(self, number: int, context: PartitionContext[R], pace: Pace) -> None:
        self.number = number
        self.behind: int | None = None
        self._context = context
        self._pace = pace
        self._closing = threading.Event()

    async def run(self) -> None:
        """Follow until `close`, in a thread; never raises."""
        if self._closing.is_set():
            return
        try:
            await asyncio.get_running_loop().run_in_executor(self._context.executor, self._run)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._context.fail(error)

    def close(self) -> None:
        """Stop; `run` returns when the store is closed, and its next user may open it."""
        self._closing.set()

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            began_s = time.monotonic()
            try:
                self._follow()
            except DiskFullError:
                raise
            except Exception as error:
                failures = 1 if time.monotonic() - began_s > 60 else failures + 1
                pause_s = min(_BACK_OFF_MAX_S, 0.25 * 2**failures)
                log.warning(
                    "standby of partition %d begins again in %.1f s: %r",
                    self.number,
                    pause_s,
                    error,
                )
                self._closing.wait(pause_s)
            finally:
                self.behind = None

    def _follow(self) -> None:
        store = RowStore(self._context.store_path(self.number), self._context.stores)
        try:
            reader = ChangelogReader(self._context.settings, self.number, store)
            try:
                self._read(reader)
            finally:
                reader.close()
        finally:
            store.close()

    def _read(self, reader: ChangelogReader) -> None:
        reader.find_position(_PATIENCE_S)
        begin, end, rows = reader.position, reader.end, 0
        log.info("standby of partition %d follows (changelog %d to %d)", self.number, begin, end)
        reader.start()
        caught_up = False
        while not self._closing.is_set():
            if not caught_up and reader.position >= end:
                reader.flush()
                caught_up = True
                log.info("standby of partition %d has caught up: %d rows", self.number, rows)
            self.behind = reader.behind()
            if messages := reader.fetch(_WAIT_S, _TURN_RECORDS):
                rows += self._write(reader, messages)

    def _write(self, reader: ChangelogReader, messages: list[Message]) -> int:
        with self._pace.turn(self._closing):
            return reader.write(messages)


__all__ = ["Follower", "Pace"]
