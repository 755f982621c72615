"""Rows as bytes: every version reads, damage and the future do not, size is bounded."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from streams.contracts.common import ChannelName, Purpose
from streams.contracts.outputs.payloads import ChurnSignalCode, CrmResult
from streams.contracts.reference.structs import Chooser
from streams.customer import (
    ROW_BYTES_MAX,
    ROW_VERSION,
    Alias,
    Customer,
    codec,
    decode_row,
    encode_row,
    new_customer,
)
from streams.customer import row as rows
from streams.customer.consents import is_granted, is_push_refused
from streams.customer.id_history import UNLINKED_MAX, Encounter
from streams.customer.offer_counts import COUNTED_MAX
from streams.customer.rhythm import HORIZONS_WAITING_MAX, record_purchase
from streams.customer.trimming import trimmed
from streams.customer.zone_holders import HOLDERS_MAX
from streams.errors import StateError

T0 = 1_770_000_000_000
ID = "x" * 64
WIDE = "y" * 128
GOLDEN = Path(__file__).parents[2] / "golden" / "rows"


def ids(n: int) -> tuple[str, ...]:
    """So many ids of the greatest length."""
    return tuple(f"{i:03}{ID[3:]}" for i in range(n))


def line(product_id: str) -> rows.CartItem:
    """A line of an order that is not completed yet."""
    return rows.CartItem(product_id, "", 9, 0.0, "04006381333931")


def full_row() -> Customer:
    """Every list at its maximum, every text at its longest."""
    open_decision = rows.OpenDecision(
        ID, ID, ID, T0, T0, 0.5, 0.5, ID, 1, b"\1" * 80, b"\1" * 32, (WIDE, WIDE), T0, T0, T0
    )
    buckets = tuple((29_500_000 - i, 0, 100_000) for i in range(100))
    names = [f"counter_{i}" for i in range(20)]
    rhythm = record_purchase(None, T0, 1.0)
    stood = tuple((code, 0.5) for code in get_args(ChurnSignalCode))
    moment = rows.ScoringMoment(T0, T0, rhythm)
    told = replace(moment, said=rows.Said(0.5, 0.5, 0.5, stood))
    return replace(
        new_customer(ID, T0, known=True),
        linked_ids=ids(rows.LINKED_IDS_MAX),
        recent_events=((2**62, 2**31),) * rows.RECENT_EVENTS_MAX,
        channels={i: rows.ChannelActivity(T0, 0.1, 0.1, 0.1) for i in get_args(ChannelName)},
        session=rows.Session(ID, "web", T0, T0, 9, 9, 9),
        cart=rows.Cart(
            ID, T0, tuple(rows.CartItem(i, WIDE, 9, 0.1) for i in ids(rows.CART_ITEMS_MAX)), T0
        ),
        affinities=(rows.Affinity(WIDE, 0.1, T0),) * rows.AFFINITIES_MAX,
        views=tuple(rows.View(i, WIDE, 0.1, T0) for i in ids(rows.VIEWS_MAX)),
        counters={name: rows.Counter(buckets) for name in names},
        orders=tuple(
            rows.Order(i, T0, 0.1, "web", 0.1, returns=((T0, 2**31),) * rows.REFUND_MARKS_MAX)
            for i in ids(rows.ORDERS_MAX)
        ),
        spend=rows.Spend(T0, 0.1, 0.1, 0.1, 0.1, 0.1, 9, 9),
        rhythm=rhythm,
        churn=rows.Churn(
            0.5,
            T0,
            T0,
            moment,
            "medium",
            rows.AlertCase(ID, ID, "medium", T0),
            horizons=(told,) * HORIZONS_WAITING_MAX,
            snoozed_until_ms=T0,
            near_since_ms=T0,
            track=rows.Track("second_purchase", T0, T0, True),
            followed=(
                rows.CaseFollowUp(
                    ID,
                    T0,
                    T0,
                    T0,
                    True,
                    "medium",
                    0.5,
                    0.1,
                    ids(1 + rows.CASE_ALERTS_MAX),
                    told.said,
                    get_args(CrmResult),
                    "refused",
                ),
            )
            * (2 * rows.FOLLOWED_MAX),
        ),
        visits=(
            rows.ZoneVisit(
                ID, ID, ID, ID, T0, T0, T0, T0, beacons=((2**31, T0, True),) * HOLDERS_MAX
            ),
        )
        * rows.VISITS_MAX,
        consents={p: rows.Consent("granted", T0) for p in get_args(Purpose)},
        contacts=tuple(rows.Contact(T0, i, "push", ID, 0.07) for i in ids(rows.CONTACTS_MAX)),
        redemptions=tuple(rows.Redeemed(i, T0) for i in ids(rows.REDEMPTIONS_MAX)),
        open_decisions=(open_decision,) * rows.OPEN_DECISIONS_MAX,
        reminders=(rows.Reminder("deferred", T0, ID, ID, "z" * 232),) * rows.DEFERRED_MAX
        + (rows.Reminder("cart_abandoned", T0, ID, ID),) * rows.CART_REMINDERS_MAX,
        fired=tuple(rows.Armed(i, T0, 2**30) for i in ids(rows.ARMED_MAX)),
        signals=(rows.SeenSignal("cancel_page", 0.5, T0, ids(rows.EVIDENCE_MAX)),)
        * rows.SIGNALS_MAX,
        traits=dict.fromkeys(ids(rows.TRAITS_MAX), (WIDE,) * 16),
        service_cases=ids(rows.SERVICE_CASES_MAX),
        coupons_shown=tuple(
            rows.ShownCoupon(i, T0, 1, WIDE, ID[:25], ID, ID) for i in ids(rows.COUPONS_SHOWN_MAX)
        ),
        loose_orders=tuple(
            rows.Order(i, T0, 0.1, "web", lines=tuple(map(line, ids(rows.LOOSE_LINES_MAX))))
            for i in ids(rows.LOOSE_ORDERS_MAX)
        ),
        unlinked=tuple(Encounter(i, T0) for i in ids(UNLINKED_MAX)),
        said_linked=((2**62, T0),) * rows.LINKED_IDS_MAX,
        zone_named_ms=T0,
        enrollment=rows.Enrollment(
            2**52, ID[:24], "uniform", (0.1,) * len(get_args(Chooser)), T0, T0, True
        ),
        compared=rows.Compared(
            T0,
            1,
            b"\1" * 112,
            (rows.Comparison(ID, T0, T0, ID, ID, 0.5, 99, 9),) * rows.COMPARISONS_MAX,
        ),
        answers=tuple(rows.Answers(i, 0.1, 0.1, T0) for i in get_args(ChannelName)),
        offer_enrollments=tuple(
            rows.OfferEnrollment(2**52, i, ID[:24], True, 0.1, T0, T0)
            for i in ids(rows.OFFER_ENROLLMENTS_MAX)
        ),
        offers_counted=rows.CountedOffers(2**52, (2**31,) * (COUNTED_MAX - 8)),
    )


def test_the_fullest_row_fits() -> None:
    """Lists at their maxima are trimmed to 16 KiB, the same way every time; promises survive."""
    full = full_row()
    assert len(msgspec.msgpack.encode(full)) > ROW_BYTES_MAX
    data = encode_row(full)
    assert len(data) <= ROW_BYTES_MAX
    assert data == encode_row(full_row())
    kept = decode_row(data)
    assert isinstance(kept, Customer)
    assert kept.consents == full.consents
    assert len(kept.contacts) >= 16
    assert len(kept.open_decisions) >= 4
    assert len(kept.recent_events) >= 16
    assert sum(r.size for r in full.reminders if r.ref) == rows.DEFERRED_BYTES_MAX
    assert [r for r in kept.reminders if r.ref] == [r for r in full.reminders if r.ref]


def test_what_cases_teach_goes_before_what_offers_are_chosen_by() -> None:
    """What was said and the middle alerts of followed cases go first; outcomes are told still."""
    full = full_row()
    cut = trimmed(
        full, lambda row: isinstance(row, Customer) and not any(c.said for c in row.churn.followed)
    )
    assert isinstance(cut, Customer)
    assert cut.affinities
    assert cut.views
    for case, before in zip(cut.churn.followed, full.churn.followed, strict=True):
        ends = (before.alert_ids[0], before.alert_ids[-1])
        assert case == replace(before, said=None, alert_ids=ends)
    bytes_of = [len(msgspec.msgpack.encode(row.churn.followed)) for row in (full, cut)]
    assert bytes_of[1] < 0.6 * bytes_of[0]


def test_a_case_of_one_alert_is_cut_to_that_one() -> None:
    """Its id is not there twice."""
    case = replace(full_row().churn.followed[0], alert_ids=("a-0",))
    row = replace(full_row(), churn=rows.Churn(followed=(case,)))
    cut = trimmed(
        row, lambda r: isinstance(r, Customer) and not any(c.said for c in r.churn.followed)
    )
    assert isinstance(cut, Customer)
    assert cut.churn.followed == (replace(case, said=None),)


def test_a_row_that_fits_is_not_trimmed() -> None:
    """Nothing is dropped as long as there is room."""
    row = new_customer("c-1", T0)
    assert trimmed(row, lambda _: True) is row
    assert decode_row(encode_row(row)) == row


def test_an_alias_is_a_row() -> None:
    """A forwarding address goes to bytes and back."""
    alias = Alias(
        version=ROW_VERSION, alias_id="a-1", moved_to="c-1", moved_at_ms=T0, method="login"
    )
    assert decode_row(encode_row(alias)) == alias


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"{}",
        msgspec.msgpack.encode([1]),
        msgspec.msgpack.encode([1, "one", "c", 0, 0]),
        msgspec.msgpack.encode([1, True]),
        msgspec.msgpack.encode([1, 0, "c", 0, 0]),
        msgspec.msgpack.encode([1, 1, 5, 0, 0]),
        msgspec.msgpack.encode([9, 1, "c", 0, 0]),
        encode_row(new_customer("c-1", T0))[:-3],
        b"\x91" * 2_000 + b"\x00",
    ],
)
def test_damage_is_a_state_error(data: bytes) -> None:
    """Whatever is stored, it is a row or a `StateError`."""
    with pytest.raises(StateError):
        decode_row(data)


def test_a_newer_version_is_a_state_error() -> None:
    """A row of tomorrow's offerstream is not guessed at, and the text says so."""
    newer = replace(new_customer("c-1", T0), version=ROW_VERSION + 1)
    with pytest.raises(StateError, match="version 4; this offerstream knows 3"):
        decode_row(msgspec.msgpack.encode(newer))


def test_an_older_version_comes_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """With row version 5 in force, a row of version 3 goes through both upcasters."""
    row = new_customer("c-1", T0)

    def up(parts: list[object]) -> list[object]:
        return [parts[0], int(str(parts[1])) + 1, f"{parts[2]}+", *parts[3:]]

    monkeypatch.setattr(codec, "ROW_VERSION", 5)
    monkeypatch.setattr(codec, "UPCASTERS", {3: up, 4: up})
    assert decode_row(encode_row(row)) == replace(row, version=5, customer_id="c-1++")


def test_flags_of_version_2_become_signals() -> None:
    """A row that knew Global Privacy Control and push as flags denies the same as before."""
    row = replace(
        new_customer("c-1", T0), consents={"profiling": rows.Consent("granted", T0)}, nps=3
    )
    parts = msgspec.msgpack.decode(encode_row(row))[:32]
    parts[1] = 2
    read = decode_row(msgspec.msgpack.encode([*parts[:20], True, *parts[20:], False]))
    assert isinstance(read, Customer)
    assert not is_granted(read, "profiling")
    assert is_push_refused(read)
    assert (read.nps, read.consents, read.version) == (3, row.consents, ROW_VERSION)
    assert decode_row(msgspec.msgpack.encode([*parts[:20], False, *parts[20:], None])) == row
    old_alias = Alias(version=1, alias_id="a-1", moved_to="c-1", moved_at_ms=T0, method="login")
    assert decode_row(msgspec.msgpack.encode(old_alias)) == replace(old_alias, version=ROW_VERSION)


@pytest.mark.parametrize("version", range(1, ROW_VERSION + 1))
def test_the_golden_rows_read(version: int) -> None:
    """Bytes that a version wrote once; such a file stays for ever and is never written anew."""
    row = decode_row((GOLDEN / f"customer.v{version}.msgpack").read_bytes())
    assert isinstance(row, Customer)
    assert row.version == ROW_VERSION
    assert row.customer_id == "golden-1"
    assert row.linked_ids == ("anonymous-1",)
    assert row.spend == rows.Spend(T0, 25.0, 25.0, 25.0, 25.0, 2.0, 1, 0)
    assert row.rhythm is not None
    assert row.rhythm.last_ms == T0
    assert row.consents["personalization"] == rows.Consent("granted", T0)
    assert row.open_decisions[0].context == b"\x00\x00\x80?"
    assert row.traits == {"tier": "gold", "likes": ("a", "b"), "points": 3, "vip": True}
    assert row.churn.waiting is not None
    assert row.counters["orders"].buckets == ((29_500_000, 0, 1),)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ([None, None, T0, False], "open"),
        ([T0, None, None, True], "assisted"),
        ([T0, T0, None, True], "used"),
        ([None, T0, None, True], "used"),
        ([None, None, T0, True], "closed"),
    ],
)
def test_a_decision_of_version_1_has_the_status_that_its_fields_meant(
    seen: list[int | None], status: str
) -> None:
    """Viewed, redeemed and dismissed, and whether it was labeled; the coupons stay behind them."""
    parts = msgspec.msgpack.decode((GOLDEN / "customer.v1.msgpack").read_bytes())
    (decision,) = parts[codec.V1_OPEN_DECISIONS_AT]
    parts[codec.V1_OPEN_DECISIONS_AT] = [[*decision[:11], [], *seen, ["TEA-10"]]]
    row = decode_row(msgspec.msgpack.encode(parts))
    assert isinstance(row, Customer)
    (after,) = row.open_decisions
    assert (after.status, after.coupons) == (status, ("TEA-10",))
    assert [after.viewed_at_ms, after.redeemed_at_ms, after.dismissed_at_ms] == seen[:3]


@pytest.mark.parametrize("decisions", [5, [5], [[1] * 17], None])
def test_a_damaged_row_of_version_1_is_a_state_error(decisions: object) -> None:
    """What the upcaster cannot read is damage, not a crash."""
    parts = msgspec.msgpack.decode((GOLDEN / "customer.v1.msgpack").read_bytes())
    parts[codec.V1_OPEN_DECISIONS_AT] = decisions
    with pytest.raises(StateError):
        decode_row(msgspec.msgpack.encode(parts))
