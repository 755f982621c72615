"""Topics on the broker: create what is missing, set what differs, name what a person must mend."""

import time
from collections.abc import Iterable, Mapping

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError
from msgspec import Struct

from streams import topics
from streams.broker.clients import kafka_python_config
from streams.broker.topic_rules import (
    FoundTopic,
    Problem,
    config_of,
    find_problems,
    partitions_of,
)
from streams.errors import OperatorError, TopicsError
from streams.settings import Settings

THERE_WITHIN_S = 30.0


class Applied(Struct, frozen=True):
    """What `apply_topics` did."""

    created: tuple[str, ...] = ()
    configured: tuple[str, ...] = ()


def connect(settings: Settings) -> KafkaAdminClient:
    """A kafka-python admin client.

    Raises:
        OperatorError: no broker answers there.
    """
    try:
        return KafkaAdminClient(
            **kafka_python_config(settings),
            client_id="offerstream-admin",
            request_timeout_ms=15_000,
            bootstrap_timeout_ms=10_000,
        )
    except (KafkaError, ValueError, AssertionError) as error:
        raise OperatorError(
            f"no Kafka broker answers at {settings.bootstrap} ({type(error).__name__}). "
            "Start one, or set OFFERSTREAM_BOOTSTRAP"
        ) from error


def describe(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, FoundTopic]:
    """Those of the topics that exist, as the broker has them."""
    wanted = set(names)
    there = {t for t in client.list_topics() if t in wanted}
    if not there:
        return {}
    counts = {t["name"]: len(t["partitions"]) for t in client.describe_topics(sorted(there))}
    configs = _configs(client, sorted(there))
    return {name: FoundTopic(counts[name], configs.get(name, {})) for name in sorted(there)}


def verify_topics(settings: Settings) -> tuple[Problem, ...]:
    """Everything in which the broker differs from the catalogue."""
    client = connect(settings)
    try:
        return find_problems(describe(client, catalogue_names(settings)), settings)
    finally:
        client.close()


def apply_topics(settings: Settings) -> Applied:
    """Make the broker agree with the catalogue; nothing is ever deleted.

    A broker tells of a new topic a moment after it has made it: when this returns, it does.

    Raises:
        TopicsError: something is left that only a person may mend; all of it is named.
    """
    client = connect(settings)
    try:
        names = catalogue_names(settings)
        problems = _problems_to_mend(describe(client, names), settings)
        created = [p.topic for p in problems if p.mend == "create"]
        configured = sorted({p.topic for p in problems if p.mend == "configure"})
        _create(client, [names[name] for name in created], settings)
        _configure(client, {name: config_of(names[name]) for name in configured})
        if created:
            _problems_to_mend(_describe_when_there(client, names), settings)
        return Applied(tuple(created), tuple(configured))
    except KafkaError as error:
        raise TopicsError(f"the broker refused: {error}") from error
    finally:
        client.close()


def _problems_to_mend(found: Mapping[str, FoundTopic], settings: Settings) -> list[Problem]:
    """What can be mended from here.

    Raises:
        TopicsError: there is also what cannot.
    """
    problems = find_problems(found, settings)
    by_hand = [p for p in problems if p.mend == "by_hand"]
    if by_hand:
        raise TopicsError("\n".join(str(problem) for problem in by_hand))
    return list(problems)


def _describe_when_there(
    client: KafkaAdminClient, names: Mapping[str, topics.Topic]
) -> dict[str, FoundTopic]:
    deadline_s = time.monotonic() + THERE_WITHIN_S
    while missing := sorted(names.keys() - (found := describe(client, names)).keys()):
        if time.monotonic() > deadline_s:
            raise TopicsError(f"created, but not shown by the broker yet: {', '.join(missing)}")
        time.sleep(0.1)
    return found


def catalogue_names(settings: Settings) -> dict[str, topics.Topic]:
    """Every topic by its name on the broker."""
    return {settings.on_broker(topic): topic for topic in topics.ALL}


def _create(client: KafkaAdminClient, wanted: Iterable[topics.Topic], settings: Settings) -> None:
    new = [
        NewTopic(
            settings.on_broker(topic),
            partitions_of(topic, settings),
            settings.replication_factor,
            topic_configs=config_of(topic),
        )
        for topic in wanted
    ]
    if not new:
        return
    try:
        client.create_topics(new)
    except TopicAlreadyExistsError:  # somebody else applies at the same time
        for one in new:
            _create_one(client, one)


def _create_one(client: KafkaAdminClient, topic: NewTopic) -> None:
    try:
        client.create_topics([topic])
    except TopicAlreadyExistsError:
        return


def _configure(client: KafkaAdminClient, wanted: Mapping[str, dict[str, str]]) -> None:
    if wanted:
        client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, n, c) for n, c in wanted.items()]
        )


def _configs(client: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """The topics' configurations: what differs from the broker's defaults, and what does not."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = client.describe_configs(resources, config_filter="all")
    found = {name: entries for by_name in answer.values() for name, entries in by_name.items()}
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in found.items()
    }
