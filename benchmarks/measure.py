"""How a contender on Kafka is measured: its own process on one core, the broker on the other.

Progress is read from the group's committed offsets, CPU time from the operating system; both over
the same stretch, from the first committed batch to the last, so start-up does not count.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct

POLL_S = 0.05
SILENT_S_MAX = 120.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Measurement(Struct, frozen=True):
    """One run: events and seconds between the first and the last commit that were seen."""

    contender: str
    events: int
    wall_s: float
    cpu_s: float

    @property
    def events_per_s(self) -> float:
        """Events a second of wall time."""
        return self.events / self.wall_s

    @property
    def cpu_us_per_event(self) -> float:
        """Microseconds of CPU time an event, over all threads and children of the contender."""
        return self.cpu_s / self.events * 1e6


class Contender(Struct, frozen=True):
    """A command that consumes `topic` in `group`; `core` pins it."""

    name: str
    command: Sequence[str]
    group: str
    environment: dict[str, str]
    core: int = 1


def run(contender: Contender, bootstrap: str, topic: str, events: int, log: Path) -> Measurement:
    """Start the contender, follow it until all `events` are committed, stop it.

    Raises:
        RuntimeError: it ended, or made no progress for two minutes; the log's path is named.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(contender.core), *contender.command],
            env={**os.environ, **contender.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return _follow(
                process, contender, committed_reader(bootstrap, contender, topic), events, log
            )
        finally:
            _stop(process)


def _follow(
    process: "subprocess.Popen[bytes]",
    contender: Contender,
    committed: Callable[[], int],
    events: int,
    log: Path,
) -> Measurement:
    first: tuple[int, float, float] | None = None
    last_done, moved_at = 0, time.monotonic()
    while True:
        done, now, cpu = committed(), time.monotonic(), cpu_seconds(process.pid)
        if done > last_done:
            last_done, moved_at = done, now
            if first is None:
                first = (done, now, cpu)
        if done >= events and first is not None:
            return Measurement(contender.name, done - first[0], now - first[1], cpu - first[2])
        if process.poll() is not None or now - moved_at > SILENT_S_MAX:
            raise RuntimeError(f"{contender.name} stopped after {done} of {events} events: {log}")
        time.sleep(POLL_S)


def committed_reader(bootstrap: str, contender: Contender, topic: str) -> Callable[[], int]:
    """A function that sums the group's committed offsets over the topic's partitions."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": contender.group})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    wanted = [TopicPartition(topic, p) for p in partitions]

    def committed() -> int:
        try:
            return sum(max(tp.offset, 0) for tp in consumer.committed(wanted, timeout=10))
        except KafkaException:
            return 0  # the coordinator is not up yet; the next look will tell

    return committed


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its living descendants."""
    total, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        try:
            fields = Path(f"/proc/{current}/stat").read_text().rsplit(")", 1)[1].split()
            children = Path(f"/proc/{current}/task/{current}/children").read_text().split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
        waiting.extend(int(child) for child in children)
    return total / CLOCK_TICKS


def _stop(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
