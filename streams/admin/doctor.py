"""The doctor: looks at everything that a person can mend, and says what to do, line by line."""

import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from streams import topics
from streams.broker.clients import librdkafka_config
from streams.broker.reading import partitions_on_broker, read_to_end
from streams.broker.topic_rules import FoundTopic, find_problems
from streams.settings import Settings

CLOCK_SKEW_S_MAX = 2.0
FREE_GIB_MIN = 1.0
LAG_RECORDS_MAX = 10_000
PACKAGES = (
    "common-expression-language",
    "confluent-kafka",
    "faust-streaming",
    "kafka-python",
    "river",
    "rocksdict",
)
TIMEOUT_S = 10.0


class Finding(Struct, frozen=True):
    """One line of the doctor's."""

    level: Literal["ok", "warn", "fail"]
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.level:<4}  {self.what}" + (f"  -> {self.remedy}" if self.remedy else "")


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, the broker's only where it answers."""
    yield _python()
    yield from _packages()
    yield _data_dir(settings)
    try:
        client = Consumer(
            {**librdkafka_config(settings), "group.id": "offerstream-doctor", "log_level": 2}
        )
        client.list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        remedy = f"start Kafka or set OFFERSTREAM_BOOTSTRAP ({error.args[0].str()})"
        yield Finding("fail", f"no broker answers at {settings.bootstrap}", remedy)
        return
    yield Finding("ok", f"a broker answers at {settings.bootstrap}")
    for check in _CHECKS:
        try:
            yield from check(settings, client)
        # One look that fails, for whatever reason, must not keep the others from being told.
        except Exception as error:
            why = str(error) or type(error).__name__
            yield Finding("warn", f"{check.__name__.strip('_')}: could not be looked at ({why})")
    client.close()


def _python() -> Finding:
    return Finding("ok", f"Python {platform.python_version()}")


def _packages() -> Iterator[Finding]:
    missing = [name for name in PACKAGES if not _is_installed(name)]
    if missing:
        yield Finding("fail", f"not installed: {', '.join(missing)}", "run `make install`")
    else:
        yield Finding("ok", "all packages are installed")


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _data_dir(settings: Settings) -> Finding:
    """The folder need not be there yet, but it must be possible to make it and to write to it."""
    path = settings.data_path.absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return Finding("fail", "the data folder cannot be written", "set OFFERSTREAM_DATA_DIR")
    free_gib = shutil.disk_usage(nearest).free / 2**30
    if free_gib < FREE_GIB_MIN:
        return Finding("warn", f"{free_gib:.1f} GiB are free for the data", "make room")
    return Finding("ok", f"the data folder can be written, {free_gib:.0f} GiB are free")


def _topics(settings: Settings, client: Any) -> Iterator[Finding]:
    there = client.list_topics(timeout=TIMEOUT_S).topics
    found = {name: FoundTopic(len(t.partitions)) for name, t in there.items()}
    problems = find_problems(found, settings)
    for problem in problems:
        yield Finding("fail", f"{problem.topic}: {problem.what}", problem.remedy)
    if not problems:
        yield Finding("ok", f"{len(topics.ALL)} topics are as the catalogue says")


def _clock(settings: Settings, client: Any) -> Iterator[Finding]:
    """The broker's clock is seen in what it stamps; here it is the newest record that tells."""
    newest = 0.0
    for name in (topic.name for topic in topics.INPUTS):
        for partition in partitions_on_broker(client, name, settings):
            low, high = client.get_watermark_offsets(
                TopicPartition(name, partition), timeout=TIMEOUT_S
            )
            if high > low:
                newest = max(newest, _time_of_last(client, name, partition, high) / 1000)
    ahead = newest - time.time()
    if ahead > CLOCK_SKEW_S_MAX:
        remedy = "synchronize the clocks (NTP) of this machine, the brokers and the producers"
        yield Finding("warn", f"the newest record is {ahead:.0f} s in the future", remedy)
    elif newest:
        yield Finding("ok", f"the newest input came {max(0.0, -ahead):.0f} s ago")
    else:
        yield Finding("warn", "no input yet", "send some: `offerstream events send FILE`")


def _time_of_last(client: Any, name: str, partition: int, high: int) -> float:
    client.assign([TopicPartition(name, partition, high - 1)])
    message = client.poll(2.0)
    client.unassign()
    return float(message.timestamp()[1]) if message is not None and not message.error() else 0.0


def _reference(settings: Settings, client: Any) -> Iterator[Finding]:
    names = [topic.name for topic in topics.REFERENCES]
    there: dict[str, set[bytes]] = {name: set() for name in names}
    for message in read_to_end(settings, names):
        keys = there[message.topic()]
        (keys.discard if message.value() is None else keys.add)(message.key() or b"")
    offers = len(there[topics.REF_OFFERS.name])
    if offers and there[topics.REF_POLICIES.name]:
        yield Finding("ok", f"{offers} offers and the policies are published")
    else:
        remedy = "run `offerstream offers publish FOLDER` (or `--example-shop`)"
        yield Finding("fail", f"{offers} offers, or no policies, are published", remedy)


def _dead_letters(settings: Settings, client: Any) -> Iterator[Finding]:
    from streams.admin.dead_letters import Choice, list_letters

    waiting = len(list_letters(settings, Choice()))
    if waiting:
        yield Finding("warn", f"{waiting} dead letters", "run `offerstream dead-letters list`")
    else:
        yield Finding("ok", "no dead letters")


def _lag(settings: Settings, client: Any) -> Iterator[Finding]:
    """How far the worker's group is behind, over all input topics."""
    names = [topic.on_broker(settings.application_id) for topic in topics.INPUTS]
    wanted = [
        TopicPartition(name, partition)
        for name in names
        for partition in partitions_on_broker(client, name, settings)
    ]
    committed = _committed(settings, wanted)
    lag = 0
    for one in wanted:
        low, high = client.get_watermark_offsets(one, timeout=TIMEOUT_S)
        done = committed.get((one.topic, one.partition), -1)
        lag += max(0, high - max(done, low))
    if not committed:
        yield Finding("warn", "no worker has committed anything yet", "run `offerstream worker`")
    elif lag > LAG_RECORDS_MAX:
        yield Finding("warn", f"the workers are {lag} records behind", "add workers")
    else:
        yield Finding("ok", f"the workers are {lag} records behind")


def _committed(settings: Settings, wanted: list[TopicPartition]) -> dict[tuple[str, int], int]:
    request = ConsumerGroupTopicPartitions(settings.application_id, wanted)
    admin = AdminClient({**librdkafka_config(settings), "log_level": 2})
    answer = admin.list_consumer_group_offsets([request], request_timeout=TIMEOUT_S)
    found = answer[settings.application_id].result().topic_partitions
    return {(t.topic, t.partition): t.offset for t in found if t.offset >= 0}


_CHECKS: tuple[Callable[[Settings, Any], Iterator[Finding]], ...] = (
    _topics,
    _clock,
    _reference,
    _lag,
    _dead_letters,
)
