"""An offer's wait ends with the commit of the epoch that holds its record, and with no other."""

from streams.runtime.records import Record
from streams.telemetry import catalogue as metrics
from streams.worker.latency import OfferLatency
from streams.worker.meter import Meter


def records(*offsets: int) -> list[Record]:
    """Records of one topic."""
    return [Record("events.app", 0, offset, 0, None, None, ()) for offset in offsets]


def counted(meter: Meter) -> float:
    """How many offers were observed."""
    text = meter.exposition().decode()
    name = metrics.EVENT_TO_OFFER.name + "_count "
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return float(lines[0].split()[-1]) if lines else 0.0


def test_an_offer_of_the_next_batch_waits_for_the_next_commit() -> None:
    """The batch that is computed while a commit is on its way is not counted with it."""
    meter = Meter()
    latency = OfferLatency(meter)
    latency.begin(0, records(0, 1))
    latency.decided(0, 0)
    latency.begin(0, records(2))
    latency.decided(0, 0)
    latency.committed(0, 2)
    assert counted(meter) == 1
    latency.committed(0, 1)
    assert counted(meter) == 2


def test_a_dropped_epoch_is_seen_by_its_records_coming_again() -> None:
    """Its offers are forgotten, and the abort is counted once."""
    meter = Meter()
    latency = OfferLatency(meter)
    latency.begin(0, records(0, 1, 2))
    latency.decided(0, 0)
    latency.begin(0, records(0, 1))
    latency.decided(0, 0)
    latency.committed(0, 2)
    assert counted(meter) == 1
    assert meter.value(metrics.COMMITS, "aborted") == 1
