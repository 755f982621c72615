"""What a destination's counters show before anything was sent."""

from typing import get_args

from streams.contracts.outputs.payloads import ParkedReason
from streams.delivery.server import begin_to_count
from streams.worker.meter import Meter


def test_all_that_may_happen_is_exposed_at_zero() -> None:
    """So that the first webhook that is parked raises its alert, which asks for an increase."""
    meter = Meter()
    begin_to_count("crm", meter)
    text = meter.exposition().decode()
    for reason in get_args(ParkedReason):
        wanted = f'offerstream_delivery_parked_total{{destination="crm",reason="{reason}"}} 0.0'
        assert wanted in text.splitlines()
    assert 'offerstream_delivery_records_total{destination="crm",fate="parked"} 0.0' in text
    assert 'offerstream_delivery_stopped{destination="crm"} 0.0' in text
