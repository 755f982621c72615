"""One person's log is read beside the requests, and holds up neither them nor the end."""

import asyncio
import threading

import pytest

from streams.admin.customer_log import CustomerLog
from streams.errors import OperatorError
from streams.gateway.customers import CustomerTold, LogBook
from streams.gateway.refusals import RequestRefusedError
from streams.settings import Settings

TOLD = CustomerTold(verdict="told", words=("first",))
FOUND = CustomerLog((), (), ("second",))


class Slow(LogBook):
    """Reads until it is let go."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.go = threading.Event()
        self.failure: Exception | None = None
        self.daemons: list[bool] = []

    def _read(self, person: str, decisions: int) -> CustomerLog:
        self.daemons.append(threading.current_thread().daemon)
        assert self.go.wait(10)
        if self.failure is not None:
            raise self.failure
        return FOUND


def test_what_is_found_is_added_again_and_again() -> None:
    """One request after the other, none is busy; the thread would not keep a process alive."""

    async def story() -> None:
        book = Slow()
        book.go.set()
        for _ in range(5):
            assert (await book.added(TOLD, "c-1", 3)).words == ("first", "second")
        assert book.daemons == [True] * 5

    asyncio.run(story())


def test_while_one_is_read_another_is_refused_also_when_nobody_waits_any_more() -> None:
    """Requests that are given up do not pile up threads; the loop ends with one on its way."""

    async def story() -> Slow:
        book = Slow()
        first = asyncio.create_task(book.added(TOLD, "c-1", 3))
        await asyncio.sleep(0)
        for _ in range(2):
            with pytest.raises(RequestRefusedError, match="another log"):
                await book.added(TOLD, "c-2", 3)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        return book

    book = asyncio.run(story())  # comes back though the thread still reads
    assert not book.go.is_set()
    book.go.set()


def test_what_cannot_be_read_is_503_and_the_next_may_ask() -> None:
    """A failed read is told as one, and blocks nothing."""

    async def story() -> None:
        book = Slow()
        book.go.set()
        book.failure = OperatorError("archive: /srv/archive cannot be read")
        with pytest.raises(RequestRefusedError) as refused:
            await book.added(TOLD, "c-1", 3)
        assert (refused.value.status, refused.value.code) == (503, "log_not_read")
        assert "/srv" not in refused.value.detail
        book.failure = None
        assert (await book.added(TOLD, "c-1", 3)).words == ("first", "second")

    asyncio.run(story())
