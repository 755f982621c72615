"""When the next request may go: pauses that grow, by chance shorter, and a destination at rest."""

from typing import Final

from msgspec import Struct

from streams.delivery.destinations import Retrying

FAILURES_TO_REST: Final = 3
RETRY_AFTER_S_MAX: Final = 21_600.0
_DOUBLINGS_MAX: Final = 40


def pause_s(retry: Retrying, failures: int, draw: float) -> float:
    """How long to wait after so many failures in a row; `draw` in [0, 1) spreads the requests.

    >>> [pause_s(Retrying(first_s=4, longest_s=20), n, 0.5) for n in (1, 2, 3, 4)]
    [3.0, 6.0, 12.0, 15.0]
    """
    whole = min(retry.longest_s, retry.first_s * 2.0 ** min(failures - 1, _DOUBLINGS_MAX))
    return whole * (1.0 + draw) / 2.0


class Rest(Struct):
    """Whether a destination as a whole is asked at the moment.

    After `FAILURES_TO_REST` failures in a row, whoever they were of, nothing is sent for a pause;
    then one request goes and tells whether it is back. Nobody is asked before `until_s` (429).
    """

    failures: int = 0
    until_s: float = 0.0

    def room(self, now_s: float, concurrency: int) -> int:
        """How many requests may be on their way now."""
        if now_s < self.until_s:
            return 0
        return 1 if self.failures >= FAILURES_TO_REST else concurrency

    def answered(self) -> None:
        """It answers: all is well again."""
        self.failures, self.until_s = 0, 0.0

    def failed(self, now_s: float, retry: Retrying, draw: float) -> None:
        """A request failed by the destination's fault."""
        self.failures += 1
        if self.failures >= FAILURES_TO_REST:
            over = self.failures - FAILURES_TO_REST + 1
            self.until_s = max(self.until_s, now_s + pause_s(retry, over, draw))

    def asked_for_time(self, now_s: float, wait_s: float) -> None:
        """It said when to come again (`Retry-After`)."""
        self.until_s = max(self.until_s, now_s + min(wait_s, RETRY_AFTER_S_MAX))
