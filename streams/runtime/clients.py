"""The librdkafka clients of one partition, with the settings that were measured to matter."""

import logging
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient

from streams.runtime.settings import RuntimeSettings

# The embedded broker looks no sooner for what has come since.
EMBEDDED_FETCH_WAIT_MS = 25
_LOG = logging.getLogger("librdkafka")
_ALERTS_ONLY = 1
Value = str | int | float | bool
Config = dict[str, Value]


def new_producer(settings: RuntimeSettings, partition: int) -> Producer:
    """A producer; in transactional mode its id is the application's and the partition's.

    `retry.backoff.ms` must be small: with the default 100 every transaction first waits out
    `CONCURRENT_TRANSACTIONS` of the one before.

    Nothing is sent before `flush`. The client has one request to a partition on its way, and asks
    without a pause whether it is answered where more waits whose time has come: half a core, for
    as long as a large epoch takes.
    """
    config: Config = {
        **_common(settings),
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 500,
        "batch.size": 1_000_000,
        "batch.num.messages": 1_000_000,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 512 * 1024,
        "retry.backoff.ms": 2,
        "retry.backoff.max.ms": 200,
    }
    if settings.transactional:
        config["transactional.id"] = transactional_id(settings, partition)
        config["transaction.timeout.ms"] = round(settings.transaction_timeout_s * 1000)
    else:
        config["message.timeout.ms"] = 60_000
    return Producer({**config, **settings.client_config}, logger=_log_of(partition))


def new_consumer(
    settings: RuntimeSettings,
    *,
    end_events: bool = False,
    reset: str = "earliest",
    partition: int | None = None,
    errors: Callable[[KafkaError], None] | None = None,
    quiet: bool = False,
) -> Consumer:
    """A consumer that is assigned by hand; the group's id serves the committed offsets only.

    `reset` says what to do where a position is not there any more: go on elsewhere, or `error`.
    `partition` goes into its log lines. `errors` is told what goes wrong with connections; `quiet`:
    the log is not told as well.
    """
    config: Config = {
        **_common(settings),
        "group.id": settings.application_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": reset,
        "isolation.level": "read_committed",
        "enable.partition.eof": end_events,
        "fetch.queue.backoff.ms": 5,
        "fetch.wait.max.ms": 500 if settings.transactional else EMBEDDED_FETCH_WAIT_MS,
        "fetch.error.backoff.ms": 50,
        "queued.max.messages.kbytes": settings.fetch_queue_kbytes,
        "allow.auto.create.topics": not settings.transactional,
    }
    if quiet:
        config["log_level"] = _ALERTS_ONLY
    told = {} if errors is None else {"error_cb": errors}
    return Consumer({**config, **settings.client_config, **told}, logger=_log_of(partition))


def arrived(consumer: Consumer, wait_s: float, records_max: int) -> list[Message]:
    """The next record within `wait_s`, and what is there behind it: a full batch is not waited for.

    Returns:
        Records and the client's events (errors, ends of partitions); none if nothing came.
    """
    messages: list[Message] = consumer.consume(1, wait_s)
    if messages:
        messages += consumer.consume(records_max - 1, 0)
    return messages


def new_admin(settings: RuntimeSettings) -> AdminClient:
    """A client that asks about topics and offsets."""
    return AdminClient({**_common(settings), **settings.client_config}, logger=_LOG)


def transactional_id(settings: RuntimeSettings, partition: int) -> str:
    """Whoever initializes this id owns the partition; everybody else is fenced."""
    return f"{settings.application_id}-{partition}"


def kafka_python_names(config: Mapping[str, Value]) -> dict[str, object]:
    """Librdkafka's address and security settings in kafka-python's words; others are left out.

    >>> kafka_python_names({"bootstrap.servers": "a:9092,b:9092", "sasl.username": "shop"})
    {'bootstrap_servers': ['a:9092', 'b:9092'], 'sasl_plain_username': 'shop'}
    """
    known = {
        "client_id": config.get("client.id"),
        "security_protocol": config.get("security.protocol"),
        "sasl_mechanism": config.get("sasl.mechanism", config.get("sasl.mechanisms")),
        "sasl_plain_username": config.get("sasl.username"),
        "sasl_plain_password": config.get("sasl.password"),
        "ssl_cafile": config.get("ssl.ca.location"),
        "ssl_certfile": config.get("ssl.certificate.location"),
        "ssl_keyfile": config.get("ssl.key.location"),
        "ssl_password": config.get("ssl.key.password"),
    }
    return {
        "bootstrap_servers": str(config["bootstrap.servers"]).split(","),
        **{name: value for name, value in known.items() if value is not None},
    }


def _log_of(partition: int | None) -> "logging.Logger | logging.LoggerAdapter[logging.Logger]":
    """Where a client's own lines go: a line of a partition's client says which."""
    return _LOG if partition is None else logging.LoggerAdapter(_LOG, {"partition": partition})


def _common(settings: RuntimeSettings) -> Config:
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.application_id,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
    }


def kafka_python_config(settings: RuntimeSettings) -> dict[str, object]:
    """How kafka-python reaches the broker that the others are told of."""
    return kafka_python_names({**_common(settings), **settings.client_config})
