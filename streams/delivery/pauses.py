"""When the next request may go: pauses that grow, by chance shorter, and a destination at rest."""

from typing import Final

from msgspec import Struct, field

from streams.delivery.destinations import Retrying

FAILED_TO_REST: Final = 3
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

    When records of `FAILED_TO_REST` customers have failed and none was answered in between, nothing
    is sent for a pause; then one request goes and tells whether it is back. One record that fails
    for ever is not the destination's fault. What it asked for itself (429) holds in any case.
    """

    failed_of: set[bytes] = field(default_factory=set)
    failures: int = 0
    rests_until_s: float = 0.0
    asked_until_s: float = 0.0

    @property
    def until_s(self) -> float:
        """Nothing is sent before."""
        return max(self.rests_until_s, self.asked_until_s)

    @property
    def resting(self) -> bool:
        """Whether it fails for whoever it is asked of."""
        return len(self.failed_of) >= FAILED_TO_REST

    def room(self, now_s: float, concurrency: int) -> int:
        """How many requests may be on their way now."""
        if now_s < self.until_s:
            return 0
        return 1 if self.resting else concurrency

    def answered(self) -> None:
        """It answers: all is well again."""
        self.failed_of.clear()
        self.failures, self.rests_until_s = 0, 0.0

    def failed(self, key: bytes, now_s: float, retry: Retrying, draw: float) -> None:
        """A request for a customer's record failed by the destination's fault."""
        if not self.resting:
            self.failed_of.add(key)
        if self.resting:
            self.failures += 1
            self.rests_until_s = now_s + pause_s(retry, self.failures, draw)

    def asked_for_time(self, now_s: float, wait_s: float) -> None:
        """It said when to come again (`Retry-After`)."""
        self.asked_until_s = max(self.asked_until_s, now_s + min(wait_s, RETRY_AFTER_S_MAX))
