"""The ratio breaker: when nearly everything is bad, it is us or the producer, not the records."""

from streams.errors import OperatorError
from streams.settings import BreakerSettings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter


class BreakerOpenError(OperatorError):
    """Nearly all records of a window were bad; work stopped before the dead letters fill up."""


class Breaker:
    """Counts bad records over windows of a fixed number of records."""

    def __init__(self, settings: BreakerSettings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter
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
        self._meter.set(metrics.BREAKER, value=1)
        raise BreakerOpenError(
            f"{share:.0%} of the last {seen} records could not be read or processed, so the worker "
            "stopped. See `offerstream dead-letters list`, mend the producer, start again; "
            "breaker.bad_ratio_max 1 lets everything through to the dead letters"
        )
