"""The real worker in processes on Apache Kafka: its topics, its input, what it said."""

import atexit
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from streams import topics
from streams.admin.reference import publish_reference
from streams.admin.topics import apply_topics, catalogue_names
from streams.contracts.reference.structs import Reference
from streams.settings import Settings, child_environment
from tests.support.apache_kafka import ROOT, ApacheKafka
from tests.support.cpu import cpu_s


class WorkerJob:
    """One shop on a broker that is ours: its topics are deleted and made anew."""

    def __init__(self, kafka: ApacheKafka, home: Path, name: str, **settings: object) -> None:
        self.kafka = kafka
        self.home = home
        defaults = {
            "bootstrap": kafka.bootstrap,
            "application_id": name,
            "clock": "event_time",
            "epoch_ms": 100,
            "session_timeout_ms": 6_000,
            "http": replace(Settings().http, port=0),
        }
        self.settings = replace(Settings(), **{**defaults, **settings})
        self._start_over()

    def publish(self, reference: Reference) -> None:
        """Publish offers, policies and the rest."""
        publish_reference(self.settings, reference)

    def send(self, records: Iterable[tuple[Any, ...]]) -> int:
        """Topic, key, value and, where there are, headers; Kafka's own partitioner."""
        producer = Producer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.max.bytes": 1_048_588,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        count = 0
        for topic, key, value, *headers in records:
            producer.produce(topic, value, key, headers=list(*headers))
            producer.poll(0)
            count += 1
        assert producer.flush(60) == 0
        return count

    def start(self, slot: int = 0, role: str = "worker", **differs: Any) -> "Process":
        """One process with the data folder of its slot; `differs` are other settings."""
        settings = replace(self.settings, data_dir=str(self.home / "data"), **differs)
        return Process(
            [sys.executable, "-m", "streams", "worker-slot", role, str(slot)],
            child_environment(settings),
            self.home / f"{role}-{slot}.log",
        )

    def progress(self) -> int:
        """Input records whose epochs are committed, over all partitions."""
        return sum(
            max(0, offset)
            for topic in (*topics.INPUTS, topics.CUSTOMER_EVENTS)
            for offset in self.kafka.committed(self.settings.group, self.settings.on_broker(topic))
        )

    def wait_for(self, records: int, process: "Process", timeout_s: float = 120) -> None:
        """Until so many input records are committed (routed ones count again)."""
        wait_while_it_goes_on(self.progress, records, process, timeout_s)

    def said(self, topic: topics.Topic) -> Counter[tuple[bytes, bytes]]:
        """Key and value of every committed record of a topic, with how often."""
        name = self.settings.on_broker(topic)
        return Counter((m.key() or b"", m.value() or b"") for m in self.kafka.read_all(name))

    def rows(self) -> dict[bytes, bytes]:
        """The newest committed row of every key, off the changelog."""
        name = self.settings.on_broker(topics.CUSTOMERS_CHANGELOG)
        newest = {m.key(): m.value() for m in self.kafka.read_all(name)}
        return {key: value for key, value in newest.items() if value is not None}

    def _start_over(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.kafka.bootstrap, "log_level": 2})
        names = set(catalogue_names(self.settings))
        there = names & set(admin.list_topics(timeout=30).topics)
        for future in admin.delete_topics(sorted(there)).values() if there else ():
            future.result(30)
        deadline = time.monotonic() + 30
        while names & set(admin.list_topics(timeout=30).topics):
            assert time.monotonic() < deadline, "the old topics do not go away"
            time.sleep(0.1)
        apply_topics(self.settings)


class Process:
    """A worker or learner as a process; its log is kept for when something goes wrong.

    Attributes:
        begun: all that were started, in their order.
    """

    begun: ClassVar[list["Process"]] = []

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        # A failed test must not leave it running: what comes after would see its outputs.
        atexit.register(self._process.kill)
        self.begun.append(self)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """CPU seconds that all its threads have taken."""
        return cpu_s(self.pid)

    def metrics(self) -> str:
        """What it tells Prometheus."""
        port = re.findall(r'"http_port": ?(\d+)', self.log())[-1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """SIGKILL, where it still runs."""
        if self._process.poll() is None:
            self.kill9()

    def kill9(self) -> None:
        """SIGKILL, and wait."""
        self._process.kill()
        self._process.wait(20)

    def stop(self, timeout_s: float = 40) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"it did not stop\n{self.tail()}") from None

    def wait(self, timeout_s: float) -> int:
        """The exit code of a process that ends by itself."""
        return self._process.wait(timeout_s)

    def assert_running(self) -> None:
        """Fail with the end of its log if it has ended."""
        code = self._process.poll()
        assert code is None, f"it ended with {code}\n{self.tail()}"

    def tail(self) -> str:
        """The end of its log."""
        return self.log()[-6_000:]

    def log(self) -> str:
        """Everything that it, and whoever used this log before, has said."""
        return self._log.read_text(errors="replace")


def wait_until(reached: Callable[[], bool], process: Process, timeout_s: float) -> None:
    """Poll; fail when the process ends or time is up."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        process.assert_running()
        assert time.monotonic() < deadline, f"not within {timeout_s} s\n{process.tail()}"
        time.sleep(0.1)


def wait_while_it_goes_on(
    progress: Callable[[], int], wanted: int, process: Process, timeout_s: float
) -> None:
    """Until there is so much progress.

    Time is up when there was no more for so long, however slow the machine is.
    """
    while (reached := progress()) < wanted:
        wait_until(lambda reached=reached: progress() > reached, process, timeout_s)  # type: ignore[misc]
