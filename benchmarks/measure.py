"""How a contender on Kafka is measured: its own process on one core, the broker on the other.

Progress is what the contender has committed, CPU time is what the operating system counted for it
and all its children; both over the same stretch, between two marks of progress, so that neither
start-up nor the end of the input counts.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct

from benchmarks.install import ROOT
from tests.support.cpu import CLOCK_TICKS, cpu_s

POLL_S = 0.05
SILENT_S_MAX = 180.0
STOP_S_MAX = 20.0
CORE = 1
Progress = Callable[[], int]


class Stretch(Struct, frozen=True):
    """What happened between two marks; `foreign_share` of the core was used by somebody else."""

    events: int
    wall_s: float
    cpu_s: float
    foreign_share: float

    @property
    def events_per_s(self) -> float:
        """Events a second of wall time."""
        return self.events / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU time an event, over all threads and children."""
        return self.cpu_s / self.events * 1e6


class Marks(Struct, frozen=True):
    """Progress at which the measured stretch begins and ends, and at which all work is done."""

    begin: int
    end: int
    total: int


class Child:
    """A process of its own session; its log says what it said."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        core: int | None = CORE,
    ) -> None:
        self.log = log
        cores = "0-255" if core is None else str(core)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", cores, *command],
                env={**os.environ, **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def cpu_s(self) -> float:
        """User and system time of the process and all its living descendants."""
        return sum(map(cpu_s, self._family()))

    def wait(self, timeout_s: float) -> str:
        """Until it ends by itself; returns what it said.

        Raises:
            RuntimeError: it failed, or did not end in time.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise self.failed(f"did not end within {timeout_s:.0f} s") from None
        if code:
            raise self.failed(f"ended with {code}")
        return self.log.read_text(errors="replace")

    def check(self) -> None:
        """Fail if it has ended.

        Raises:
            RuntimeError: with the end of its log.
        """
        if self._process.poll() is not None:
            raise self.failed(f"ended with {self._process.returncode}")

    def failed(self, how: str) -> RuntimeError:
        """What to raise: what happened and the end of the log."""
        tail = self.log.read_text(errors="replace")[-3_000:]
        return RuntimeError(f"{self.log.name} {how}\n{tail}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the whole session."""
        try:
            os.killpg(self._process.pid, how)
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_S_MAX)
        except ProcessLookupError:
            pass

    def _family(self) -> Iterator[int]:
        waiting = [self._process.pid]
        while waiting:
            current = waiting.pop()
            yield current
            waiting.extend(_children(current))


@contextmanager
def running(child: Child) -> Iterator[Child]:
    """Stop it at the end, whatever happens."""
    try:
        yield child
    finally:
        child.stop()


def follow(child: Child, progress: Progress, marks: Marks, *others: Child) -> Stretch:
    """Follow a contender (of several processes) from mark to mark, and on until all is done.

    Raises:
        RuntimeError: it ended, or made no progress for three minutes.
    """
    begin: tuple[int, float, float, float] | None = None
    stretch: Stretch | None = None
    last_done, moved_at = 0, time.monotonic()
    while last_done < marks.total or stretch is None:
        done, now = progress(), time.monotonic()
        cpu_s = child.cpu_s + sum(other.cpu_s for other in others)
        sample = (done, now, cpu_s, _core_busy_s(CORE))
        if begin is None and done >= marks.begin:
            begin = sample
        elif begin is not None and stretch is None and done >= marks.end and done > begin[0]:
            stretch = _stretch(begin, sample)
        if done > last_done:
            last_done, moved_at = done, now
        if done >= marks.total and stretch is None:
            raise child.failed(f"committed all {done} events in one or two steps: give it more")
        for process in (child, *others):
            process.check()
        if now - moved_at > SILENT_S_MAX:
            raise child.failed(f"stands still at {done} of {marks.total} events")
        time.sleep(POLL_S)
    return stretch


def alone(module: str, numbers: Sequence[int], log: Path) -> Stretch:
    """A module that measures itself, in a process of its own, and prints the stretch as JSON."""
    command = [sys.executable, "-m", module, *map(str, numbers)]
    child = Child(command, log, environment={"PYTHONPATH": str(ROOT)})
    done = json.loads(child.wait(600).splitlines()[-1])
    return Stretch(done["events"], done["wall_s"], done["cpu_s"], 0.0)


def wait_for(child: Child, progress: Progress, events: int) -> None:
    """Until so much is done.

    Raises:
        RuntimeError: it ended, or made no progress for three minutes.
    """
    last_done, moved_at = 0, time.monotonic()
    while (done := progress()) < events:
        child.check()
        if done > last_done:
            last_done, moved_at = done, time.monotonic()
        if time.monotonic() - moved_at > SILENT_S_MAX:
            raise child.failed(f"stands still at {done} of {events}")
        time.sleep(POLL_S)


def group_progress(bootstrap: str, group: str, topic: str) -> Progress:
    """The sum of a group's committed offsets over a topic's partitions."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "log_level": 2,
            # What an open transaction holds is not waited for.
            "isolation.level": "read_uncommitted",
        }
    )
    partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
    wanted = [TopicPartition(topic, p) for p in partitions]

    def committed() -> int:
        try:
            return sum(max(tp.offset, 0) for tp in reader.committed(wanted, timeout=10))
        except KafkaException:
            return 0  # the coordinator is not up yet; the next look will tell

    return committed


def output_progress(bootstrap: str, topic: str, events_per_output: int) -> Progress:
    """For a contender that commits no offsets to Kafka: what its outputs say."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "log_level": 2})
    partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
    wanted = [TopicPartition(topic, p) for p in partitions]

    def said() -> int:
        try:
            ends: list[int] = [reader.get_watermark_offsets(tp, timeout=10)[1] for tp in wanted]
        except KafkaException:
            return 0  # a new topic may have no leader yet; the next look will tell
        return sum(ends) * events_per_output

    return said


def _stretch(
    begin: tuple[int, float, float, float], end: tuple[int, float, float, float]
) -> Stretch:
    events, wall_s, cpu_s, busy_s = (b - a for a, b in zip(begin, end, strict=True))
    return Stretch(int(events), wall_s, cpu_s, max(0.0, busy_s - cpu_s) / wall_s)


def _children(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in children]


def _core_busy_s(core: int) -> float:
    """How long a core has been busy since the machine started."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS
    return 0.0
