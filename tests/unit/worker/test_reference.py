"""What decisions stand on follows the topics; what is bad leaves the old one in force."""

from msgspec.structs import replace

from streams.contracts.internal.learning import ModelSnapshot
from streams.contracts.internal.learning_records import encode_snapshot
from streams.contracts.reference.records import encode_reference_record
from streams.contracts.reference.structs import Offer, Policies
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from streams.worker.reference import ReferenceState
from tests.support.small_shop import reference

SHOP = reference()
SNAPSHOTS = "offerstream-model-snapshots"


def small_shop() -> tuple[ReferenceState, Meter]:
    """The small shop, as it comes off the topics."""
    meter = Meter()
    found = ReferenceState(meter, lambda: 1_000.0)
    records: tuple[Offer | Policies, ...] = (*SHOP.offers, SHOP.policies)
    for record in records:
        found.take(*encode_reference_record(record))
    found.refresh()
    return found, meter


def test_records_become_the_reference_and_a_tombstone_withdraws() -> None:
    """The policy in use is made of what stands on the topics now."""
    found, meter = small_shop()
    assert found.reference() == SHOP
    assert meter.value(metrics.ARM_SHARE, "uniform") == 0.3
    before = found.view
    found.take("ref.offers", b"offer-1", None)
    assert found.view is before
    found.refresh()
    assert meter.value(metrics.REFERENCE_OFFERS) == 2
    assert found.view is not before


def test_a_bad_record_and_a_policy_that_does_not_compile_leave_the_old_one() -> None:
    """Both are counted, neither stops anything; a good record ends it."""
    found, meter = small_shop()
    before = found.view
    found.take("ref.offers", b"offer-1", b"{")
    found.refresh()
    assert found.view is before
    assert meter.value(metrics.REFERENCE_RECORDS, "ref.offers", "bad") == 1
    broken = replace(SHOP.offers[0], segment="nonsense((")
    found.take(*encode_reference_record(broken))
    found.refresh()
    assert found.view is before
    assert meter.value(metrics.REFERENCE_STALE) == 1
    found.take(*encode_reference_record(SHOP.offers[0]))
    found.refresh()
    assert meter.value(metrics.REFERENCE_STALE) == 0


def test_a_bad_snapshot_leaves_the_last_good_model() -> None:
    """Noise, a newer format, a tombstone: the models stay the same object."""
    found, meter = small_shop()
    before = found.view
    strange = ModelSnapshot(
        model="response",
        version="response-9",
        format=99,
        examples=9,
        trained_at_ms=0,
        parameters={},
        quality={"log_loss": 0.1, "log_loss_constant": 0.2, "calibration": 1.0},
    )
    for value in (b"\x80\x04\x95", b"{}", None, encode_snapshot(strange)):
        found.take(SNAPSHOTS, b"response", value)
    assert found.view is before
    assert meter.value(metrics.REFERENCE_RECORDS, "model-snapshots", "bad") == 3
