"""The small event files of `../shared/cases`, each with what is right for it.

A row of `RIGHT` is a folder, a file in it, what is looked at, and its right value. The folder's
README tells where each comes from.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.support.cases import Outcome, cases, outcome_of


class Right(NamedTuple):
    """What is right for one file."""

    folder: str
    file: str
    look: Callable[[Outcome], Any]
    value: Any


def money(out: Outcome) -> tuple[float, int, int]:
    """What the person spent, on how many orders, of how many something came back."""
    spend = out.row["spend"]
    return spend[4], spend[6], spend[7]


def orders(out: Outcome) -> list[tuple[str, float]]:
    """Every order and what is left of it."""
    return [(order[0], order[2] - order[4]) for order in out.row["orders"]]


def signals(out: Outcome) -> list[str]:
    """The churn signals that the row remembers."""
    return [signal[0] for signal in out.row["signals"]]


def bought_for(out: Outcome) -> tuple[int, Any, Any]:
    """Purchases, and the two amounts that the rhythm keeps (rounded)."""
    rhythm = out.row["rhythm"]
    return rhythm[0] + 1, rhythm[1], rhythm[2]


def used(out: Outcome) -> list[str]:
    """The offers that count as used."""
    return [redeemed[0] for redeemed in out.row["redemptions"]]


def labels(out: Outcome) -> list[tuple[str, float]]:
    """Offer and label of what the response model learns."""
    return [(e["offer_id"], e["label"]) for e in out.examples if e["model"] == "response"]


def offered(out: Outcome) -> int:
    """How many offers were made."""
    return len(out.offers)


def rejected(out: Outcome) -> list[tuple[int, str, str]]:
    """Line, reason and path of the dead letters."""
    return out.rejected


def views(out: Outcome) -> float:
    """How many events of the web shop the row counts, not faded to speak of."""
    return float(sum(bucket[2] for c in out.row["counters"].values() for bucket in c[0]))


def said_at(out: Outcome) -> list[str]:
    """When an offer was made, by UTC."""
    return [offer["decided_at"] for offer in out.offers]


def verdicts(out: Outcome) -> list[str]:
    """What became of each request."""
    return [entry["verdict"] for entry in out.log]


def cart(out: Outcome) -> list[str]:
    """The products in the cart."""
    return [item[0] for item in out.row["cart"][2]]


def stays(out: Outcome) -> list[tuple[str, int, int | None]]:
    """Zone, and first and last second after noon, of each visit that counts."""
    noon = 1_772_366_400_000
    return [
        (v[2], (v[4] - noon) // 1000, None if v[7] is None else (v[7] - noon) // 1000)
        for v in out.row["visits"]
        if v[6] is not None
    ]


def people(out: Outcome) -> dict[str, Any]:
    """Every row: page views of a person, and where an address forwards to."""
    return {
        key: row.get("moved_to") or sum(b[2] for b in row["counters"]["page_views"][0])
        for key, row in out.rows.items()
    }


def changes(out: Outcome) -> list[tuple[str, str, str]]:
    """What was said of ids: kind, person, the other id."""
    return [(c["kind"], c["customer_id"], c["other_id"]) for c in out.changes]


def linked(out: Outcome) -> int:
    """How many ids are linked to the person."""
    return len(out.row["linked_ids"])


FIRST = 1_772_359_200_000  # 2026-03-01T10:00:00Z

EXTREME = "01-requested-at-extreme"
RELINK = "07-shared-device-relink"
RIGHT = (
    Right(
        "01-requested-at-extreme",
        "control.jsonl",
        rejected,
        [(2, "in_the_future", "$.requested_at")],
    ),
    Right(
        "01-requested-at-extreme", "early.jsonl", rejected, [(2, "out_of_range", "$.requested_at")]
    ),
    Right(
        "01-requested-at-extreme",
        "future.jsonl",
        rejected,
        [(2, "in_the_future", "$.requested_at")],
    ),
    Right(
        "01-requested-at-extreme", "late.jsonl", rejected, [(2, "in_the_future", "$.requested_at")]
    ),
    Right(EXTREME, "late.jsonl", money, (10.0, 1, 0)),
    Right("02-consent-collected-in-future", "control.jsonl", verdicts, ["no_consent"]),
    Right("02-consent-collected-in-future", "year2099.jsonl", verdicts, ["no_consent"]),
    Right(
        "07-shared-device-relink", "after_conflict.jsonl", people, {"c1": 2, "c2": 3, "d1": "c2"}
    ),
    Right(
        "07-shared-device-relink",
        "after_conflict.jsonl",
        changes,
        [
            ("linked", "c1", "d1"),
            ("conflict", "c2", "d1"),
            ("unlinked", "c1", "d1"),
            ("linked", "c2", "d1"),
        ],
    ),
    Right(RELINK, "control.jsonl", people, {"c1": 2, "c2": 2, "d1": "c2"}),
    Right("08-placeholder-ids", "null.jsonl", people, {"a3": 1, "a4": 1}),
    Right("08-placeholder-ids", "undefined.jsonl", people, {"a1": "c9", "a2": 2, "c9": 3}),
    Right("08-placeholder-ids", "zero_idfa.jsonl", people, {"c1": 1, "c2": 1}),
    Right(
        "08-placeholder-ids",
        "zero_idfa.jsonl",
        rejected,
        [
            (3, "no_identity", "$.identity"),
            (4, "no_identity", "$.identity"),
        ],
    ),
    Right("27-alias-loops", "itself.jsonl", people, {"A": 2}),
    Right("27-alias-loops", "known.jsonl", people, {"A": 4, "B": "A", "C": "A"}),
    Right("28-many-anonymous-ids", "many.jsonl", linked, 16),
    Right("28-many-anonymous-ids", "many.jsonl", lambda out: people(out)["c1"], 601),
    Right("03-put-off-and-overtaken", "bought.jsonl", verdicts, ["deferred", "overtaken"]),
    Right("03-put-off-and-overtaken", "emptied.jsonl", verdicts, ["deferred", "overtaken"]),
    Right("03-put-off-and-overtaken", "control.jsonl", said_at, ["2026-03-02T07:00:00Z"]),
    Right("05-merge-stale-reminder", "login_after.jsonl", offered, 0),
    Right("05-merge-stale-reminder", "login_after.jsonl", cart, []),
    Right("05-merge-stale-reminder", "login_before.jsonl", offered, 0),
    Right("06-late-order-residue", "in_order.jsonl", cart, ["sku-b"]),
    Right("06-late-order-residue", "late.jsonl", cart, ["sku-b"]),
    Right("06-late-order-residue", "late.jsonl", said_at, ["2026-03-01T13:10:00Z"]),
    Right("09-zone-enter-exit-only", "enter_exit.jsonl", said_at, ["2026-03-01T12:00:05Z"]),
    Right("09-zone-enter-exit-only", "enter_exit.jsonl", stays, [("zA", 0, 1200)]),
    Right("09-zone-enter-exit-only", "enter_then_app.jsonl", said_at, ["2026-03-01T12:00:05Z"]),
    Right("09-zone-enter-exit-only", "with_dwell.jsonl", said_at, ["2026-03-01T12:00:05Z"]),
    Right("09-zone-enter-exit-only", "with_dwell.jsonl", stays, [("zA", 0, None)]),
    Right("10-zone-flapping", "storm.jsonl", stays, []),
    Right("10-zone-flapping", "storm.jsonl", offered, 0),
    Right("10-zone-flapping", "two_beacons.jsonl", stays, [("zA", 0, None)]),
    Right("10-zone-flapping", "two_beacons.jsonl", said_at, ["2026-03-01T12:00:05Z"]),
    Right("10-zone-flapping", "weak_at_entry.jsonl", said_at, ["2026-03-01T12:00:05Z"]),
    Right("10-zone-flapping", "weak_at_entry.jsonl", stays, [("zA", 0, None)]),
    Right("10-zone-flapping", "weak_early.jsonl", said_at, ["2026-03-01T12:00:06Z"]),
    Right("10-zone-flapping", "weak_early.jsonl", stays, [("zA", 0, None)]),
    Right("10-zone-flapping", "overlap.jsonl", stays, [("zB", 0, None), ("zA", 1, None)]),
    Right("11-zone-exit-out-of-order", "in_order.jsonl", stays, [("zA", 0, 40)]),
    Right("11-zone-exit-out-of-order", "exit_first.jsonl", stays, [("zA", 0, 40)]),
    Right("11-zone-exit-out-of-order", "exit_before_enter.jsonl", stays, [("zA", 0, 40)]),
    Right("11-zone-exit-out-of-order", "exit_before_enter.jsonl", offered, 0),
    Right("12-rssi-unknown", "rssi0.jsonl", stays, []),
    Right("12-rssi-unknown", "accuracy.jsonl", stays, []),
    Right("12-rssi-unknown", "accuracy.jsonl", rejected, []),
    Right("13-order-updates-out-of-order", "in_order.jsonl", money, (70.0, 1, 0)),
    Right("13-order-updates-out-of-order", "older_last.jsonl", money, (70.0, 1, 0)),
    Right("13-order-updates-out-of-order", "update_first.jsonl", money, (80.0, 1, 0)),
    Right("14-zero-refund-first", "zero_first.jsonl", money, (100.0, 1, 0)),
    Right("14-zero-refund-first", "zero_after.jsonl", money, (100.0, 1, 0)),
    Right("14-zero-refund-first", "five_first.jsonl", money, (95.0, 1, 1)),
    Right("15-one-return-told-twice", "cancel_and_refund.jsonl", money, (300.0, 4, 1)),
    Right("15-one-return-told-twice", "cancel_and_refund.jsonl", signals, []),
    Right("15-one-return-told-twice", "refund_twice.jsonl", money, (300.0, 4, 1)),
    Right("15-one-return-told-twice", "refund_twice.jsonl", signals, []),
    Right("15-one-return-told-twice", "two_part_refunds.jsonl", money, (340.0, 4, 1)),
    Right("15-one-return-told-twice", "two_part_refunds.jsonl", signals, []),
    Right("16-negative-purchase", "event.jsonl", orders, [("o1", 12.5)]),
    Right("16-negative-purchase", "event.jsonl", money, (12.5, 1, 0)),
    Right("16-negative-purchase", "event.jsonl", bought_for, (1, FIRST, FIRST)),
    Right("17-currency-mix", "mix.jsonl", orders, [("a", 10.0)]),
    Right("17-currency-mix", "mix.jsonl", rejected, [(2, "wrong_currency", "$.total.currency")]),
    Right("17-currency-mix", "refund.jsonl", orders, [("a", 100.0)]),
    Right("17-currency-mix", "refund.jsonl", rejected, [(2, "wrong_currency", "$.total.currency")]),
    *(
        Right("18-coupon-letter-case", f"{file}.jsonl", look, value)
        for file in ("exact", "lower", "mixed")
        for look, value in ((used, ["tea"]), (labels, [("tea", 1.0)]), (offered, 1))
    ),
    Right("18-coupon-letter-case", "space.jsonl", orders, [("o1", 50.0)]),
    Right("18-coupon-letter-case", "space.jsonl", rejected, []),
    Right("19-coupon-after-cancel", "cancel.jsonl", money, (0.0, 1, 1)),
    Right("19-coupon-after-cancel", "cancel.jsonl", used, ["tea"]),
    Right("19-coupon-after-cancel", "cancel.jsonl", offered, 1),
    Right("23-half-hour-zones", "berlin.jsonl", said_at, ["2026-03-02T07:00:00Z"]),
    Right("23-half-hour-zones", "kathmandu.jsonl", said_at, ["2026-03-02T02:15:00Z"]),
    Right("23-half-hour-zones", "kolkata.jsonl", said_at, ["2026-03-02T02:30:00Z"]),
    Right("23-half-hour-zones", "st_johns.jsonl", said_at, ["2026-03-01T11:30:00Z"]),
    Right("24-zone-names", "gmt8.jsonl", said_at, ["2026-03-02T00:00:00Z"]),
    Right("24-zone-names", "iana.jsonl", said_at, ["2026-03-02T00:00:00Z"]),
    Right("24-zone-names", "lower.jsonl", said_at, ["2026-03-02T00:00:00Z"]),
    Right("24-zone-names", "offset.jsonl", said_at, ["2026-03-02T00:00:00Z"]),
    Right("24-zone-names", "windows.jsonl", said_at, ["2026-03-02T00:00:00Z"]),
    Right("25-dst-and-midnight", "berlin_autumn.jsonl", said_at, ["2026-10-25T07:00:00Z"]),
    Right("25-dst-and-midnight", "berlin_spring.jsonl", said_at, ["2026-03-29T06:00:00Z"]),
    Right("25-dst-and-midnight", "ny_autumn.jsonl", said_at, ["2026-11-01T13:00:00Z"]),
    Right("26-caps", "ny_23h.jsonl", offered, 1),
    Right("26-caps", "ny_25h.jsonl", offered, 1),
    Right("26-caps", "same_ms.jsonl", offered, 1),
    Right("20-integers-as-1.0", "ints.jsonl", rejected, [(5, "wrong_type", "$.page.dwell_ms")]),
    Right("20-integers-as-1.0", "ints.jsonl", views, 4),
    Right(
        "21-amount-is-no-phone",
        "amounts.jsonl",
        rejected,
        [
            *((line, "bad_format", "$.total.amount") for line in (1, 2, 3, 4)),
            *((line, "bad_format", "$.product.gtin") for line in (5, 6)),
        ],
    ),
    Right("33-retries", "after40.jsonl", money, (10.0, 1, 0)),
    Right("33-retries", "sent_at.jsonl", views, 1),
    Right("33-retries", "shifted.jsonl", views, 1),
)

OUTCOMES: dict[tuple[str, str], Outcome] = {}


@pytest.mark.parametrize("right", RIGHT, ids=lambda r: f"{r.folder}/{r.file}:{r.look.__name__}")
def test_every_case_is_right(right: Right, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A replay of the file gives the value that the table says."""
    folder = cases()
    if folder is None:
        pytest.skip("the cases (../shared/cases) are not beside this checkout")
    name = (right.folder, right.file)
    if name not in OUTCOMES:
        out = tmp_path_factory.mktemp("case")
        OUTCOMES[name] = outcome_of(folder / right.folder, right.file, out)
    assert right.look(OUTCOMES[name]) == right.value
