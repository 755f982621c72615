"""The gateway's ways out over `process` itself and rows in memory, in the place of Kafka."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import jwt
from litestar.testing import TestClient

from streams import topics
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import LeaseTold, OfferDecided, QuestionAnswered
from streams.contracts.outputs.encode import OutputMessage, encode_output
from streams.contracts.outputs.replies import Reply
from streams.customer import Row
from streams.decisions import Policy
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.admission import Admission, read_keys
from streams.gateway.app import build_app
from streams.gateway.asker import Askers
from streams.gateway.asking import Asking
from streams.gateway.board import Board
from streams.gateway.customers import LogBook, customer_handler
from streams.gateway.following import Following
from streams.gateway.intake import Intake
from streams.gateway.outgoing import Out, handlers_of
from streams.gateway.outward import read_token_keys
from streams.gateway.rates import Rates
from streams.gateway.replies import Replies
from streams.gateway.ways import Ways
from streams.identity import key_of
from streams.leases import Lease
from streams.leases.in_memory import KEY as LEASE_KEY
from streams.leases.in_memory import TreasuryInMemory
from streams.models import initial_models
from streams.pipeline import World, process
from streams.settings import GatewaySettings, Settings
from streams.worker.meter import Meter
from tests.unit.decisions.people import T0, offer, rule, shop, someone

KEY, SERVER_KEY = "web-key-0123456789", "till-key-0123456789"
TOKEN_KEY, OLD_TOKEN_KEY = "k" * 32, "o" * 32
SETTINGS = GatewaySettings(
    write_keys=f"web={KEY} till:server={SERVER_KEY}",
    token_keys=f"new={TOKEN_KEY} old={OLD_TOKEN_KEY}",
    body_bytes_max=20_000,
    allowed_origins="https://shop.example",
)
SHOP = shop(offer("tea"), rules=(rule("banner", kind="offer_requested", placement="banner"),))
PATIENCE_MS = 5_000
"""So long a caller waits who says nothing else: answers come at once, but on a busy machine."""
QUESTION: dict[str, Any] = {
    "person": {"customer_id": "c-1"},
    "placement": "banner",
    "channel": "app",
}


class Message:
    """A record as a consumer gives it."""

    def __init__(self, sent: OutputMessage, offset: int) -> None:
        self._sent, self._offset = sent, offset

    def topic(self) -> str:
        """Its topic."""
        return self._sent.topic

    def partition(self) -> int:
        """One is enough here."""
        return 0

    def offset(self) -> int:
        """Its place."""
        return self._offset

    def value(self) -> bytes | None:
        """What it says."""
        return self._sent.value

    def headers(self) -> list[tuple[str, bytes]]:
        """Its headers."""
        return list(self._sent.headers)


class Engine:
    """Stands for Kafka and the worker."""

    def __init__(self, reference: Policy = SHOP) -> None:
        self.reference = reference
        self.outputs: list[OutputMessage] = []
        self.now_ms = T0
        self.rows: dict[str, Row | None] = {"c-1": someone()}
        self.treasury = TreasuryInMemory()
        self.replies = Replies(Settings(), self._late)
        self.replies.reachable = True
        self.board = Board(lambda: self.now_ms)
        self.following = Following(Settings(), self.board, lambda: self.now_ms)
        self.following.take([], ended=True)
        self.away = False
        self.held: list[Reply] | None = None
        self.records: list[OutputMessage] = []
        self.asking: Asking | None = None

    async def send(self, messages: Sequence[OutputMessage]) -> None:
        """Take what was sent to its end; answers come back, or are held."""
        if self.away:
            raise NotAcknowledgedError("away")
        for message in messages:
            self._taken(message)

    def say(self, topic: topics.Topic, event: dict[str, Any]) -> None:
        """An event from elsewhere."""
        value = json.dumps({"channel": "web", **event}).encode()
        self._taken(OutputMessage(topic.name, None, value))

    def _taken(self, message: OutputMessage) -> None:
        event = decode(
            message.topic, message.value, message.headers, InputRules(now_ms=self.now_ms)
        )
        assert not isinstance(event, Rejected), event
        self._follow(message)
        granted = self.treasury.look(self.reference.budgets, self.now_ms)
        waiting: list[tuple[str, Any]] = [(key_of(one), one) for one in (*granted, event)]
        while waiting:
            key, one = waiting.pop(0)
            lease = self.rows.get(LEASE_KEY)
            assert lease is None or isinstance(lease, Lease)
            world = World(initial_models(), self.reference, lease=lease)
            step = process(one, self.rows.get(key), world)
            if step.lease is not None:
                self.rows[LEASE_KEY] = step.lease
            self.rows[key] = step.row
            for effect in step.effects:
                if isinstance(effect, LeaseTold):
                    words = self.treasury.answer(effect.report)
                    waiting.extend([(key_of(word), word) for word in words])
                if (written := encode_output(effect)) is not None:
                    self.outputs.append(written)
                if isinstance(effect, OfferDecided) and (out := encode_output(effect)):
                    self._follow(out)
                routed = getattr(effect, "message", None)
                if routed is not None:
                    waiting.append((key_of(routed), routed))
            said = [e.reply for e in step.effects if isinstance(e, QuestionAnswered)]
            if self.held is None:
                self.replies.take(said)
            else:
                self.held += said

    def _follow(self, message: OutputMessage) -> None:
        self.records.append(message)
        read = Message(message, len(self.records))
        if message.topic in ("next-best-offers", "events.offer-feedback", "privacy.requests"):
            self.following.take([read], ended=True)

    def _late(self, reply: Reply) -> None:
        assert self.asking is not None
        self.asking.late(reply)


class Door:
    """The application over the engine."""

    def __init__(self, reference: Policy = SHOP) -> None:
        engine, meter = Engine(reference), Meter()
        self.engine = engine
        admission = Admission(SETTINGS, read_keys(SETTINGS), Rates(10_000, lambda: 0.0))
        asking = engine.asking = Asking(engine, meter, PATIENCE_MS, lambda: engine.now_ms)
        intake = Intake(engine, meter, 0, lambda: engine.now_ms)
        self.ways = ways = Ways(
            SETTINGS, admission, intake, meter, lambda: engine.now_ms, lambda: ""
        )
        tokens = read_token_keys(SETTINGS)
        askers = Askers(admission, tokens, lambda: engine.now_ms, engine.board.erased_s)
        self.out = out = Out(asking, engine.replies, askers, engine.board, engine)
        log_book = LogBook(Settings())
        self.handlers = [*handlers_of(ways, out), customer_handler(ways, out, log_book)]

    @cached_property
    def client(self) -> TestClient[Any]:
        """Who asks; most doors of the page build an application of their own instead."""
        return TestClient(build_app(self.ways, self.handlers))

    def post(self, body: object, key: str = SERVER_KEY, path: str = "/v1/decide") -> Any:
        """An answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=data, headers={"authorization": f"Bearer {key}"})

    def offers(self, person: str, key: str = SERVER_KEY) -> Any:
        """The answer about what is valid now."""
        headers = {"authorization": f"Bearer {key}"}
        return self.client.get(f"/v1/customers/{person}/offers", headers=headers)

    def token(self, person: str, **claims: Any) -> str:
        """As the shop's backend makes it."""
        return token(person, self.engine.now_ms / 1_000, **claims)


def token(
    person: str, now_s: float, key: str = TOKEN_KEY, kid: str | None = "new", **claims: Any
) -> str:
    """A token of ten minutes; a claim that is None is left out."""
    made = {"sub": person, "aud": "offerstream", "iat": now_s, "exp": now_s + 600, **claims}
    said = {name: value for name, value in made.items() if value is not None}
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(said, key, algorithm="HS256", headers=headers)
