"""Work that blocks and costs much: a few at a time, no long wait, ended with its request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Final, TypeVar

from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest

WAIT_S_MAX: Final = 10.0

Stopped = Callable[[], bool]
FoundT = TypeVar("FoundT")


@asynccontextmanager
async def turn_of(turns: asyncio.Semaphore | asyncio.Lock) -> AsyncIterator[None]:
    """A turn, once there is one.

    Raises:
        RequestRefusedError: others have had them all for too long.
    """
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            await turns.acquire()
    except TimeoutError as error:
        raise RequestRefusedError(503, "busy", "others ask for the same just now") from error
    try:
        yield
    finally:
        turns.release()


async def while_wanted(request: AnyRequest, work: Callable[[Stopped], FoundT]) -> FoundT:
    """What `work` finds in a thread; it is told to stop once nobody waits for the answer.

    The turn is kept until the thread has ended, whatever becomes of the request.
    """
    stopped = Event()
    watching = asyncio.create_task(_stop_with(request, stopped))
    working = asyncio.create_task(asyncio.to_thread(work, stopped.is_set))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([working])
        raise
    finally:
        watching.cancel()


async def _stop_with(request: AnyRequest, stopped: Event) -> None:
    """Set `stopped` when whoever asked has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    stopped.set()
