"""Before anything starts: do the topics exist and fit each other, and does the changelog last?"""

import logging

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import ClusterMetadata, ConfigResource, ResourceType

from streams.errors import TopicsError
from streams.runtime.clients import new_admin, new_consumer
from streams.runtime.faults import BrokerError
from streams.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
_TIMEOUT_S = 30.0


def count_partitions(settings: RuntimeSettings) -> int:
    """How many partitions the source topics and the changelog have.

    Raises:
        TopicsError: one is missing, their numbers differ, or the changelog forgets; it says what
            to do.
        BrokerError: the broker does not answer.
    """
    names = (*settings.source_topics, settings.changelog_topic)
    try:
        counts = _counts(settings, names)
        policy = _changelog_policy(settings) if all(counts.values()) else ""
    except KafkaException as error:
        raise BrokerError(f"{settings.bootstrap}: {error.args[0].str()}") from error
    missing = sorted(name for name, count in counts.items() if count == 0)
    if missing:
        raise TopicsError(
            f"topics are missing: {', '.join(missing)}; create them: offerstream topics apply"
        )
    if len(set(counts.values())) != 1:
        raise TopicsError(
            f"these topics must have the same number of partitions, but have {counts}: "
            "recreate the odd ones with the changelog's number (it is fixed for the state's life)"
        )
    if "delete" in policy:
        raise TopicsError(
            f"{settings.changelog_topic}: cleanup.policy is {policy}, so the broker deletes rows; "
            "set it to compact: offerstream topics apply"
        )
    return counts[settings.changelog_topic]


def _counts(settings: RuntimeSettings, names: tuple[str, ...]) -> dict[str, int]:
    client = _client(settings)
    try:
        return {name: _count(client.list_topics(name, _TIMEOUT_S), name) for name in names}
    finally:
        client.close()


def _changelog_policy(settings: RuntimeSettings) -> str:
    """The changelog's cleanup policy; empty where the broker does not tell."""
    if not settings.transactional:
        return ""
    admin = new_admin(settings)
    resource = ConfigResource(ResourceType.TOPIC, settings.changelog_topic)
    try:
        answer = admin.describe_configs([resource], request_timeout=_TIMEOUT_S)
        return str(answer[resource].result(_TIMEOUT_S)["cleanup.policy"].value)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise
        log.warning("%s: its cleanup policy may not be looked at", settings.changelog_topic)
        return ""


def _client(settings: RuntimeSettings) -> Consumer | Producer:
    """The embedded broker creates a topic when a producer asks for it; a real one must not."""
    if settings.transactional:
        return new_consumer(settings)
    return Producer({"bootstrap.servers": settings.bootstrap, **settings.client_config})


def _count(metadata: ClusterMetadata, name: str) -> int:
    topic = metadata.topics.get(name)
    return 0 if topic is None or topic.error is not None else len(topic.partitions)
