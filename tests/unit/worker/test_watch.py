"""The watch: what is read off the runtime for every scrape."""

from types import SimpleNamespace
from typing import Any

from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.worker.http import Health
from streams.worker.meter import Meter
from streams.worker.watch import Watch


def test_the_standby_furthest_behind_is_shown() -> None:
    """One that cannot follow now (its lag is not known) is missing from the count."""
    lag: dict[int, int | None] = {0: 12, 3: 700, 5: None}
    runtime: Any = SimpleNamespace(owned={}, standby_lag=lambda: lag)
    meter = Meter()
    Watch(Settings(), runtime, meter, lambda: Health(True, "ok"), dict)
    text = meter.exposition().decode()
    assert "offerstream_partitions_standby 2.0" in text
    assert "offerstream_standby_lag_records 700.0" in text
    lag.clear()
    meter.exposition()
    assert meter.value(metrics.STANDBYS) == meter.value(metrics.STANDBY_LAG) == 0
