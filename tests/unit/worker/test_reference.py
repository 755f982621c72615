"""What decisions stand on follows the topics; what is bad leaves the old one in force."""

import pytest
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample, ModelSnapshot
from streams.contracts.internal.learning_records import encode_snapshot
from streams.contracts.reference.records import ReferenceRecord, encode_reference_record
from streams.contracts.reference.structs import Offer, Policies
from streams.models import Trainer
from streams.models.incremental_margin import PEOPLE_MIN
from streams.models.reliability import SILENCES, TENTHS
from streams.models.top_cases import ALL, TOPS
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.telemetry import labels as by
from streams.telemetry.catalogue.learning import TOP_CASES, TOP_PRECISION
from streams.worker.meter import Meter
from streams.worker.reference import ReferenceFollower, ReferenceState
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
    assert meter.value(metrics.REFERENCE_STALE) == 1
    broken = replace(SHOP.offers[0], segment="nonsense((")
    found.take(*encode_reference_record(broken))
    found.refresh()
    assert found.view is before
    assert meter.value(metrics.REFERENCE_STALE) == 1
    for offer in SHOP.offers[:2]:
        assert meter.value(metrics.REFERENCE_STALE) == 1
        found.take(*encode_reference_record(offer))
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


def test_a_bad_offer_does_not_hold_back_the_pause_of_another() -> None:
    """B is paused at once although A's new version does not compile; A keeps its last good one."""
    found, meter = small_shop()
    broken = replace(SHOP.offers[0], segment="nonsense((", version=2)
    paused = replace(SHOP.offers[1], paused=True)
    found.take(*encode_reference_record(broken))
    found.take(*encode_reference_record(paused))
    found.refresh()
    assert found.reference().offers[:2] == (SHOP.offers[0], paused)
    assert {o.offer.offer_id: o.offer for o in found.view.policy.offers}[paused.offer_id] == paused
    assert meter.value(metrics.REFERENCE_STALE) == 1
    mended = replace(SHOP.offers[0], version=2)
    found.take(*encode_reference_record(mended))
    found.refresh()
    assert found.reference().offers[:2] == (mended, paused)
    assert meter.value(metrics.REFERENCE_STALE) == 0


def test_a_bad_offer_at_the_start_is_left_out_and_the_others_serve() -> None:
    """A worker that starts while one offer is bad decides with all others."""
    meter = Meter()
    found = ReferenceState(meter, lambda: 1_000.0)
    broken = replace(SHOP.offers[0], segment="nonsense((")
    records: tuple[ReferenceRecord, ...] = (broken, *SHOP.offers[1:], SHOP.policies)
    for record in records:
        found.take(*encode_reference_record(record))
    found.refresh()
    assert found.reference() == replace(SHOP, offers=SHOP.offers[1:])
    assert meter.value(metrics.REFERENCE_STALE) == 1


def snapshot(examples: int, calibration: float) -> ModelSnapshot:
    """Of the response model, with a full window of labels."""
    trainer = Trainer(every=1)
    learned = trainer.learn(
        LearningExample(example_id="x", model="response", observed_at_ms=0, label=1.0, features={})
    )
    assert learned is not None
    figures = {"window": 1000.0, "rate": 0.5, "log_loss": 0.4, "log_loss_constant": 0.5}
    return replace(
        learned,
        version=f"response-{examples}",
        examples=examples,
        quality={**figures, "calibration": calibration},
    )


def test_a_few_labels_say_nothing_of_a_model() -> None:
    """A window of 99 sets no gauge of quality, one of 100 does: alert rules read them."""
    found, meter = small_shop()
    few = snapshot(99, 1.0)
    few = replace(few, quality={**few.quality, "window": 99.0})
    found.take(SNAPSHOTS, b"response", encode_snapshot(few))
    assert meter.values_of(metrics.LOG_LOSS) == {}
    enough = replace(snapshot(100, 1.0), quality={**few.quality, "window": 100.0})
    found.take(SNAPSHOTS, b"response", encode_snapshot(enough))
    assert meter.value(metrics.LOG_LOSS, "response") == 0.4


def test_what_deciding_brings_is_seen() -> None:
    """People of each arm from the first on; the effect and its interval once there are enough."""
    learner = Trainer(every=1)
    found, meter = small_shop()
    for number in range(2 * PEOPLE_MIN):
        chooser = "policy" if number % 2 else "holdout"
        learned = learner.learn(
            LearningExample(
                example_id=f"x-{number}",
                model="margin",
                observed_at_ms=number,
                label=4.0 if number % 2 else 1.0,
                features={f"chooser_{chooser}": 1.0, "share_policy": 0.5, "share_holdout": 0.5},
            )
        )
        assert learned is not None
        found.take(SNAPSHOTS, b"margin", encode_snapshot(learned))
        if number == 0:
            assert meter.values_of(metrics.WINDOWS) == {("holdout",): 1.0}
            assert meter.values_of(metrics.INCREMENTAL) == {}
    told = meter.values_of(metrics.INCREMENTAL)
    assert set(told) == {("policy_holdout", name) for name in ("value", "low", "high")}
    low, value, high = (told["policy_holdout", name] for name in ("low", "value", "high"))
    assert low < value < high
    assert value == pytest.approx(3.0, abs=0.5)


def test_what_an_offer_brings_is_seen_by_offer() -> None:
    """People of both groups from the first on; the effect and its interval once there are enough.

    Of more offers than a label may name, those that came first.
    """
    learner = Trainer(every=1)
    found, meter = small_shop()
    for number in range(2 * PEOPLE_MIN):
        withheld = number % 2 == 0
        learned = learner.learn(
            LearningExample(
                example_id=f"x-{number}",
                model="offer_margin",
                observed_at_ms=number,
                label=1.0 if withheld else 4.0,
                features={"experiment": 1.0, "withheld": float(withheld), "share": 0.5},
                offer_id="tea-10",
            )
        )
        assert learned is not None
        found.take(SNAPSHOTS, b"offer_margin", encode_snapshot(learned))
        if number == 0:
            assert meter.value(metrics.OFFER_WINDOWS, "tea-10", "withheld") == 1.0
            assert meter.values_of(metrics.OFFER_INCREMENTAL) == {}
    told = meter.values_of(metrics.OFFER_INCREMENTAL)
    assert set(told) == {("tea-10", name) for name in ("value", "low", "high")}
    assert told["tea-10", "low"] < told["tea-10", "value"] < told["tea-10", "high"]
    assert learned is not None
    many = {f"people_treated:o-{number}": 1.0 for number in range(2 * by.OFFER_HELD.named_max)}
    found.take(
        SNAPSHOTS, b"offer_margin", encode_snapshot(replace(learned, examples=999, quality=many))
    )
    offers = {offer_id for offer_id, _ in meter.values_of(metrics.OFFER_WINDOWS)}
    assert len(offers) == by.OFFER_HELD.named_max


def test_calibration_is_seen_bin_by_bin() -> None:
    """What was said and what came, by tenth of the risk and by silence, as gauges; once known."""
    learner = Trainer(every=1)
    found, meter = small_shop()
    moments = (("a", 0.34, 5.0, 1.0), ("b", 0.32, 0.5, 0.0))
    for example_id, risk, own_gaps, label in moments:
        features = {"score": risk, "risk": risk, "own_gaps": own_gaps, "horizon_ms": 1e9}
        learned = learner.learn(
            LearningExample(
                example_id=example_id,
                model="calibration",
                observed_at_ms=1,
                label=label,
                features=features,
            )
        )
        assert learned is not None
        found.take(SNAPSHOTS, b"calibration", encode_snapshot(learned))
    assert meter.values_of(metrics.RISK_SAID) == {("0.3",): pytest.approx(0.33)}
    assert meter.values_of(metrics.RISK_CAME) == {("0.3",): 0.5}
    assert meter.values_of(metrics.SILENCE_CAME) == {("0-1",): 0.0, ("4+",): 1.0}
    assert meter.value(metrics.CALIBRATION_GAP, "risk") == pytest.approx(0.17)
    assert meter.value(metrics.CALIBRATION_LABELS) == 2.0
    assert meter.value(metrics.SCORE_CORRECTED) == 0.0


def test_precision_at_k_is_seen_with_its_interval() -> None:
    """Of the week that is over, as gauges; a model that was stored before says none."""
    learner, (found, meter) = Trainer(every=1), small_shop()
    for number, (week, label) in enumerate(((1.0, 0.0), (1.0, 1.0), (2.0, 0.0))):
        features = {"treated": 1.0, "risk": 0.5, "week": week, "at_stake": 9.0, "lot": 9.0 - number}
        learned = learner.learn(
            LearningExample(
                example_id=f"x-{number}",
                model="save_rates",
                observed_at_ms=number + 1,
                label=label,
                features=features,
            )
        )
        assert learned is not None
        found.take(SNAPSHOTS, b"save_rates", encode_snapshot(learned))
    assert meter.values_of(TOP_CASES) == {(k,): 2.0 for k in by.TOP.values}
    said = {e: meter.value(TOP_PRECISION, "10", e) for e in by.ESTIMATE.values}
    assert said == {"value": 0.5, "low": 0.094531, "high": 0.905469}
    assert by.TOP.values == (*map(str, TOPS), ALL)


def test_the_bins_of_the_metrics_are_those_of_the_model() -> None:
    """A label for each bin."""
    assert by.OWN_GAPS.values == SILENCES
    assert len(by.RISK.values) == TENTHS


def test_a_model_that_is_no_more_in_use_has_no_age() -> None:
    """At each scrape ages are those of the snapshots that have a time; none stands still."""
    meter = Meter()
    follower = ReferenceFollower(Settings(), meter)
    meter.set(metrics.SNAPSHOT_TIME, "response", value=1_000.0)
    meter.set(metrics.SNAPSHOT_TIME, "challenger", value=1_000.0)
    meter.exposition()
    assert meter.value(metrics.SNAPSHOT_AGE, "challenger") > 0.0
    meter.forget(metrics.SNAPSHOT_TIME, "challenger")
    meter.exposition()
    assert meter.values_of(metrics.SNAPSHOT_AGE).keys() == {("response",)}
    assert not follower.ready
