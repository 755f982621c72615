"""Purchases are read from what people have, and a report says what was left out."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.errors import OperatorError
from streams.evaluation.churn import evaluate_at, evaluate_prequential
from streams.evaluation.churn_stream import ChurnStream
from streams.evaluation.churn_table import render_churn, told, write_scores
from streams.evaluation.purchases import Purchase, read_purchases

EVENT = (
    '{"event_name":"order_completed","event_id":"e-%d","occurred_at":"2026-03-01T10:00:0%dZ",'
    '"identity":{"customer_id":"c-1"},"total":{"amount":"12.50","currency":"EUR"}}'
)


def shop(customers: int = 300, weeks: int = 40) -> list[Purchase]:
    """Half of the customers buy every week or two, half once; seed 11."""
    random = np.random.default_rng(11)
    purchases = []
    for number in range(customers):
        at = float(random.uniform(0, 7 * 8))
        while at < 7 * weeks:
            purchases.append(Purchase(f"c-{number:03}", round(at * DAY_MS), 10.0))
            at += float(random.uniform(5, 16)) if number % 2 else 10_000.0
    return sorted(purchases, key=lambda purchase: purchase.at_ms)


def test_csv_keeps_purchases_and_reports_bad_lines(tmp_path: Path) -> None:
    """Returns and amounts below zero are skipped, bad lines counted; the rest is sorted."""
    path = tmp_path / "shop.csv"
    path.write_text(
        "customer_id,ts,type,amount\n"
        "a,200,purchase,5\n"
        "a,100,purchase,7.5\n"
        "a,150,return,-7.5\n"
        "a,160,purchase,-2\n"
        "a,250,purchase,0\n"
        "b,yesterday,purchase,1\n"
        ",100,purchase,1\n"
        "b,100,purchase,nan\n"
        "b,300\n",
        encoding="utf-8",
    )
    file = read_purchases(path)
    assert [(p.at_ms, p.amount) for p in file.purchases] == [
        (100_000, 7.5),
        (200_000, 5.0),
        (250_000, 0.0),
    ]
    assert (file.skipped_count, file.bad_count) == (2, 4)
    assert [bad.line for bad in file.bad] == [7, 8, 9, 10]


def test_gzip_is_seen_by_its_content(tmp_path: Path) -> None:
    """A gzip file needs no particular name."""
    path = tmp_path / "shop"
    path.write_bytes(gzip.compress(b"customer_id,ts,amount\nx,1,2\n"))
    assert read_purchases(path).purchases == (Purchase("x", 1000, 2.0),)


def test_events_are_read_alone_and_wrapped(tmp_path: Path) -> None:
    """Orders count once by event id; other events are skipped; broken lines are reported."""
    path = tmp_path / "events.jsonl"
    lines = [
        EVENT % (1, 1),
        '{"topic":"events.purchase","key":"c-1","value":%s}' % (EVENT % (2, 2)),
        '{"topic":"events.purchase","value":%s}' % (EVENT % (1, 1)),
        json.dumps({"topic": "events.purchase", "value": EVENT % (3, 3)}),
        '{"event_name":"page_viewed"}',
        '{"event_name":"order_completed","event_id":"e-9"}',
        '{"broken',
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file = read_purchases(path)
    assert file.purchases == (
        Purchase("c-1", 1_772_359_201_000, 12.5),
        Purchase("c-1", 1_772_359_202_000, 12.5),
    )
    assert (file.skipped_count, file.bad_count) == (2, 3)
    assert [bad.line for bad in file.bad] == [4, 6, 7]


@pytest.mark.parametrize("content", ["", "name,when\na,1\n"], ids=["empty", "other columns"])
def test_wrong_file_is_explained(tmp_path: Path, content: str) -> None:
    """The error names the columns that are missing."""
    path = tmp_path / "wrong.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(OperatorError, match="customer_id"):
        read_purchases(path)
    with pytest.raises(OperatorError, match="cannot be read"):
        read_purchases(tmp_path / "missing.csv")


def test_evaluation_at_a_date_separates_regulars_from_the_gone(tmp_path: Path) -> None:
    """One-timers and regulars are told apart, and everyone is in the file of scores."""
    purchases = shop()
    report = evaluate_at(purchases, 20 * WEEK_MS, 20 * WEEK_MS)
    assert report.qualities[0].auc is not None
    assert report.qualities[0].auc > 0.95
    write_scores(report, tmp_path / "scores.csv")
    lines = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "customer_id,risk"
    assert [line.split(",")[0] for line in lines[1:]] == sorted({p.customer_id for p in purchases})
    assert list(tmp_path.iterdir()) == [tmp_path / "scores.csv"]


def test_long_gone_are_scored_but_not_judged() -> None:
    """Silent for longer than the horizon: in the scores, out of the figures."""
    report = evaluate_at(shop(), 30 * WEEK_MS, 8 * WEEK_MS)
    assert (report.customers, len(report.predictions)) == (300, 300)
    assert report.judged_count == 150


def test_table_shows_the_models_side_by_side() -> None:
    """One aligned row per model, and the fit."""
    text = render_churn(evaluate_at(shop(), 20 * WEEK_MS, 19 * WEEK_MS))
    assert "no purchase in the next 133 days" in text
    assert "hazard alone, online" in text
    assert "BG/NBD P(no purchase)" in text


def test_no_figures_where_the_file_ends_before_the_horizon() -> None:
    """Who did not buy by then may still come back: said, with what would fit."""
    text = render_churn(evaluate_at(shop(), 20 * WEEK_MS, 30 * WEEK_MS))
    assert "No figures: the file ends on 1970-10-0" in text
    assert "AUC" not in text
    fits = int(re.findall(r"\(([0-9]+) fit\)", text)[0])
    assert "No figures" not in render_churn(evaluate_at(shop(), 20 * WEEK_MS, fits * DAY_MS))


def test_what_was_read_is_told_by_kind(tmp_path: Path) -> None:
    """Counts, the first bad lines, and how many stood after later ones."""
    path = tmp_path / "shop.csv"
    path.write_text("customer_id,ts,amount\na,200,5\na,100,5\na,x,5\na,y,5\na\na,9,-1\n")
    assert list(told(read_purchases(path))) == [
        "read 2 purchases, passed over 1 other line (no purchase, an amount below 0, or read "
        "before), rejected 3",
        "  rejected 2 bad_timestamp",
        "  rejected 1 missing_field",
        "  line 4: ts is no time: write seconds since 1970, milliseconds, or 2026-03-01 10:00:00",
        "  line 5: ts is no time: write seconds since 1970, milliseconds, or 2026-03-01 10:00:00",
        "  line 6: there is no ts",
        "out of order: 1 purchases after later ones; they were sorted",
    ]


def test_label_waits_until_its_tick_is_over() -> None:
    """Coming back is not learned when it is seen but together with staying away, a tick later."""
    stream = ChurnStream(WEEK_MS, 8 * WEEK_MS)
    stream.buy(Purchase("c-1", 0, 10.0))
    ((_, scored_at_ms, _),) = stream.ticks(WEEK_MS)
    back = Purchase("c-1", scored_at_ms + 1, 10.0)
    assert list(stream.ticks(back.at_ms)) == []
    stream.buy(back)
    assert list(stream.ticks(scored_at_ms + WEEK_MS - 1)) == []
    assert stream.learner.examples == 0
    assert len(list(stream.ticks(scored_at_ms + WEEK_MS))) == 1
    assert (stream.learner.hazard.labels, stream.learner.hazard.returns) == (1, 1)
    list(stream.ticks(scored_at_ms + 2 * WEEK_MS))
    assert (stream.learner.hazard.labels, stream.learner.hazard.returns) == (2, 1)


def test_silent_customer_stops_being_scored_until_the_next_purchase() -> None:
    """With a horizon of 3 weeks there are 3 scores, a last label, then none; a purchase resumes."""
    stream = ChurnStream(WEEK_MS, 3 * WEEK_MS)
    stream.buy(Purchase("c-1", 0, 10.0))
    assert len(list(stream.ticks(50 * WEEK_MS))) == 3
    assert stream.learner.examples == 3
    stream.buy(Purchase("c-1", 50 * WEEK_MS, 10.0))
    assert len(list(stream.ticks(60 * WEEK_MS))) == 3
    assert stream.learner.hazard.returns == 0


def test_prequential_needs_something_to_judge() -> None:
    """A file that is too short is refused with what is missing."""
    with pytest.raises(OperatorError, match="labels were learned"):
        evaluate_prequential(shop(20, 10), 8 * WEEK_MS)
    with pytest.raises(OperatorError, match="no purchase"):
        evaluate_at([], 1, WEEK_MS)


def test_prequential_bias_is_listed_by_tick() -> None:
    """Every judged tick has its bias, and the counts add up to what was judged."""
    report = evaluate_prequential(shop(), 8 * WEEK_MS)
    assert sum(count for _, _, count in report.tick_bias) == report.judged_count
    ticks = [tick for tick, _, _ in report.tick_bias]
    assert ticks == sorted(set(ticks))
