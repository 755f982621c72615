"""The ratio breaker: when nearly everything is bad, it is us or the producer, not the records."""

import time
from collections.abc import Callable

import structlog

from streams.errors import OperatorError
from streams.settings import BreakerSettings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

log = structlog.get_logger()


class BreakerOpenError(OperatorError):
    """Nearly all records of a window were bad; work stopped before the dead letters fill up."""


class Breaker:
    """Counts bad records over windows of a fixed number of records."""

    def __init__(
        self, settings: BreakerSettings, meter: Meter, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock`: Unix time in seconds, to know until when everything is let through."""
        self._settings = settings
        self._meter = meter
        self._clock = clock
        self._until_s = settings.accept_bad_until.timestamp()
        self._seen = 0
        self._bad = 0
        meter.set(metrics.BREAKER, value=0)

    def saw(self, *, bad: bool) -> None:
        """Count one record (or a timer that failed).

        Raises:
            BreakerOpenError: the window is full and too much of it is bad.
        """
        self._seen += 1
        self._bad += bad
        if self._seen >= self._settings.window_records:
            self._judge()

    def _judge(self) -> None:
        share = self._bad / self._seen
        seen, self._seen, self._bad = self._seen, 0, 0
        self._meter.set(metrics.BAD_SHARE, value=share)
        if share < self._settings.bad_ratio_max:
            return
        if self._clock() < self._until_s:
            log.warning("breaker_lets_through", bad_ratio=round(share, 3), until=self._until())
            return
        self._meter.set(metrics.BREAKER, value=1)
        raise BreakerOpenError(
            f"{share:.0%} of the last {seen} records could not be read or processed, so the worker "
            "stopped. See `offerstream dead-letters list` and mend the producer. What lies there "
            "is met again: to let it pass to the dead letters, start once with "
            "`offerstream worker --accept-bad MINUTES`"
        )

    def _until(self) -> str:
        return self._settings.accept_bad_until.isoformat()
