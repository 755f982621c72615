"""Waiting for client calls in threads, not for ever: librdkafka does not always keep its time."""

import asyncio
import time
from typing import Any, TypeVar

from streams.runtime.faults import BrokerError
from streams.runtime.group.session import Session
from streams.runtime.state.restore import Restored

R = TypeVar("R")
_LOOK_S = 0.5


class StalledError(BrokerError):
    """An opening does not get on: a thread is inside its clients, which nobody may close then."""


async def returned(number: int, running: "asyncio.Future[Any]", patience_s: float) -> None:
    """Wait until a call has ended, well or not; `number` is the partition's.

    Raises:
        BrokerError: it hangs; only the end of the process helps.
    """
    if running.done():
        return
    if not (await asyncio.wait([running], timeout=max(1.0, patience_s)))[0]:
        raise BrokerError(f"partition {number}: a client call does not return")


async def opened_in_time(
    number: int, opening: "asyncio.Future[Restored]", session: Session[R], stalled_after_s: float
) -> Restored:
    """What the opening restored; it may take long, but must get on.

    Raises:
        StalledError: no step ended for so long; only the end of the process helps.
    """
    while not (await asyncio.wait([opening], timeout=_LOOK_S))[0]:
        stalled_s = time.monotonic() - session.progressed_s
        if stalled_s > stalled_after_s:
            raise StalledError(
                f"partition {number}: opening hangs for {stalled_s:.0f} s in: {session.doing}"
            )
    return opening.result()
