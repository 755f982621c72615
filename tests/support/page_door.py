"""The page over `process` itself and rows in memory, in the place of Kafka and workers."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar.testing import TestClient
from msgspec.structs import replace

from streams import topics
from streams.admin.aside import Answer, AskReach, Question
from streams.admin.catalogue import Change, OvertakenError, Version
from streams.admin.dead_letters import Choice, Letter, count_by_reason
from streams.admin.reach import counted
from streams.admin.trying import try_change
from streams.admin.waiting_letters import Waiting
from streams.contracts.internal.budgets import BudgetTold
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import ChurnAlert
from streams.contracts.sources.records import RecordReader
from streams.decisions import Policy
from streams.gateway.app import build_app
from streams.gateway.page.asides import Stopped
from streams.gateway.page.letters import Letters
from streams.gateway.page.offer_pages import Catalogue
from streams.gateway.page.operators import read_operators
from streams.gateway.page.records import READ, Records
from streams.gateway.page.wired import Around, Page
from streams.gateway.page.workers import EVERY_S, read_exposition
from streams.settings import GatewaySettings, Settings
from streams.worker.meter import Meter
from tests.support.asking import SETTINGS, SHOP, Door, Message
from tests.unit.decisions.people import someone

ACT_TOKEN, VIEW_TOKEN = "act-token-0123456789abcdef", "view-token-0123456789abcdef"
TOKENS = f"ana:act={ACT_TOKEN} ben={VIEW_TOKEN}"
NAMES = {topic.name for topic in READ}
WORKERS = ("worker-1:9100", "worker-2:9100")


class Shelf:
    """A catalogue and its versions, in the place of their topics."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, bytes]] = {}
        self.kept: list[Version] = []
        self.before_commit: Callable[[Sequence[Change], str], int] | None = None
        self.budgets: dict[str, BudgetTold] = {}
        self.catalogue = Catalogue(
            lambda: self.there,
            lambda: self.there,
            lambda: self.kept,
            self._asked_to_commit,
            lambda: self.budgets,
        )

    def _asked_to_commit(self, wanted: Sequence[Change], why: str) -> int:
        return (self.before_commit or self.commit)(wanted, why)

    def commit(self, wanted: Sequence[Change], why: str) -> int:
        """Make the changes, and keep what they replace."""
        if any(self.there.get(c.topic, {}).get(c.key) != c.before for c in wanted):
            raise OvertakenError
        number = len(self.kept) + 1
        for change in wanted:
            records = self.there.setdefault(change.topic, {})
            records.pop(change.key, None)
            if change.after is not None:
                records[change.key] = change.after
        undo = tuple(Change(c.topic, c.key, None, c.before) for c in wanted)
        self.kept = [Version(number, 1_780_315_200_000 + number, why, undo), *self.kept]
        return number


class PageDoor:
    """The gateway's application with the page; `client` keeps cookies as a browser does."""

    def __init__(self, reference: Policy = SHOP, archive_dir: str = "nowhere", **more: Any) -> None:
        self.gateway: GatewaySettings = replace(
            SETTINGS, operator_tokens=TOKENS, page_workers=",".join(WORKERS), **more
        )
        self.settings = replace(Settings(), gateway=self.gateway, archive_dir=archive_dir)
        self.door = Door(reference)
        self.at_s = 0.0
        self.letters: list[Letter] = []
        self.shelf = Shelf()
        self.page = Page(
            self.settings,
            self.door.ways,
            self.door.out,
            read_operators(self.gateway),
            Around(
                lambda: self.at_s,
                self.records_of,
                Letters(self.letters_told, self.one_letter, self.drive_again),
                self.shelf.catalogue,
                asked=self.asked,
                placements=lambda: tuple(one.rule.placement for one in reference.triggers),
                currency=lambda: reference.policies.currency,
            ),
        )
        self.page.cases.take([], ended=True)
        self.app = build_app(self.door.ways, [*self.door.handlers, self.page.router])
        self.peer = "127.0.0.1"
        self.client: TestClient[Any] = TestClient(self._from_peer, base_url="http://127.0.0.1:8080")
        self.client.follow_redirects = False

    async def _from_peer(self, scope: Any, receive: Any, send: Any) -> None:
        """The application, asked from the address `peer`."""
        scope["client"] = (self.peer, 50_000)
        await self.app(scope, receive, send)

    def login(self, token: str = ACT_TOKEN) -> None:
        """Log in."""
        answer = self.post("/login", token=token)
        assert answer.status_code == 303, answer.text

    def get(self, path: str, **headers: str) -> Any:
        """An answer; `_` in a header's name is `-`."""
        return self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, **form: str) -> Any:
        """The answer to a form."""
        return self.client.post(path, data=form)

    def form_token(self) -> str:
        """What forms of this session carry."""
        session = self.page.kit.sessions.read(self.client.cookies["offerstream_session"])
        assert session is not None
        return session.form_token

    def worker(self, meter: Meter) -> None:
        """What the metrics of the one worker say, two seconds later."""
        self.seen(meter, WORKERS[0])
        self.tick()

    def seen(self, meter: Meter, address: str) -> None:
        """What the metrics of a worker say."""
        self.page.workers.take(address, *read_exposition(meter.exposition().decode()))

    def tick(self) -> None:
        """Two seconds pass."""
        self.at_s += EVERY_S
        self.page.workers.note()

    def knows(self, person: str) -> None:
        """Somebody who has agreed to everything."""
        self.door.engine.rows[person] = someone(customer_id=person)

    def records_of(self, ids: Sequence[str]) -> Records:
        """What the engine took and wrote about a person, in the place of topics."""
        engine = self.door.engine
        every = [*engine.records, *engine.outputs]
        found = [(m.topic, m.value or b"") for m in every if m.topic in NAMES]
        return Records([(t, v) for t, v in found if any(i.encode() in v for i in ids)])

    def letters_waiting(self, choice: Choice) -> list[Letter]:
        """Dead letters, in the place of their topic."""
        return [letter for letter in self.letters if choice.holds(letter)]

    def letters_told(self, choice: Choice, _: Callable[[], bool]) -> Waiting:
        """The same as the page's own reader tells them."""
        found = self.letters_waiting(choice)
        return Waiting(count_by_reason(found), tuple(reversed(found)))

    def one_letter(self, letter_id: str, _: Callable[[], bool]) -> Letter | None:
        """One of them."""
        return next(iter(self.letters_waiting(Choice((letter_id,)))), None)

    def drive_again(self, choice: Choice) -> int:
        """They wait no more."""
        gone = self.letters_waiting(choice)
        self.letters = [letter for letter in self.letters if letter not in gone]
        return len(gone)

    def asked(self, question: Question, _: Stopped) -> Iterator[Answer]:
        """What takes long is answered here, in the place of a program beside the gateway."""
        if isinstance(question, AskReach):
            log = [m for m in self.door.engine.outputs if m.topic == topics.DECISION_LOG.name]
            yield counted((m.value or b"" for m in log), {})
            return
        sides = question.before, question.after
        root = Path(self.settings.archive_dir)
        yield try_change(root, RecordReader(), sides, question.limits, lambda *_: None)

    def ask_for_an_offer(self, person: str) -> None:
        """An offer is asked for, and made."""
        question = {"person": {"customer_id": person}, "placement": "banner", "channel": "app"}
        answer = self.door.post({**question, "timeout_ms": 5_000}).json()
        assert answer["verdict"] == "offer", answer

    def alert(self, *alerts: ChurnAlert) -> None:
        """Alerts on their topic."""
        sent = [
            OutputMessage(topics.CHURN_ALERTS.name, b"", msgspec.json.encode(alert))
            for alert in alerts
        ]
        self.page.cases.take([Message(one, n) for n, one in enumerate(sent)], ended=True)
