"""The grocer's year: the shipped slice, its replay, and the story that is played from it."""

from collections import Counter
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.reference.files import load_reference
from streams.contracts.reference.structs import Reference, RiskBand
from streams.contracts.times import DAY_MS, to_ms
from streams.customer import encode_row
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.inputs import read_records
from streams.evaluation.replay import replay
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import Played, play
from streams.simulator.journey import EVENTS, SHOP
from streams.simulator.journey.cut import cut
from streams.simulator.journey.play import Journey
from streams.simulator.stories import Received

SOURCE = Path(__file__).parents[2] / ".." / "shared" / "data" / "complete_journey"
FEW = 10  # one household of ten: the whole year in seconds


def uses() -> Counter[tuple[str, str]]:
    """How often each household used each offer, as the file has it."""
    found: Counter[tuple[str, str]] = Counter()
    for record in read_records(str(EVENTS)):
        event = msgspec.json.decode(record.value)
        who = event["identity"]["customer_id"]
        if event["event_name"] == "offer_redeemed":
            found[who, event["offer_id"]] += 1
        for coupon in event.get("coupons", ()):
            if "offer_id" in coupon:
                found[who, coupon["offer_id"]] += 1
    return found


def first_use() -> tuple[str, str, int]:
    """The first basket with a coupon of an offer: household, offer, when."""
    for record in read_records(str(EVENTS)):
        event = msgspec.json.decode(record.value)
        for coupon in event.get("coupons", ()):
            if "offer_id" in coupon:
                moment = datetime.fromisoformat(event["occurred_at"])
                return event["identity"]["customer_id"], coupon["offer_id"], to_ms(moment)
    raise AssertionError("no coupon of an offer in the slice")


def offered(who: str, offer_id: str, until: str) -> Received:
    """What a story reads of a `next-best-offers` record."""
    return Received("d-1", who, offer_id, datetime.fromisoformat(until), "policy")


def played(*, warns_from: float | None = None) -> tuple[Driver, Played]:
    """The year of a few households, from the first record to the last.

    `warns_from`: with a single band from this risk on, else with those of the shop.
    """
    story = Journey(every_household=FEW)
    reference = story.reference
    if warns_from is not None:
        reference = warning_from(warns_from, reference)
    driver = Driver(compile_policy(reference), initial_models(), Trainer())
    return driver, play(story, driver)


def warning_from(risk: float, reference: Reference) -> Reference:
    """The shop with a single band."""
    bands = (RiskBand(name="medium", from_risk=risk),)
    churn = replace(reference.policies.churn, bands=bands)
    return replace(reference, policies=replace(reference.policies, churn=churn))


def overdue_silences(silent_days: int, horizon_days: int) -> list[bool]:
    """Of each silence of so many days that was longer than usual: whether the horizon was, too.

    Households of the played slice after their third order, in days of baskets; silences whose
    horizon goes beyond the year are left out.
    """
    days: dict[str, list[float]] = {}
    for sent in Journey(every_household=FEW).step(2**53):
        if sent.topic == topics.PURCHASE.name:
            order = msgspec.json.decode(sent.value)
            at_ms = to_ms(datetime.fromisoformat(order["occurred_at"]))
            days.setdefault(order["identity"]["customer_id"], []).append(at_ms / DAY_MS)
    end = max(own[-1] for own in days.values())
    found = []
    for own in days.values():
        for n in range(2, len(own)):
            usual, due = (own[n] - own[0]) / n, own[n] + silent_days
            following = own[n + 1] if n + 1 < len(own) else None
            if usual <= silent_days and due + horizon_days <= end and (following or end) > due:
                found.append(following is None or following > due + horizon_days)
    return found


@cache
def first() -> tuple[Driver, Played]:
    """Played once for all tests."""
    return played()


@pytest.mark.skipif(
    not SOURCE.is_dir(), reason="Complete Journey is not at ../shared/data/complete_journey"
)
def test_the_slice_is_what_the_script_writes() -> None:
    """Cutting the published files again gives every shipped file, byte for byte."""
    written = cut(SOURCE)
    assert sorted(path.name for path in written) == [
        "events.jsonl.gz",
        "offers.yaml",
        "products.yaml",
    ]
    for path, data in written.items():
        assert path.read_bytes() == data, path.name


def test_the_slice_is_small_and_whole() -> None:
    """14,353 events of 339 households in at most 640 KB, in the order of time."""
    assert EVENTS.stat().st_size <= 640_000
    records = list(read_records(str(EVENTS)))
    assert len(records) == 14_353
    assert len({record.key for record in records}) == 339
    times = [msgspec.json.decode(record.value)["occurred_at"] for record in records]
    assert times == sorted(times)


def test_every_used_offer_is_in_the_catalogue() -> None:
    """474 uses of offers, each of one that the reference data hold."""
    known = {offer.offer_id for offer in load_reference(SHOP).offers}
    found = uses()
    assert found.total() == 474
    assert {offer_id for _, offer_id in found} <= known


def test_replaying_twice_gives_equal_bytes(tmp_path: Path) -> None:
    """The first 1,200 events twice: the same files, offers among them, nothing rejected."""
    policy = compile_policy(load_reference(SHOP))
    for name in ("first", "second"):
        records = islice(read_records(str(EVENTS)), 1_200)
        summary = replay(records, policy, tmp_path / name).summary()
        assert "rejected" not in summary
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert (tmp_path / "first" / "next-best-offers.jsonl").stat().st_size > 10_000
    for name in names:
        pair = [(tmp_path / which / name).read_bytes() for which in ("first", "second")]
        assert pair[0] == pair[1], name


def test_without_offers_households_do_what_they_did() -> None:
    """A story that receives nothing hands out the records of the file, each once, unchanged."""
    story, records = Journey(), list(read_records(str(EVENTS)))
    sent = []
    for until_ms in range(story.start_ms, story.end_ms + DAY_MS, DAY_MS):
        sent.extend(story.step(until_ms))
    assert [s.value for s in sent] == [r.value for r in records]


def test_a_real_use_after_an_offer_redeems_it() -> None:
    """An offer that is used in the data comes back on that basket and as the till's report."""
    story, (who, offer_id, used_ms) = Journey(), first_use()
    story.step(used_ms - DAY_MS)
    offer = offered(who, offer_id, "2018-03-01T00:00:00Z")
    story.receive(offer, used_ms - DAY_MS)
    story.receive(offer, used_ms - DAY_MS)
    sent = [s for s in story.step(used_ms) if b'"d-1"' in s.value]
    events = [msgspec.json.decode(s.value) for s in sent]
    assert [e["event_name"] for e in events] == [
        "offer_delivered",
        "offer_viewed",
        "offer_redeemed",
        "order_completed",
    ]
    assert events[3]["coupons"][0]["decision_id"] == "d-1"
    assert not any(b'"d-1"' in s.value for s in story.step(story.end_ms))


def test_offers_end_before_a_use_that_comes_too_late() -> None:
    """An offer whose time is over when the coupon is used stays unused."""
    story, (who, offer_id, _) = Journey(), first_use()
    story.receive(offered(who, offer_id, "2017-01-01T06:00:00Z"), story.start_ms)
    sent = [s for s in story.step(story.end_ms) if b'"d-1"' in s.value]
    names = [msgspec.json.decode(s.value)["event_name"] for s in sent]
    assert names == ["offer_delivered", "offer_viewed"]


def test_the_year_is_played_through_the_whole_way() -> None:
    """Nothing is rejected; offers are decided in every arm but holdout, and used."""
    _, year = first()
    verdicts = Counter(entry.verdict for entry in year.entries)
    assert verdicts["offer"] > 200
    assert verdicts["holdout"] > 20
    arms = {entry.experiment.arm for entry in year.entries if entry.verdict == "offer"}
    assert arms == {"policy", "uniform"}


def test_nobody_is_alerted_about_where_most_come_back() -> None:
    """Silent for three weeks and longer than usual, most buy within four more: no case opens.

    This slice has no strong signals, so a case could come from the score alone.
    """
    gone = overdue_silences(21, 28)
    assert len(gone) > 40
    assert sum(gone) < 0.4 * len(gone)
    assert not first()[1].alerts


def test_cases_open_and_end_in_a_shop_that_warns_sooner() -> None:
    """With a band from a risk of .15 cases open, each once until the next purchase, and end."""
    _, year = played(warns_from=0.15)
    transitions = Counter(alert.transition for alert in year.alerts)
    assert transitions["entered"] > 0
    assert 0 < transitions["resolved"] <= transitions["entered"]
    entered = [alert for alert in year.alerts if alert.transition == "entered"]
    assert len({alert.case_id for alert in entered}) == len(entered)
    for alert in entered:
        halfway = (alert.days_since_last_purchase or 0.0) >= alert.horizon_days / 2.0
        assert (alert.overdue_ratio or 0.0) >= (0.5 if halfway else 1.0)


def test_only_real_uses_are_redeemed() -> None:
    """Each redeemed decision is a use in the file, and some are; the rest run out."""
    _, year = first()
    decided = {entry.decision_id: entry for entry in year.entries}
    redeemed = Counter(
        (decided[seen.decision_id].customer_id, str(seen.offer_id))
        for seen in year.outcomes
        if seen.outcome == "redeemed" and seen.decision_id in decided
    )
    assert redeemed.total() >= 5
    assert redeemed <= uses()
    assert any(seen.outcome == "expired" for seen in year.outcomes)


def test_playing_twice_gives_equal_outputs() -> None:
    """The same decisions, alerts, outcomes and rows, byte for byte."""
    (one, year), (two, again) = first(), played()
    assert msgspec.json.encode(year) == msgspec.json.encode(again)
    assert {k: encode_row(r) for k, r in one.rows.items()} == {
        k: encode_row(r) for k, r in two.rows.items()
    }
