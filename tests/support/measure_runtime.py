"""Events a second and CPU an event of the runtime with a trivial shell, on Apache Kafka.

`python -m tests.support.measure_runtime [events]`: one worker process catches up on the input.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Producer

from streams.runtime import (
    EpochStats,
    Output,
    Partition,
    Record,
    RuntimeSettings,
    build_runtime,
    run,
)
from tests.support.apache_kafka import ROOT, ApacheKafka


class TrivialShell:
    """Rows of 200 bytes, rewritten for every record; every twentieth record emits an output."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._handled = 0
        self._began: tuple[float, float] | None = None
        self.finish = lambda: None

    def encode_row(self, row: bytes) -> bytes:
        """As it is."""
        return row

    def decode_row(self, data: bytes) -> bytes:
        """As it is."""
        return data

    def due_at_ms(self, row: bytes) -> None:
        """Never."""

    def now_ms(self, partition: int) -> int:
        """No clock."""
        return 0

    def on_records(self, partition: Partition[bytes], records: Sequence[Record]) -> None:
        """One read, one write a record."""
        if self._began is None:
            self._began = (time.monotonic(), time.process_time())
        for record in records:
            key = record.key or b""
            row = partition.get(key) or bytes(200)
            partition.put(key, row[:192] + record.offset.to_bytes(8, "big"))
            if record.offset % 20 == 0:
                partition.emit(Output("measured-out", key, row))

    def on_due(self, partition: Partition[bytes], now_ms: int) -> None:
        """Never."""

    def on_committed(self, stats: EpochStats) -> None:
        """Stop at the end and say how fast it was."""
        self._handled += stats.records
        if self._handled >= self._events and self._began is not None:
            seconds = time.monotonic() - self._began[0]
            cpu_us = (time.process_time() - self._began[1]) * 1e6 / self._events
            print(f"{self._events / seconds:,.0f} events/s, {cpu_us:.1f} CPU us/event", flush=True)
            self.finish()


def worker(bootstrap: str, events: int, home: Path) -> int:
    """The measured process."""
    shell = TrivialShell(events)
    runtime = build_runtime(
        RuntimeSettings(
            application_id="measured",
            bootstrap=bootstrap,
            source_topics=("measured-in",),
            changelog_topic="measured-changelog",
            table="rows",
            data_dir=home,
        ),
        shell,
    )
    shell.finish = runtime.finish
    return run(runtime)


def main(events: int) -> None:
    """Write the input, then let one worker catch up."""
    with ApacheKafka() as kafka, tempfile.TemporaryDirectory() as home:
        kafka.create_topics("measured-in", "measured-out")
        kafka.create_topics("measured-changelog", **{"cleanup.policy": "compact"})
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 20})
        draw = random.Random(1)
        for _ in range(events):
            producer.produce("measured-in", bytes(367), f"customer-{draw.randrange(50_000)}")
            producer.poll(0)
        assert producer.flush(60) == 0
        command = [sys.executable, "-m", "tests.support.measure_runtime", kafka.bootstrap]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([*command, str(events), home], check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        sys.exit(worker(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
