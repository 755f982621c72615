"""A generic counter on the runtime, as a process of its own: `python -m` this with JSON settings.

Every record's value is a JSON number n. The row of a key is `{"count", "sum", "due", "ticks"}`;
each record also emits `key:count:sum` to `outputs`, so that a lost or doubled record shows in
both. A row wants to be looked at `tick_ms` after its last record; that emits `key:tick:count`.
"""

import asyncio
import faulthandler
import json
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams.runtime.commit.transactions import Transactions
from streams.runtime.process.app import build_runtime
from streams.runtime.process.launcher import Launcher
from streams.runtime.process.run import run
from streams.runtime.records import Output, Record
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import EpochStats, Partition
from streams.runtime.state import restore as restores

SLOWNESS = ("tick_ms", "batch_s")
RESTORE_BATCH = 500


class Row(msgspec.Struct, frozen=True):
    """What is known of a key."""

    count: int = 0
    sum: int = 0
    due: int | None = None
    ticks: int = 0


class CounterShell:
    """Counts and sums per key."""

    def __init__(self, output_topic: str, tick_ms: int = 0, batch_s: float = 0.0) -> None:
        self._output_topic = output_topic
        self._tick_ms = tick_ms
        self._batch_s = batch_s
        self.records = 0

    def encode_row(self, row: Row) -> bytes:
        """JSON."""
        return msgspec.json.encode(row)

    def decode_row(self, data: bytes) -> Row:
        """JSON."""
        return msgspec.json.decode(data, type=Row)

    def due_at_ms(self, row: Row) -> int | None:
        """As the row says."""
        return row.due

    def now_ms(self, partition: int) -> int:
        """Processing time."""
        return time.time_ns() // 1_000_000

    def on_records(self, partition: Partition[Row], records: Sequence[Record]) -> None:
        """Count and sum; every seventh output of a key is urgent."""
        time.sleep(self._batch_s)
        for record in records:
            key, n = record.key or b"", int(record.value or b"0")
            row = partition.get(key) or Row()
            due = record.timestamp_ms + self._tick_ms if self._tick_ms else None
            row = Row(row.count + 1, row.sum + n, due, row.ticks)
            partition.put(key, row)
            text = f"{key.decode()}:{row.count}:{row.sum}".encode()
            partition.emit(Output(self._output_topic, key, text), urgent=row.count % 7 == 0)

    def on_due(self, partition: Partition[Row], now_ms: int) -> None:
        """One tick after the last record."""
        for key in partition.due(now_ms, 1_000):
            row = partition.get(key) or Row()
            partition.put(key, msgspec.structs.replace(row, due=None, ticks=row.ticks + 1))
            partition.emit(Output(self._output_topic, key, b"%b:tick:%d" % (key, row.count)))

    def on_restored(self, partition: int, rows: int) -> None:
        """Nothing to tell."""

    def on_committed(self, stats: EpochStats) -> None:
        """Say how far we are, for the test that waits for progress."""
        self.records += stats.records
        print(f"COMMITTED {self.records}", flush=True)

    def on_dropped(self, partition: int) -> None:
        """Nothing is kept beside the rows."""


def dies_at(step: str, epoch: int, marker: Path) -> Any:
    """A failpoint: SIGKILL myself at the nth passage of `step`, once in the life of `marker`."""
    passed = 0

    def failpoint(at: str) -> None:
        nonlocal passed
        if at == step and not marker.exists():
            passed += 1
            if passed == epoch:
                marker.touch()
                os.kill(os.getpid(), 9)

    return failpoint


def restores_slowly(restore_s: float) -> None:
    """From now on a restore takes so long over a hundred rows, and says how many it has written."""
    write, written = restores.ChangelogReader.write, 0

    def slow(reader: Any, messages: list[Any]) -> int:
        nonlocal written
        rows = write(reader, messages)
        time.sleep(restore_s * rows / 100)
        written += rows
        print(f"RESTORED {written}", flush=True)
        return rows

    restores._BATCH = RESTORE_BATCH
    setattr(restores.ChangelogReader, "write", slow)  # noqa: B010 - a fault put in from outside


async def say_how_far_behind(runtime: Any) -> None:
    """From now on say how many changelog positions the standbys have left to read."""

    async def say() -> None:
        while not runtime.finished.is_set():
            lag = runtime.standby_lag().values()
            if lag and None not in lag:
                print(f"BEHIND {sum(lag)} {len(lag)}", flush=True)
            await asyncio.sleep(0.1)

    runtime.saying = asyncio.create_task(say())


def main(arguments: dict[str, Any]) -> int:
    """One worker process, or a launcher of one; SIGUSR1 makes it say what its threads do."""
    if arguments.pop("launched", False):
        command = [sys.executable, "-m", "tests.support.counter_worker", json.dumps(arguments)]
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
        return Launcher(1, lambda _: command).run()
    if "file_bytes_max" in arguments:
        # What a full disk looks like to somebody who may not mount one: EFBIG instead of ENOSPC.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        most = arguments["file_bytes_max"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    faulthandler.register(signal.SIGUSR1)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    slowness = {name: arguments[name] for name in SLOWNESS if name in arguments}
    shell = CounterShell(arguments["output_topic"], **slowness)
    settings = RuntimeSettings(
        **{
            **arguments["settings"],
            "source_topics": tuple(arguments["settings"]["source_topics"]),
            "output_topics": tuple(arguments["settings"]["output_topics"]),
            "data_dir": Path(arguments["settings"]["data_dir"]),
        }
    )
    if "restore_s" in arguments:
        restores_slowly(arguments["restore_s"])
    extra = {}
    if "die_at" in arguments:
        step, epoch, marker = arguments["die_at"]
        extra["failpoint"] = dies_at(step, epoch, Path(marker))
    if arguments.pop("hangs_opening", False):
        setattr(Transactions, "open", lambda self: time.sleep(3_600))  # noqa: B010 - a fault
    return run(build_runtime(settings, shell, **extra), on_started=say_how_far_behind)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
