"""All figures of one evaluation in one struct: what the text, the JSON and the HTML report show."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from streams.contracts.times import DAY_MS, from_ms
from streams.evaluation import calibration, ranking
from streams.evaluation.alert_figures import AlertFigures, alert_figures
from streams.evaluation.alerts_played import AlertPlay
from streams.evaluation.calibration import Calibrated
from streams.evaluation.churn import ChurnReport
from streams.evaluation.histories import Histories
from streams.evaluation.moments import Floats, Moments, moments_of
from streams.evaluation.pareto_nbd import ParetoNbd
from streams.evaluation.purchases import Purchase
from streams.evaluation.ranking import AtTop, Curve
from streams.evaluation.rivals import pareto_at, pareto_prequential
from streams.evaluation.scores import (
    BOOTSTRAP_SEED,
    RESAMPLES,
    Interval,
    Quality,
    auc_against,
    brier_against,
    log_loss_against,
    mean_interval,
    measure,
)
from streams.models.bgnbd import BgNbd

RISK, BGNBD, PARETO, THUMB = "risk", "BG/NBD", "Pareto/NBD", "silence in own gaps"


class Against(Struct, frozen=True):
    """A figure of the risk less that of another model.

    Below 0 the risk is better; for the AUC above 0.
    """

    other: str
    measure: str
    difference: Interval


class ChurnFigures(Struct, frozen=True, kw_only=True):
    """The figures of an evaluation, without the scores themselves.

    Attributes:
        mode: `at` one date, or `prequential`: at every tick.
        scores: judged scores; `repeat_scores` are those of people with two purchase days or more,
            on whom the curves stand.
        base_rate: the share of scores without a purchase within the horizon.
        top: the top of each list; the risk times what the customer spends is a list of its own.
        alerts: None where they were not played, for the reason in `no_alerts`.
        bgnbd: the fit at the date; `pareto` the last fit; in ticks.
    """

    mode: str
    from_day: str
    until_day: str
    ends: str
    horizon_days: float
    tick_days: float
    customers: int
    labels_learned: int
    scores: int
    repeat_scores: int
    base_rate: Interval
    qualities: tuple[Quality, ...]
    against: tuple[Against, ...]
    deciles: tuple[Calibrated, ...]
    by_silence: tuple[Calibrated, ...]
    top: tuple[AtTop, ...]
    curves: tuple[Curve, ...]
    alerts: AlertFigures | None
    no_alerts: str
    bgnbd: BgNbd | None
    bgnbd_log_likelihood: float | None
    pareto: ParetoNbd
    pareto_log_likelihood: float | None
    bootstrap_seed: int = BOOTSTRAP_SEED
    resamples: int = RESAMPLES


def figures_of(
    purchases: Sequence[Purchase],
    report: ChurnReport,
    play: AlertPlay | None,
    no_alerts: str = "",
) -> ChurnFigures:
    """Everything that can be said of an evaluation with judged scores.

    Args:
        purchases: all of the file, in the order of time.
        report: the evaluation; `report.judged` holds one score at least.
        play: the alerts of the same purchases, or None.
        no_alerts: why there are none.
    """
    histories = Histories(purchases)
    moments = moments_of(report.judged, histories, report.horizon_ms, report.tick_ms)
    pareto, params, likelihood = _pareto(report, moments, histories)
    others = {BGNBD: moments.bgnbd, PARETO: pareto}
    ticks = moments.tick if report.mode == "prequential" else None
    repeat = moments.repeats > 0
    return ChurnFigures(
        mode=report.mode,
        from_day=_day(report.from_ms),
        until_day=_day(report.until_ms),
        ends=_day(report.end_ms),
        horizon_days=report.horizon_ms / DAY_MS,
        tick_days=report.tick_ms / DAY_MS,
        customers=report.customers,
        labels_learned=report.labels_learned,
        scores=len(moments),
        repeat_scores=int(repeat.sum()),
        base_rate=mean_interval(moments.gone, moments.customers),
        qualities=(*report.qualities, measure("pareto", moments.gone, pareto, ticks)),
        against=tuple(_against(moments, others)),
        deciles=calibration.by_risk(moments),
        by_silence=calibration.by_silence(moments),
        top=ranking.at_top(
            moments, {RISK: moments.risk, "risk x value": moments.risk * moments.value, **others}
        ),
        curves=tuple(_curves(moments.take(repeat), {k: v[repeat] for k, v in others.items()})),
        alerts=None if play is None else alert_figures(play, moments, _rivals(moments, others)),
        no_alerts=no_alerts,
        bgnbd=report.bgnbd,
        bgnbd_log_likelihood=report.log_likelihood,
        pareto=params,
        pareto_log_likelihood=likelihood,
    )


def _pareto(
    report: ChurnReport, moments: Moments, histories: Histories
) -> tuple[Floats, ParetoNbd, float | None]:
    if report.mode == "at":
        return pareto_at(moments, histories, report.until_ms, report.horizon_ms, report.tick_ms)
    said, params = pareto_prequential(moments, histories, report.horizon_ms, report.tick_ms)
    return said, params, None


def _against(moments: Moments, others: dict[str, Floats]) -> list[Against]:
    told = []
    for other, scores in others.items():
        columns = (moments.gone, moments.risk, scores, moments.customers)
        told.append(Against(other, "log loss", log_loss_against(*columns)))
        told.append(Against(other, "Brier score", brier_against(*columns)))
        better = auc_against(*columns)
        told += [] if better is None else [Against(other, "AUC", better)]
    return told


def _rivals(moments: Moments, others: dict[str, Floats]) -> dict[str, Floats]:
    """What warns as often as the product, by a threshold on a score alone."""
    named = {"risk alone": moments.risk, **others}
    return {f"{name}, as many warnings": scores for name, scores in named.items()}


def _curves(repeat: Moments, others: dict[str, Floats]) -> list[Curve]:
    scores = {RISK: repeat.risk, **others, THUMB: np.nan_to_num(repeat.gaps)}
    return [ranking.curve_of(name, repeat.gone, column) for name, column in scores.items()]


def _day(at_ms: int) -> str:
    return from_ms(at_ms).date().isoformat()
