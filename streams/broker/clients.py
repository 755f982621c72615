"""How this application reaches the broker: one configuration, said to each of the two clients."""

from confluent_kafka import Consumer

from streams.runtime.clients import Config, kafka_python_names
from streams.settings import Settings


def librdkafka_config(settings: Settings) -> Config:
    """How confluent-kafka reaches the broker."""
    security = settings.security
    config: Config = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": security.protocol,
    }
    if security.protocol.startswith("SASL"):
        config["sasl.mechanism"] = security.sasl_mechanism
        config["sasl.username"] = security.sasl_username
        config["sasl.password"] = security.password
    files = {
        "ssl.ca.location": security.ssl_ca_file,
        "ssl.certificate.location": security.ssl_certificate_file,
        "ssl.key.location": security.ssl_key_file,
    }
    return {**config, **{name: path for name, path in files.items() if path}}


def kafka_python_config(settings: Settings) -> dict[str, object]:
    """How kafka-python reaches the broker: what librdkafka is told, in other words."""
    return kafka_python_names(librdkafka_config(settings))


def new_reader(settings: Settings, group_id: str, more: Config | None = None) -> Consumer:
    """A consumer that is assigned by hand, commits nothing and sees what is committed only.

    Where its position was deleted it goes on at the oldest record that is there, unless `more` says
    otherwise: by itself librdkafka would go on at the end.
    """
    return Consumer(
        {
            **librdkafka_config(settings),
            "group.id": group_id,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "log_level": 2,
            **(more or {}),
        }
    )
