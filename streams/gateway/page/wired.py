"""The parts of the page, wired: there only where operator tokens are set."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from litestar import Router

from streams.gateway.outgoing import Out
from streams.gateway.page.case_book import CaseBook
from streams.gateway.page.kit import Kit, check_place
from streams.gateway.page.now import Now, now_handlers
from streams.gateway.page.operators import Operators
from streams.gateway.page.problems import problem_handlers
from streams.gateway.page.sessions import Sessions
from streams.gateway.page.signin import signin_handlers
from streams.gateway.page.workers import Workers
from streams.gateway.ways import Ways
from streams.settings import Settings

MENU: Final = ("/",)


class Page:
    """What a gateway runs beside its ways in and out, so that people can look at it."""

    def __init__(
        self,
        settings: Settings,
        ways: Ways,
        out: Out,
        operators: Operators,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kit = Kit(settings, ways, out, Sessions(operators, ways.clock_ms), MENU)
        self.workers = Workers(settings, clock_s)
        self.cases = CaseBook(settings, ways.clock_ms)
        self._following: asyncio.Task[None] | None = None
        self.router = Router(
            path="/",
            route_handlers=[
                *signin_handlers(self.kit, operators),
                *now_handlers(Now(self.kit, self.workers, self.cases)),
            ],
            before_request=check_place(settings),
            exception_handlers=problem_handlers(self.kit),
            include_in_schema=False,
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
