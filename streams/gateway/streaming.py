"""Server-sent events: each valid offer once, then each new one; a heartbeat while nothing comes.

An event's id is the offer's place on its topic, the same for every gateway and after every restart:
a client that says the last one that it has seen goes on behind it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from streams.gateway.board import Board, Held, Watcher
from streams.gateway.shown import shown

HEARTBEAT: Final = b": still here\n\n"
RETRY: Final = b"retry: 1000\n\n"


async def events_of(
    board: Board, watcher: Watcher, heartbeat_s: float, left_s: Callable[[], float]
) -> AsyncIterator[bytes]:
    """What goes over the wire, until the watcher is sent away or its time is over.

    Args:
        board: which forgets the watcher at the end.
        watcher: with what waits for it.
        heartbeat_s: after so long without an offer the line is shown to be alive.
        left_s: how long the watcher may still listen, as its token has it.
    """
    yield RETRY
    try:
        while (left := left_s()) > 0:
            try:
                held = await asyncio.wait_for(watcher.queue.get(), min(heartbeat_s, left))
            except TimeoutError:
                yield HEARTBEAT
                continue
            if held is None:
                return
            yield event_of(held)
    finally:
        board.unwatch(watcher)


def event_of(held: Held) -> bytes:
    """One offer as an event; JSON has no line breaks of its own here."""
    data = msgspec.json.encode(shown(held.offer))
    return b"event: offer\nid: %s\ndata: %s\n\n" % (str(held.place).encode(), data)
