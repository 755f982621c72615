"""The meter adds up and speaks Prometheus' text format."""

from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter


def test_counters_rise_gauges_are_set_histograms_observe() -> None:
    """The three kinds, as a scrape sees them."""
    meter = Meter()
    meter.count(metrics.PURCHASES, "policy")
    meter.count(metrics.PURCHASES, "policy", value=2)
    meter.set(metrics.ROWS, value=5)
    meter.set(metrics.ROWS, value=3)
    meter.observe(metrics.COMMIT_DURATION, value=0.003)
    meter.observe(metrics.COMMIT_DURATION, value=100.0)
    lines = meter.exposition().decode().splitlines()
    assert 'offerstream_purchases_total{arm="policy"} 3.0' in lines
    assert "offerstream_rows 3.0" in lines
    assert 'offerstream_epoch_commit_duration_seconds_bucket{le="0.002"} 0.0' in lines
    assert 'offerstream_epoch_commit_duration_seconds_bucket{le="0.004"} 1.0' in lines
    assert 'offerstream_epoch_commit_duration_seconds_bucket{le="+Inf"} 2.0' in lines
    assert "offerstream_epoch_commit_duration_seconds_count 2.0" in lines
    assert "offerstream_epoch_commit_duration_seconds_sum 100.003" in lines


def test_a_gauge_is_refreshed_before_a_scrape() -> None:
    """Ages and lags are read when somebody asks."""
    meter = Meter()
    meter.before_scrape(lambda: meter.set(metrics.PARTITIONS, value=4))
    assert b"offerstream_partitions_active 4.0" in meter.exposition()


def test_the_process_is_measured_too() -> None:
    """CPU time and memory come with every scrape."""
    assert b"process_cpu_seconds_total" in Meter().exposition()


def test_a_counter_is_there_before_it_has_counted() -> None:
    """Prometheus sees no increase in a series that is born at 1: the first alert would not show."""
    lines = Meter().exposition().decode().splitlines()
    assert 'offerstream_retention_outcomes_total{result="saved"} 0.0' in lines
    assert 'offerstream_events_misplaced_total{topic="events.app"} 0.0' in lines
    assert "offerstream_ticks_total 0.0" in lines
    assert not [line for line in lines if line.startswith("offerstream_events_total{")]


def test_what_was_counted_stands_among_the_zeros() -> None:
    """Also an arm of another name, which is counted as `other`."""
    meter = Meter()
    meter.count(metrics.PURCHASES, "holdout")
    meter.count(metrics.PURCHASES, "a-third-arm")
    counted = [
        line for line in meter.exposition().decode().splitlines() if "purchases_total{" in line
    ]
    assert sorted(counted) == [
        'offerstream_purchases_total{arm="holdout"} 1.0',
        'offerstream_purchases_total{arm="other"} 1.0',
        'offerstream_purchases_total{arm="policy"} 0.0',
        'offerstream_purchases_total{arm="uniform"} 0.0',
    ]


def test_a_first_rejected_record_is_seen_by_rate() -> None:
    """Every reason on every topic stands at 0 before anything was rejected."""
    assert b'events_rejected_total{reason="invalid_json",topic="events.app"} 0.0' in (
        Meter().exposition()
    )
