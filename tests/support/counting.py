"""What the counter worker must have done, recomputed from the input; and how to run it."""

import atexit
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from confluent_kafka import KafkaException, Producer

from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.restore import Restorer
from streams.runtime.state.store import RowStore, StoreOptions
from tests.support.apache_kafka import ROOT, ApacheKafka

COMPACTED = MappingProxyType({"cleanup.policy": "compact"})


class CounterJob:
    """One application with its own topics; workers of it are processes."""

    def __init__(
        self,
        kafka: ApacheKafka,
        name: str,
        home: Path,
        changelog: Mapping[str, str] = COMPACTED,
        **settings: Any,
    ) -> None:
        self.kafka = kafka
        self.name = name
        self.home = home
        self.inputs = (f"{name}-in-a", f"{name}-in-b")
        self.outputs = f"{name}-out"
        self.changelog = f"{name}-changelog"
        self.settings = {
            "application_id": name,
            "bootstrap": kafka.bootstrap,
            "source_topics": list(self.inputs),
            "changelog_topic": self.changelog,
            "output_topics": [self.outputs],
            "table": "counts",
            "epoch_ms": 50,
            "session_timeout_s": kafka.session_timeout_s,
            "heartbeat_s": 0.3,
            "transaction_timeout_s": 5.0,
            # So small that a kill leaves a store that is behind its changelog, not an empty one.
            "write_buffer_bytes": 16_384,
            **settings,
        }
        kafka.create_topics(*self.inputs, self.outputs)
        kafka.create_topics(self.changelog, config=changelog)

    def send(self, records: list[tuple[str, int]]) -> None:
        """Write the input; a key's records all go to one topic, so that their order is known."""
        producer = Producer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 20,
                "enable.idempotence": True,
                "queue.buffering.max.messages": 2_000_000,
            }
        )
        for key, n in records:
            producer.produce(self.inputs[hash_of(key) % 2], str(n), key)
            producer.poll(0)
        assert producer.flush(60) == 0

    def worker(
        self,
        slot: int = 0,
        module: str = "counter_worker",
        member: str | None = None,
        **arguments: Any,
    ) -> "WorkerProcess":
        """Start a worker process with the data folder of `slot`, as a static `member` if named."""
        settings = {
            **self.settings,
            "data_dir": str(self.home / f"slot-{slot}"),
            "group_instance_id": member,
        }
        return WorkerProcess(
            module,
            {"settings": settings, "output_topic": self.outputs, **arguments},
            self.home / f"slot-{slot}.log",
        )

    def launched(self, **arguments: Any) -> "WorkerProcess":
        """Start a launcher that keeps one worker running, with the data folder of slot 0."""
        return self.worker(0, launched=True, **arguments)

    def committed(self) -> int:
        """How many records the group has committed.

        The inputs are written without transactions: there are no gaps in their offsets.
        """
        return sum(max(0, n) for topic in self._committed() for n in topic)

    def _committed(self) -> list[list[int]]:
        """By topic and partition."""
        return [self.kafka.committed(self.name, topic) for topic in self.inputs]

    def wait_for_committed(self, records: int, timeout_s: float = 90) -> None:
        """Until the group has committed so many records."""
        deadline = time.monotonic() + timeout_s
        while (now := self.committed()) < records:
            assert time.monotonic() < deadline, f"{now} of {records} committed\n{self.tail()}"
            time.sleep(0.2)

    def tail(self, slot: int = 0) -> str:
        """The end of a slot's log."""
        return (self.home / f"slot-{slot}.log").read_text()[-4_000:]

    def assert_equals(self, records: list[tuple[str, int]]) -> None:
        """0 outputs missing, 0 double, 0 rows wrong, for a `read_committed` reader."""
        for topic in (self.outputs, self.changelog):
            self.kafka.wait_until_ended(topic)
        said, expected = self.said(), expected_outputs(records)
        missing, double = expected - said, said - expected
        assert (sum(missing.values()), sum(double.values())) == (0, 0), (missing, double)
        assert self.rows() == expected_rows(records)

    def stored(self, slot: int = 0) -> dict[str, tuple[int, int]]:
        """Count and sum by key, from the local stores of a slot whose worker has ended."""
        found = {}
        for path in sorted((self.home / f"slot-{slot}" / "counts").iterdir()):
            store = RowStore(path, StoreOptions(1 << 20, 1 << 20))
            found.update(rows_of(store))
            store.close()
        return found

    def restored(self) -> dict[str, tuple[int, int]]:
        """Count and sum by key, from new stores that the runtime restores from the changelog."""
        source = {**self.settings, "source_topics": self.inputs, "data_dir": self.home}
        settings = RuntimeSettings(**source)
        home = Path(tempfile.mkdtemp(dir=self.home))
        found = {}
        for number in range(4):
            store = RowStore(home / str(number), StoreOptions(1 << 20, 1 << 20))
            Restorer(settings, number, lambda: False).restore(store)
            found.update(rows_of(store))
            store.close()
        return found

    def wipe(self, slot: int = 0) -> None:
        """Lose the disk of a slot, if its worker has lived long enough to make one."""
        shutil.rmtree(self.home / f"slot-{slot}", ignore_errors=True)

    def rows(self) -> dict[str, tuple[int, int]]:
        """Count and sum by key, from the changelog as a `read_committed` reader sees it."""
        newest = {
            m.key().decode(): json.loads(m.value()) for m in self.kafka.read_all(self.changelog)
        }
        return {key: (row["count"], row["sum"]) for key, row in newest.items()}

    def said(self) -> Counter[str]:
        """Every output that a `read_committed` reader sees, with how often."""
        return Counter(m.value().decode() for m in self.kafka.read_all(self.outputs))

    def wait_until_done(self, workers: list["WorkerProcess"], timeout_s: float = 60) -> None:
        """Until the committed offsets are at the input's end."""
        if not self.is_done_within(timeout_s, workers):
            tails = "\n".join(worker.tail() for worker in workers)
            raise AssertionError(f"not done within {timeout_s} s\n{tails}")

    def is_done_within(self, timeout_s: float, workers: list["WorkerProcess"]) -> bool:
        """Do the committed offsets reach the input's end in time, while the workers run?"""
        deadline = time.monotonic() + timeout_s
        while not self.is_done():
            for worker in workers:
                worker.assert_running()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.3)
        return True

    def is_done(self) -> bool:
        """Are the committed offsets at the input's end?"""
        at = self._committed()
        try:
            ends = [self.kafka.end_offsets(topic) for topic in self.inputs]
        except KafkaException:
            return False
        return [[max(0, offset) for offset in topic] for topic in at] == ends


class WorkerProcess:
    """A counter worker; `progress` is the number of records that it has committed.

    `restored` is the number of rows that it has restored, where it was told to say so; `behind`
    how many positions its standbys last had left to read, and how many standbys those were.
    """

    def __init__(self, module: str, arguments: dict[str, Any], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self.progress = 0
        self.restored = 0
        self.behind: tuple[int, int] | None = None
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tests.support.{module}", json.dumps(arguments)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        # A failed test must not leave it running, nor what it launched.
        atexit.register(_kill_group, self._process.pid)
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def wait_for_progress(self, records: int, timeout_s: float = 60) -> None:
        """Until this process has committed so many records."""
        self._wait_until(lambda: self.progress >= records, timeout_s)

    def wait_for_restored(self, rows: int, timeout_s: float = 60) -> None:
        """Until this process has restored so many rows."""
        self._wait_until(lambda: self.restored >= rows, timeout_s)

    def wait_for_standbys(self, count: int, timeout_s: float = 60) -> None:
        """Until this process follows so many partitions, up to where their changelog ends."""
        self.behind = None
        self._wait_until(lambda: self.behind == (0, count), timeout_s)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def assert_running(self) -> None:
        """Fail with the log's end where it is not."""
        code = self._process.poll()
        assert code is None, f"the worker ended with {code}\n{self.tail()}"

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill9(self) -> None:
        """SIGKILL, and wait for the end."""
        self._process.kill()
        self._process.wait(10)

    def wait(self, timeout_s: float = 40) -> int:
        """The exit code."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"the worker did not end\n{self.tail()}") from None

    def ended_within(self, seconds: float) -> bool:
        """Has it ended by itself, or does it within this time?"""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def tail(self) -> str:
        """The end of its log."""
        return self.log()[-4_000:]

    def log(self) -> str:
        """Everything that workers of this slot have logged."""
        return self._log.read_text()

    def _wait_until(self, reached: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not reached():
            self.assert_running()
            known = f"{self.progress} done, {self.restored} restored, behind {self.behind}"
            assert time.monotonic() < deadline, f"{known}\n{self.tail()}"
            time.sleep(0.01)

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            match line.split():
                case [b"RESTORED", count]:
                    self.restored = int(count)
                case [b"BEHIND", positions, standbys]:
                    self.behind = int(positions), int(standbys)
                case [b"COMMITTED" | b"HANDLED", count]:
                    self.progress = int(count)


def rows_of(store: RowStore) -> dict[str, tuple[int, int]]:
    """Count and sum by key of one store."""
    found = {}
    for key in list(store.keys()):
        stored = store.get(key)
        assert stored is not None
        row = json.loads(stored.data)
        found[key.decode()] = (row["count"], row["sum"])
    return found


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def hash_of(key: str) -> int:
    """A hash that is the same in every process."""
    return sum(key.encode())


def expected_rows(records: list[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Count and sum by key."""
    rows: dict[str, tuple[int, int]] = {}
    for key, n in records:
        count, total = rows.get(key, (0, 0))
        rows[key] = (count + 1, total + n)
    return rows


def expected_outputs(records: list[tuple[str, int]]) -> Counter[str]:
    """Each record's output, once."""
    rows: dict[str, tuple[int, int]] = {}
    said: Counter[str] = Counter()
    for key, n in records:
        count, total = rows.get(key, (0, 0))
        rows[key] = (count + 1, total + n)
        said[f"{key}:{count + 1}:{total + n}"] += 1
    return said


def uniform_input(count: int, keys: int, seed: int) -> list[tuple[str, int]]:
    """`count` records over `keys` keys, all alike."""
    draw = random.Random(seed)
    return [(f"k{draw.randrange(keys)}", draw.randrange(1, 1_000)) for _ in range(count)]


def skewed_input(count: int, keys: int, seed: int) -> list[tuple[str, int]]:
    """`count` records over `keys` keys, half of them on ten hot ones."""
    draw = random.Random(seed)
    chosen = (
        f"k{draw.randrange(10) if draw.random() < 0.5 else draw.randrange(keys)}"
        for _ in range(count)
    )
    return [(key, draw.randrange(1, 1_000)) for key in chosen]
