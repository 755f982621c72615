"""Who has the page open: as long as somebody has, the demo goes on."""

import time
from collections.abc import Callable
from typing import Final

AWAY_S: Final = 90.0  # browsers wake a page in the background once a minute
RELOAD_S: Final = 4.0
PAGES_MAX: Final = 1_000


class Guests:
    """Pages that ask for news; `cannot_wait`: somebody wants the present at once."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._until_s: dict[str, float] = {}
        self.cannot_wait = False

    def here(self, page: str) -> None:
        """A page has asked for news; those that are long gone make room."""
        now_s = self._clock_s()
        if page not in self._until_s and len(self._until_s) >= PAGES_MAX:
            self._until_s = {one: s for one, s in self._until_s.items() if s > now_s}
        if page in self._until_s or len(self._until_s) < PAGES_MAX:
            self._until_s[page] = now_s + AWAY_S

    def gone(self, page: str) -> None:
        """A page was closed, or is loaded anew."""
        if page in self._until_s:
            self._until_s[page] = self._clock_s() + RELOAD_S

    def any(self) -> bool:
        """Whether somebody is there."""
        now_s = self._clock_s()
        return any(until_s > now_s for until_s in tuple(self._until_s.values()))
