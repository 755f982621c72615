"""A gateway that the pages of a shop talk to, and what has arrived of them on the topics."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from streams import topics
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings
from tests.support.gateway_job import GatewayJob
from tests.support.read_back import records
from tests.support.shop_page import ShopPages


class House:
    """A gateway on one port, whatever becomes of it."""

    def __init__(self, settings: Settings, home: Path, pages: ShopPages) -> None:
        self._settings = replace(settings, log_level="info")
        self._home, self._pages = home, pages
        self.port = 0
        self.start()

    def start(self) -> None:
        """Begin, or begin anew."""
        self.gateway = GatewayJob(
            self._settings,
            self._home / "gateway.log",
            port=self.port,
            allowed_origins=self._pages.origin,
            heartbeat_s=0.5,
        )
        self.gateway.wait_until_ready()
        self.port = self.gateway.port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> str:
        """Where pages load the client from."""
        return f"{self.url}/client/offerstream.js"


@contextmanager
def without_worker(pages: ShopPages, home: Path) -> Iterator[tuple[EmbeddedBroker, House]]:
    """A gateway on the embedded broker; nobody decides."""
    with EmbeddedBroker() as broker:
        settings = replace(
            Settings(), bootstrap=broker.bootstrap, transactional=False, data_dir="nowhere"
        )
        house = House(settings, home, pages)
        yield broker, house
        assert house.gateway.process.stop() == 0


def told_of(broker: EmbeddedBroker | Settings, topic: topics.Topic) -> list[dict[str, Any]]:
    """The events on a topic, in the order of their times."""
    events = [json.loads(m.value()) for m in records(broker, topic.name)]
    return sorted(events, key=lambda event: str(event["event_id"]))


def arrived(
    broker: EmbeddedBroker | Settings, topic: topics.Topic, wanted: int
) -> list[dict[str, Any]]:
    """The events on a topic, once there are so many."""
    deadline = time.monotonic() + 60
    while len(found := told_of(broker, topic)) < wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found
