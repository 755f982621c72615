"""The whole product on a broker: its topics, its reference data, its worker, its progress."""

import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.broker import fill
from benchmarks.install import ROOT
from benchmarks.measure import CORE, Child, Progress, group_progress
from streams import topics
from streams.admin.reference import example_shop, load_validated, publish_reference
from streams.admin.topics import apply_topics
from streams.settings import Settings, as_environment, load_settings
from tests.support.apache_kafka import ApacheKafka

PARTITIONS = 4
FROZEN = ("--no-learner", "--no-treasury")


class Shop:
    """Topics and the example shop's offers are there; `send` and `worker` use them."""

    def __init__(self, kafka: ApacheKafka, home: Path, **overrides: object) -> None:
        home.mkdir()
        self.kafka = kafka
        self._home = home
        self._sent: dict[str, int] = {}
        self.settings: Settings = load_settings(
            environment={},
            overrides={
                "bootstrap": kafka.bootstrap,
                "data_dir": str(home / "data"),
                "http.port": 0,
                "partitions": PARTITIONS,
                **overrides,
            },
        )
        apply_topics(self.settings)
        publish_reference(self.settings, load_validated(example_shop()))

    def send(self, topic: topics.Topic, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Write input."""
        fill(self.kafka.bootstrap, topic.name, records)

    def worker(self, workers: int = 1, core: int | None = CORE) -> Child:
        """`offerstream worker`, with the models as they are: nothing else on the core."""
        count = str(workers)
        return Child(
            [sys.executable, "-m", "streams", "worker", "--workers", count, *FROZEN],
            self._home / "log",
            environment={**as_environment(self.settings), "PYTHONPATH": str(ROOT)},
            core=core,
        )

    def progress(self, topic: topics.Topic) -> Progress:
        """Records of an input topic whose epochs are committed."""
        return group_progress(self.kafka.bootstrap, self.settings.application_id, topic.name)

    def said(self, topic: topics.Topic) -> int:
        """How many committed records an output topic has."""
        return len(self.kafka.read_all(topic.on_broker(self.settings.application_id)))
