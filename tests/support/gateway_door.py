"""The gateway's application over a memory: every answer without a port or a Kafka."""

import json
from collections.abc import Sequence
from typing import Any

from litestar.testing import TestClient

from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.sources.tables import SHIPPED, Sources
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.admission import Admission, read_keys
from streams.gateway.app import build_app
from streams.gateway.intake import Intake
from streams.gateway.rates import Rates
from streams.gateway.shop_words import ShopWords
from streams.gateway.ways import Ways
from streams.settings import GatewaySettings, Settings
from streams.worker.meter import Meter

NOW_MS = 1_772_964_000_000  # 2026-03-08T10:00:00Z
KEY, SERVER_KEY = "web-key-0123456789", "till-key-0123456789"
SECRET = "shpss-0123456789abcdef"  # noqa: S105 - of this test alone
SETTINGS = GatewaySettings(
    write_keys=f"web={KEY} till:server={SERVER_KEY} a:shopify={SECRET} b:woocommerce={SECRET}",
    allowed_origins="https://shop.example",
    body_bytes_max=100_000,
    events_max=50,
)
AUTH = {"authorization": f"Bearer {KEY}"}


class Memory:
    """Records in a list, or a Kafka that is away."""

    def __init__(self) -> None:
        self.records: list[OutputMessage] = []
        self.away = False

    async def send(self, messages: Sequence[OutputMessage]) -> None:
        """Keep them."""
        if self.away:
            raise NotAcknowledgedError("away")
        self.records.extend(messages)


class Door:
    """The application over a memory."""

    def __init__(self, sources: Sources = SHIPPED) -> None:
        self.kafka, self.meter, self.shop_words = Memory(), Meter(), ShopWords(Settings())
        admission = Admission(SETTINGS, read_keys(SETTINGS), Rates(10_000, lambda: 0.0))
        words = self.shop_words
        intake = Intake(self.kafka, self.meter, 0, lambda: NOW_MS, lambda: words.words)
        ways = Ways(
            SETTINGS,
            admission,
            intake,
            self.meter,
            lambda: NOW_MS,
            lambda: "away" if self.kafka.away else "",
            sources,
        )
        self.app = build_app(ways)
        self.client: TestClient[Any] = TestClient(self.app)

    def post(self, path: str, body: object, **headers: str) -> Any:
        """An answer; `_` in a header's name is `-`."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = AUTH | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=data, headers=given)
