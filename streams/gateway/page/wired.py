"""The parts of the page, wired: there only where operator tokens are set."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from litestar import Router
from msgspec import Struct

from streams.admin.budgets import budgets
from streams.admin.catalogue import commit, published, versions
from streams.admin.dead_letters import redrive
from streams.admin.waiting_letters import waiting_letter, waiting_letters
from streams.gateway.app import OWN_ORIGIN
from streams.gateway.outgoing import Out
from streams.gateway.page.asides import Asides, Asked, ask_program
from streams.gateway.page.case_book import CaseBook
from streams.gateway.page.case_pages import case_handlers
from streams.gateway.page.customer import customer_handlers
from streams.gateway.page.experiment import experiment_handlers
from streams.gateway.page.in_force import settings_handlers
from streams.gateway.page.kit import Kit
from streams.gateway.page.letters import AT_ONCE, Letters, letter_handlers
from streams.gateway.page.now import Now, now_handlers
from streams.gateway.page.offer_pages import Catalogue, Shown, offer_handlers
from streams.gateway.page.offer_trials import ReachBook
from streams.gateway.page.operators import Operators
from streams.gateway.page.place import check_place
from streams.gateway.page.problems import problem_handlers
from streams.gateway.page.records import Records, records_about
from streams.gateway.page.sessions import Sessions
from streams.gateway.page.signin import signin_handlers
from streams.gateway.page.workers import Workers
from streams.gateway.ways import Ways
from streams.settings import Settings
from streams.topics import REF_OFFERS

MENU: Final = ("/", "/customers", "/cases", "/offers", "/experiment", "/dead-letters", "/settings")


class Around(Struct, frozen=True):
    """What lies outside: clocks, a person's records, letters, offers (None: those of Kafka).

    `sessions_ms`: the time by which sessions end; None: the gateway's own. `asked` answers what
    takes long. `placements`: where the shop asks for offers; `currency`: its own, empty if unknown.
    """

    clock_s: Callable[[], float] = time.monotonic
    records_of: Callable[[Sequence[str]], Records] | None = None
    letters: Letters | None = None
    catalogue: Catalogue | None = None
    sessions_ms: Callable[[], int] | None = None
    asked: Asked = ask_program
    placements: Callable[[], tuple[str, ...]] = tuple
    currency: Callable[[], str] = str


NOTHING_SPECIAL: Final = Around()


def _letters_on(settings: Settings) -> Letters:
    return Letters(
        partial(waiting_letters, settings),
        partial(waiting_letter, settings),
        lambda choice: redrive(settings, choice, lambda _: None, AT_ONCE),
    )


def _catalogue_on(settings: Settings) -> Catalogue:
    return Catalogue(
        partial(published, settings),
        partial(published, settings, (REF_OFFERS.name,)),
        partial(versions, settings),
        partial(commit, settings),
        partial(budgets, settings),
    )


class Page:
    """What a gateway runs beside its ways in and out, so that people can look at it."""

    def __init__(
        self,
        settings: Settings,
        ways: Ways,
        out: Out,
        operators: Operators,
        around: Around = NOTHING_SPECIAL,
    ) -> None:
        sessions = Sessions(operators, around.sessions_ms or ways.clock_ms)
        self.kit = Kit(settings, ways, out, sessions, MENU)
        self.workers = Workers(settings, around.clock_s)
        self.cases = CaseBook(settings, ways.clock_ms)
        self.trials, self._counts = Asides(around.asked), Asides(around.asked)
        offers = Shown(
            self.kit,
            around.catalogue or _catalogue_on(settings),
            self.workers,
            self.trials,
            ReachBook(settings, self._counts),
        )
        self._following: asyncio.Task[None] | None = None
        self.router = Router(
            path="/",
            route_handlers=[
                *signin_handlers(self.kit, operators),
                *now_handlers(Now(self.kit, self.workers, self.cases)),
                *customer_handlers(
                    self.kit,
                    around.records_of or partial(records_about, settings),
                    around.placements,
                    around.currency,
                ),
                *case_handlers(self.kit, self.cases),
                *offer_handlers(offers),
                *experiment_handlers(self.kit, self.workers),
                *letter_handlers(self.kit, around.letters or _letters_on(settings)),
                *settings_handlers(self.kit),
            ],
            before_request=check_place(settings),
            exception_handlers=problem_handlers(self.kit),
            include_in_schema=False,
            opt={OWN_ORIGIN: True},
        )

    def start(self) -> None:
        """Begin, in the event loop that runs now."""
        self.cases.start()
        self._following = asyncio.create_task(self.workers.follow())

    async def stop(self) -> None:
        """End."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        await asyncio.to_thread(self.cases.stop)
        await asyncio.to_thread(self.trials.stop)
        await asyncio.to_thread(self._counts.stop)
