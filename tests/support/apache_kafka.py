"""Apache Kafka for tests: one KRaft node from Maven Central, or what KAFKA_BOOTSTRAP names.

The jars are fetched once into `.cache/` (git-ignored). Nothing is left running or lying about.
"""

import base64
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from tests.support.alone import alone

ROOT = Path(__file__).parents[2]
POM = ROOT / "tests" / "kafka" / "pom.xml"
JARS = ROOT / ".cache" / "kafka-4.3.1"

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
num.partitions=4
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.backoff.ms=1000
log.initial.task.delay.ms=86400000
log.retention.check.interval.ms=86400000
"""
# The last two: events of the past are over every retention, and a broker that looks while a test
# plays them would delete what the test still has to read.

FOR_MINUTES = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A test's broker: the second compiler costs a third of its start and never pays."""
FOR_YEARS = (
    *("-server", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"),
    *("-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"),
)
"""As Kafka's own `kafka-server-start.sh` sets them: what is measured runs as it does in a shop."""


def available() -> str:
    """Why Apache Kafka cannot be had here; empty if it can."""
    if os.environ.get("KAFKA_BOOTSTRAP"):
        return ""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing and not (shutil.which("java") and JARS.exists()):
        return f"{' and '.join(missing)} not found and KAFKA_BOOTSTRAP is not set"
    return ""


class ApacheKafka:
    """A broker with its own data folder and ports; `with ApacheKafka() as kafka`.

    `properties` are put after the usual ones, and win; `jvm` are options of Java.
    """

    def __init__(self, properties: str = "", jvm: Sequence[str] = FOR_MINUTES) -> None:
        self._properties = properties
        self._jvm = jvm
        self.replicas = 1
        self.ports = (free_port(), free_port())
        self.bootstrap = os.environ.get("KAFKA_BOOTSTRAP", "")
        self.foreign = bool(self.bootstrap)
        # A dead worker's partitions are free after this; a stock broker allows no less than 6 s.
        self.session_timeout_s = 6.0 if self.foreign else 1.5
        self._home = Path()
        self.cluster = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ApacheKafka":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Fetch the jars if need be, format, launch, wait until it answers."""
        if self.foreign:
            return
        if self._home == Path():
            self._prepare()
        # Topics that earlier tests deleted: the broker would read them all, only to delete them.
        for deleted in (self._home / "logs").glob("*-delete"):
            shutil.rmtree(deleted, ignore_errors=True)
        log = (self._home / "broker.log").open("ab")
        self._process = subprocess.Popen(
            [*java(*self._jvm), "kafka.Kafka", self._config()],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self._wait_until_up()

    @property
    def pid(self) -> int:
        """The broker's process, while it runs."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Stop and delete everything."""
        self._end(signal.SIGTERM)
        if not self.foreign and self._home != Path():
            shutil.rmtree(self._home, ignore_errors=True)

    def kill9(self) -> None:
        """Kill the broker; its data stays for `start`."""
        self._end(signal.SIGKILL)

    def stall(self) -> None:
        """SIGSTOP: connections stay, nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `stall`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def halt(self) -> None:
        """Stop the broker cleanly; its data stays for `start`."""
        self._end(signal.SIGTERM)

    def replace(self) -> None:
        """Put a new, empty cluster in its place, under the same address."""
        self._end(signal.SIGTERM)
        shutil.rmtree(self._home)
        self._home = Path()
        self.start()

    def set_config(self, topic: str, **config: str) -> None:
        """Change a topic's configuration; what it had before stays."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(30)

    def restart(self) -> None:
        """Stop cleanly and start again on the same data and ports."""
        self._end(signal.SIGTERM)
        self.start()

    def create_topics(
        self, *names: str, partitions: int = 4, config: Mapping[str, str] | None = None
    ) -> None:
        """Create topics and wait until they are there."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topics = [NewTopic(n, partitions, self.replicas, config=dict(config or {})) for n in names]
        for future in admin.create_topics(topics).values():
            future.result(30)

    def end_offsets(self, topic: str, partitions: int = 4) -> list[int]:
        """The end of every partition, as a `read_committed` reader sees it.

        A topic that was just made needs a moment until each partition has its leader.
        """
        reader, deadline = self._reader(True), time.monotonic() + 30
        at = [TopicPartition(topic, p) for p in range(partitions)]
        try:
            while True:
                try:
                    return [reader.get_watermark_offsets(tp, timeout=30)[1] for tp in at]
                except KafkaException:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)
        finally:
            reader.close()

    def delete_before(self, topic: str, number: int, offset: int) -> int:
        """Delete what a partition has before an offset, as retention does; -1: all of it.

        Returns:
            Where the partition begins now.
        """
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})
        (done,) = admin.delete_records([TopicPartition(topic, number, offset)]).values()
        return int(done.result(30).low_watermark)

    def wait_until_ended(self, topic: str, timeout_s: float = 30) -> None:
        """Until no transaction is open in the topic: the last ones end after their commit."""
        readers = [self._reader(read_committed) for read_committed in (True, False)]
        try:
            deadline = time.monotonic() + timeout_s
            for number in sorted(readers[0].list_topics(topic, 30).topics[topic].partitions):
                place = TopicPartition(topic, number)
                ends = {0, -1}
                while len(ends) > 1:
                    assert time.monotonic() < deadline, f"{place}: a transaction hangs at {ends}"
                    ends = {r.get_watermark_offsets(place, timeout=30)[1] for r in readers}
        finally:
            for reader in readers:
                reader.close()

    def read_all(self, topic: str, *, read_committed: bool = True) -> list[Message]:
        """Every record that is there now, by partition, then offset."""
        found = self.read_each(topic, read_committed=read_committed)
        return sorted(found, key=lambda m: (m.partition(), m.offset()))

    def read_each(self, topic: str, *, read_committed: bool = True) -> Iterator[Message]:
        """Every record that is there now, as it comes; a partition's are in their order."""
        reader = self._reader(read_committed)
        try:
            partitions = sorted(reader.list_topics(topic, 30).topics[topic].partitions)
            reader.assign([TopicPartition(topic, p, 0) for p in partitions])
            open_partitions, deadline = set(partitions), time.monotonic() + 60
            while open_partitions:
                assert time.monotonic() < deadline, f"{topic} could not be read to its end"
                for message in reader.consume(5_000, 0.5):
                    if message.error() is None:
                        deadline = time.monotonic() + 60
                        yield message
                    elif message.error().code() == KafkaError._PARTITION_EOF:
                        open_partitions.discard(message.partition())
        finally:
            reader.close()

    def committed(self, group: str, topic: str, partitions: int = 4) -> list[int]:
        """The committed offsets of a group; what an open transaction holds is not waited for.

        A broker that has just come back needs a moment to answer.
        """
        reader, deadline = self._reader(False, group), time.monotonic() + 60
        at = [TopicPartition(topic, p) for p in range(partitions)]
        try:
            while True:
                try:
                    return [tp.offset for tp in reader.committed(at, timeout=30)]
                except KafkaException:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)
        finally:
            reader.close()

    def _reader(self, read_committed: bool, group: str = "") -> Consumer:
        config: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "group.id": group or f"reader-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if read_committed else "read_uncommitted",
        }
        return Consumer(config)

    def _prepare(self) -> None:
        fetch_jars()
        self._home = Path(tempfile.mkdtemp(prefix="apache-kafka-"))
        port, controller = self.ports
        self.bootstrap = f"127.0.0.1:{port}"
        text = PROPERTIES.format(port=port, controller=controller, logs=self._home / "logs")
        Path(self._config()).write_text(text + self._properties, encoding="utf-8")
        # An id that begins with "-" would be read as an option, hence the fixed first byte.
        self.cluster = base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        format_storage(self.cluster, self._config())

    def _config(self) -> str:
        return str(self._home / "server.properties")

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, (self._home / "broker.log").read_text()[-2_000:]
            try:
                socket.create_connection(_address(self.bootstrap), 1).close()
                AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2}).list_topics(
                    timeout=5
                )
                return
            except Exception:
                time.sleep(0.2)
        raise TimeoutError("Apache Kafka did not start within 60 s")

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None


def java(*options: str) -> list[str]:
    """The command that runs a class of Apache Kafka; without options one that ends soon."""
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *(options or ("-XX:TieredStopAtLevel=1",)), quiet, "-cp", f"{JARS}/*"]


def format_storage(cluster: str, config: str) -> None:
    """Prepare the data folder of a node."""
    tool = [*java(), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", config]
    subprocess.run(tool, check=True, capture_output=True, timeout=60)


def fetch_jars() -> None:
    """Apache Kafka's jars from Maven Central, once."""
    with alone(JARS):
        if JARS.exists():
            return
        partial = Path(tempfile.mkdtemp(dir=JARS.parent))
        subprocess.run(
            [
                "mvn",
                "-q",
                "-f",
                str(POM),
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={partial}",
            ],
            check=True,
            timeout=600,
        )
        partial.chmod(0o755)
        partial.rename(JARS)


def _ports() -> Iterator[int]:
    """Ports to try, each process of tests in an order and, side by side, in a range of its own.

    They lie below those that the system gives to connections, which come and go, and none comes
    again soon: between the question and its use nobody else is told the same.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, many = 20_000 + worker % 4 * 3_000, 3_000
    start = random.Random(os.getpid() ^ time.monotonic_ns()).randrange(many)
    return (first + (start + step) % many for step in itertools.count())


_PORTS = _ports()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on right now."""
    return free_neighbors(1)


def free_neighbors(many: int) -> int:
    """The first of so many neighboring ports of 127.0.0.1 that nobody uses right now."""
    while True:
        tried = list(itertools.islice(_PORTS, many))
        with ExitStack() as probes, suppress(OSError):
            for port in tried:
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            if tried[-1] - tried[0] == many - 1:
                return tried[0]


def _address(bootstrap: str) -> tuple[str, int]:
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    return host, int(port)
