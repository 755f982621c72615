"""What the topics on the broker must be like, and what to do where they are not; pure."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from streams import topics
from streams.settings import Settings
from streams.topics import Topic

INPUT_BYTES_MAX = 1_048_588
DEAD_LETTER_BYTES_MAX = 2 * INPUT_BYTES_MAX
VERSION_BYTES_MAX = 2 * INPUT_BYTES_MAX


class FoundTopic(Struct, frozen=True):
    """A topic as the broker has it; `config` is empty where the broker does not tell."""

    partitions: int
    config: Mapping[str, str] = {}


class Problem(Struct, frozen=True):
    """Something that is wrong with a topic, and what to do about it."""

    topic: str
    what: str
    remedy: str
    mend: Literal["create", "configure", "by_hand"]

    def __str__(self) -> str:
        return f"{self.topic}: {self.what}. {self.remedy}"


def partitions_of(topic: Topic, settings: Settings) -> int:
    """How many partitions a topic must have."""
    return settings.partitions if topic.partitions == "customers" else 1


def config_of(topic: Topic) -> dict[str, str]:
    """The topic's configuration on the broker.

    A dead letter is a record with more headers: its topic takes more than an input topic does. So
    does the topic of what a publish replaced, and why.
    """
    if topic == topics.REFERENCE_VERSIONS:
        return {"cleanup.policy": "compact", "max.message.bytes": str(VERSION_BYTES_MAX)}
    if topic.cleanup == "compact":
        return {"cleanup.policy": "compact"}
    config = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}
    if topic.direction == "input":
        config["max.message.bytes"] = str(INPUT_BYTES_MAX)
    elif topic in (topics.DEAD_LETTERS, topics.DELIVERY_FAILURES):
        config["max.message.bytes"] = str(DEAD_LETTER_BYTES_MAX)
    return config


def find_problems(found: Mapping[str, FoundTopic], settings: Settings) -> tuple[Problem, ...]:
    """Compare what is there with the catalogue.

    On the embedded broker (`transactional` false) every topic has four partitions, and topics
    appear when they are first used: only the customers' partition count is looked at there.
    """
    problems: list[Problem] = []
    for topic in topics.ALL:
        name = settings.on_broker(topic)
        there = found.get(name)
        if there is None:
            if settings.transactional:
                problems.append(_missing(name))
        else:
            problems.extend(_differences(name, topic, there, settings))
    return tuple(problems)


def _missing(name: str) -> Problem:
    return Problem(name, "the topic is missing", "Run `offerstream topics apply`", "create")


def _differences(name: str, topic: Topic, there: FoundTopic, settings: Settings) -> list[Problem]:
    problems = []
    wanted = partitions_of(topic, settings)
    counted = topic.partitions == "customers" or settings.transactional
    if there.partitions != wanted and counted:
        problems.append(_wrong_partitions(name, there.partitions, wanted))
    for key, value in config_of(topic).items():
        have = there.config.get(key)
        if have is not None and have != value:
            what = f"{key} is {have}, not {value}"
            remedy = "Run `offerstream topics apply`, which sets it; data stay"
            problems.append(Problem(name, what, remedy, "configure"))
    return problems


def _wrong_partitions(name: str, have: int, wanted: int) -> Problem:
    remedy = (
        "The partition count is fixed for the life of the state: set `partitions` to what the "
        "topics have, or delete the topic (its data go) and run `offerstream topics apply`"
    )
    return Problem(name, f"it has {have} partitions, not {wanted}", remedy, "by_hand")
