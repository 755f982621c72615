"""Turns: how many urgent commits of a process run at the same time.

Whatever is urgent wants its epoch to end at once. Where much is, a transaction for each costs more
than the work itself. Who waits for a turn gathers more meanwhile, so that under load transactions
grow instead of multiplying.
"""

import asyncio
from collections import deque

Turn = asyncio.Future[None]


class Turns:
    """First come, first served; used by one event loop.

    >>> async def three_want_two() -> list[bool]:
    ...     turns = Turns(at_once=2)
    ...     first, second, third = turns.ask(), turns.ask(), turns.ask()
    ...     before = third.done()
    ...     turns.give_back(first)
    ...     return [second.done(), before, third.done()]
    >>> asyncio.run(three_want_two())
    [True, False, True]
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: deque[Turn] = deque()

    def ask(self) -> Turn:
        """A future that is done when it is one's turn; give it back in any case, once."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._grant()
        return turn

    def give_back(self, turn: Turn) -> None:
        """Let the next one have it, or stop waiting."""
        if turn.done():
            self._free += 1
            self._grant()
        else:
            self._waiting.remove(turn)
            turn.cancel()

    def _grant(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            self._waiting.popleft().set_result(None)
