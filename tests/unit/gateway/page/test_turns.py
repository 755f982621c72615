"""Costly reading ends with the request that asked for it, and nobody waits for it for ever."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from litestar import Request

from streams.gateway.page import turns
from streams.gateway.page.turns import turn_of, while_wanted
from streams.gateway.refusals import RequestRefusedError


def request_that(*events: str) -> Any:
    """A request whose connection tells these events, and then nothing more."""
    left = list(events)

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return {"type": left.pop(0), "body": b"", "more_body": False}

    scope: Any = {"type": "http"}
    return Request(scope=scope, receive=receive)


def until(stopped: Callable[[], bool]) -> str:
    """Work that goes on until it is told to stop, or for two seconds."""
    end_s = time.monotonic() + 2
    while not stopped() and time.monotonic() < end_s:
        time.sleep(0.01)
    return "stopped" if stopped() else "done"


def test_a_request_that_is_gone_stops_the_reading() -> None:
    """At once, not when all is read."""
    assert asyncio.run(while_wanted(request_that("http.request", "http.disconnect"), until)) == (
        "stopped"
    )


def test_a_request_that_waits_gets_what_was_found() -> None:
    """However the reading ends."""
    assert asyncio.run(while_wanted(request_that("http.request"), lambda _: "found")) == "found"


def test_who_waits_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the turn goes on to whoever comes when it is free again."""
    monkeypatch.setattr(turns, "WAIT_S_MAX", 0.05)

    async def both() -> None:
        turn = asyncio.Semaphore(1)
        async with turn_of(turn):
            with pytest.raises(RequestRefusedError, match="just now"):
                async with turn_of(turn):
                    pass
        async with turn_of(turn):
            pass

    asyncio.run(both())
