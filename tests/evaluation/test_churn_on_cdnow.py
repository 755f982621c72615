"""Churn on real purchases: CDNOW's customers, as the papers and `docs/churn.md` report them."""

from functools import cache
from pathlib import Path

import pytest

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.evaluation.churn import ChurnReport, evaluate_at, evaluate_prequential, predict_all
from streams.evaluation.histories import Histories
from streams.evaluation.moments import moments_of
from streams.evaluation.purchases import Purchase, read_purchases
from streams.evaluation.scores import log_loss_against

CDNOW = Path(__file__).parents[2] / ".." / "shared" / "data" / "cdnow" / "sample2357.csv.gz"
WEEK_39_MS = 852_076_800_000 + 272 * DAY_MS  # 1997-09-30
pytestmark = pytest.mark.skipif(
    not CDNOW.exists(), reason="CDNOW is not at ../shared/data/cdnow (it may not be shipped)"
)


@cache
def purchases() -> tuple[Purchase, ...]:
    """All 6,919 lines of the sample."""
    return read_purchases(CDNOW).purchases


@cache
def week_39() -> ChurnReport:
    """Week 39, the next 39 weeks, as in the papers."""
    return evaluate_at(purchases(), WEEK_39_MS, 39 * WEEK_MS)


@cache
def every_tick() -> ChurnReport:
    """All ticks of the file, 13 weeks ahead."""
    return evaluate_prequential(purchases(), 13 * WEEK_MS)


def test_file_is_read_whole() -> None:
    """6,919 purchases of 2,357 customers."""
    assert len(purchases()) == 6919
    assert len({purchase.customer_id for purchase in purchases()}) == 2357


def test_fit_finds_the_published_parameters() -> None:
    """Fader, Hardie, Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426, LL -9582.4."""
    found = week_39().bgnbd
    assert found is not None
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx(
        (0.243, 4.414, 0.793, 2.426), abs=0.005
    )
    assert week_39().log_likelihood == pytest.approx(-9582.4, abs=0.1)


def test_scores_reach_the_level_of_the_design() -> None:
    """Risk: AUC .78 or better; the hazard alone beats BG/NBD's .757 by AUC, Brier and log loss."""
    by_name = {quality.name: quality for quality in week_39().qualities}
    hazard, bgnbd, risk = by_name["hazard"], by_name["bgnbd"], by_name["risk"]
    assert hazard.auc is not None
    assert hazard.auc >= 0.77
    assert bgnbd.auc == pytest.approx(0.757, abs=0.001)
    assert hazard.brier < bgnbd.brier
    assert hazard.log_loss < bgnbd.log_loss
    assert risk.auc is not None
    assert risk.auc >= 0.78
    assert risk.log_loss < hazard.log_loss


def test_no_score_knows_the_future() -> None:
    """Removing all later data changes no earlier score: the difference is exactly 0."""
    cut_ms = purchases()[0].at_ms + 140 * DAY_MS
    known = [purchase for purchase in purchases() if purchase.at_ms <= cut_ms]
    early, _ = predict_all(known, 13 * WEEK_MS)
    assert len(early) > 10_000
    assert every_tick().predictions[: len(early)] == tuple(early)


def test_week_39_scores_do_not_read_later_purchases() -> None:
    """With every purchase after the date removed, all 2,357 risks are the same."""
    known = [purchase for purchase in purchases() if purchase.at_ms <= WEEK_39_MS]
    blind = evaluate_at(known, WEEK_39_MS, 39 * WEEK_MS)
    assert blind.predictions == week_39().predictions
    assert not blind.horizon_in_file


def test_prequential_risk_beats_bgnbd() -> None:
    """At every tick, 13 weeks ahead, only customers silent for less than that."""
    report = every_tick()
    by_name = {quality.name: quality for quality in report.qualities}
    assert report.judged_count > 40_000
    assert by_name["risk"].log_loss < by_name["bgnbd"].log_loss
    assert by_name["risk"].brier < by_name["bgnbd"].brier
    told = moments_of(report.judged, Histories(purchases()), 13 * WEEK_MS, WEEK_MS)
    assert log_loss_against(told.gone, told.risk, told.bgnbd, told.customers).high < 0.0
    assert any(prediction.direct is not None for prediction in report.predictions)
    risk, bgnbd = by_name["risk"].within_tick_auc, by_name["bgnbd"].within_tick_auc
    assert risk is not None
    assert bgnbd is not None
    assert risk > bgnbd
