"""How well churn is seen, on a file of purchases: at one date, or at every tick (prequential).

Time runs forward once. A score uses what was known at its moment: rhythms from purchases so far,
models from labels whose tick was over. What the file shows afterwards is only used to judge.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from msgspec import Struct

from streams.contracts.times import DAY_MS, WEEK_MS, from_ms
from streams.customer.rhythm import is_lapsed
from streams.errors import OperatorError
from streams.evaluation.churn_stream import ChurnStream, Scored
from streams.evaluation.purchases import Purchase
from streams.evaluation.scores import Quality, bias_by_group, measure
from streams.features.rhythm import purchase_history
from streams.models.bgnbd import BgNbd, cold_start, fit, log_likelihood, p_no_purchase
from streams.models.churn import ChurnModel
from streams.models.own_data import RARER_MIN

Progress = Callable[[float], None]


class Prediction(Struct, frozen=True):
    """What was said of one customer at one moment; `hazard`, `direct`: None before they learned."""

    customer_id: str
    at_ms: int
    risk: float
    bgnbd: float
    hazard: float | None
    direct: float | None = None


class ChurnReport(Struct, frozen=True, kw_only=True):
    """The figures of one evaluation.

    `qualities` has one entry per model. `predictions` are all scores, in order; `judged` are those
    that count in the figures, `judged_count` of them: customers silent for less than the horizon,
    the hazard ready, the horizon inside the file. `end_ms` is the file's last purchase. `bgnbd` is
    the batch fit at the date, in ticks, with its log likelihood (only in an evaluation at one
    date). `tick_bias` is (tick, bias, count) of the risk.
    """

    mode: str
    from_ms: int
    until_ms: int
    tick_ms: int
    horizon_ms: int
    customers: int
    labels_learned: int
    judged_count: int
    horizon_in_file: bool
    end_ms: int
    qualities: tuple[Quality, ...]
    predictions: tuple[Prediction, ...]
    bgnbd: BgNbd | None = None
    log_likelihood: float | None = None
    tick_bias: tuple[tuple[int, float, int], ...] = ()
    judged: tuple[Prediction, ...] = ()


def evaluate_at(
    purchases: Sequence[Purchase],
    at_ms: int,
    horizon_ms: int,
    tick_ms: int = WEEK_MS,
    on_progress: Progress | None = None,
) -> ChurnReport:
    """Score everyone at `at_ms` and judge by the purchases in (`at_ms`, `at_ms + horizon_ms`].

    `purchases` are in the order of time; those at `at_ms` itself are known. Next to the product's
    risk stand its hazard alone and BG/NBD, fitted at `at_ms` on all customers.

    Raises:
        OperatorError: there is no purchase up to `at_ms`.
    """
    known = [purchase for purchase in purchases if purchase.at_ms <= at_ms]
    if not known:
        raise OperatorError(f"no purchase up to {_date(at_ms)}: {_span(purchases)}")
    stream = ChurnStream(tick_ms, horizon_ms)
    for purchase in _with_progress(known, on_progress):
        for _ in stream.ticks(purchase.at_ms):
            pass
        stream.buy(purchase)
    for _ in stream.ticks(at_ms):
        pass
    ticks = horizon_ms / tick_ms
    population, likelihood = _fit_all(stream, at_ms)
    model = stream.learner.view(f"at-{at_ms}")
    predictions = tuple(
        _predict(model, Scored(who, at_ms, rhythm), tick_ms, ticks, population)
        for who, rhythm in sorted(stream.rhythms.items())
    )
    active = [
        p for p in predictions if not is_lapsed(stream.rhythms[p.customer_id], at_ms, horizon_ms)
    ]
    return ChurnReport(
        mode="at",
        from_ms=purchases[0].at_ms,
        until_ms=at_ms,
        tick_ms=tick_ms,
        horizon_ms=horizon_ms,
        customers=len(stream.rhythms),
        labels_learned=stream.learner.examples,
        judged_count=len(active),
        horizon_in_file=purchases[-1].at_ms >= at_ms + horizon_ms - DAY_MS,
        end_ms=purchases[-1].at_ms,
        qualities=_qualities(active, purchases, horizon_ms, None),
        judged=tuple(active),
        predictions=predictions,
        bgnbd=population,
        log_likelihood=likelihood,
    )


def evaluate_prequential(
    purchases: Sequence[Purchase],
    horizon_ms: int,
    tick_ms: int = WEEK_MS,
    on_progress: Progress | None = None,
) -> ChurnReport:
    """Score every customer at each of their ticks while learning, and judge where the file can.

    Judged are moments whose horizon ends inside the file and that have a hazard to compare with.
    BG/NBD is the learner's own, refitted every four ticks.

    Raises:
        OperatorError: nothing can be judged, because the file is too short or too thin.
    """
    predictions, stream = predict_all(purchases, horizon_ms, tick_ms, on_progress)
    end_ms = purchases[-1].at_ms if purchases else 0
    judged = [p for p in predictions if p.hazard is not None and p.at_ms + horizon_ms <= end_ms]
    if not judged:
        raise OperatorError(
            f"nothing can be judged: {_span(purchases)}, {stream.learner.examples} labels were "
            f"learned ({RARER_MIN} of each kind are needed) and the horizon is "
            f"{horizon_ms // DAY_MS} days. Use a longer file or a smaller --horizon-days"
        )
    labels = _labels(judged, purchases, horizon_ms)
    risks = np.array([p.risk for p in judged])
    weeks = np.array([p.at_ms // tick_ms for p in judged], dtype=np.int64)
    return ChurnReport(
        mode="prequential",
        from_ms=judged[0].at_ms,
        until_ms=judged[-1].at_ms,
        tick_ms=tick_ms,
        horizon_ms=horizon_ms,
        customers=len(stream.rhythms),
        labels_learned=stream.learner.examples,
        judged_count=len(judged),
        horizon_in_file=True,
        end_ms=end_ms,
        qualities=_qualities(judged, purchases, horizon_ms, tick_ms),
        predictions=tuple(predictions),
        tick_bias=bias_by_group(labels, risks, weeks),
        judged=tuple(judged),
    )


def predict_all(
    purchases: Sequence[Purchase],
    horizon_ms: int,
    tick_ms: int = WEEK_MS,
    on_progress: Progress | None = None,
) -> tuple[list[Prediction], ChurnStream]:
    """Every prediction up to the last purchase, in the order of time, without looking ahead.

    The view that scores is taken from the learner once a day of event time, as snapshots are.
    """
    stream, predictions = ChurnStream(tick_ms, horizon_ms), list[Prediction]()
    ticks, model, taken_day = horizon_ms / tick_ms, ChurnModel(), -1
    for purchase in _with_progress(purchases, on_progress):
        for scored in stream.ticks(purchase.at_ms):
            at_ms = scored.at_ms
            if at_ms // DAY_MS != taken_day:
                model, taken_day = stream.learner.view(f"at-{at_ms}"), at_ms // DAY_MS
            predictions.append(_predict(model, scored, tick_ms, ticks))
        stream.buy(purchase)
    return predictions, stream


def _predict(
    model: ChurnModel,
    scored: Scored,
    tick_ms: int,
    ticks: float,
    population: BgNbd | None = None,
) -> Prediction:
    who, at_ms, rhythm = scored
    parts = model.parts(rhythm, at_ms, tick_ms, ticks)
    bgnbd = parts.bgnbd
    if population is not None:
        bgnbd = p_no_purchase(population, *purchase_history(rhythm, at_ms, tick_ms), ticks)
    risk, _ = model.combine(parts)
    return Prediction(who, at_ms, risk, bgnbd, parts.hazard, parts.direct)


def _fit_all(stream: ChurnStream, at_ms: int) -> tuple[BgNbd, float]:
    histories = [purchase_history(r, at_ms, stream.tick_ms) for r in stream.rhythms.values()]
    x, t_x, age = np.array(histories).reshape(-1, 3).T
    found = fit(x, t_x, age, cold_start(stream.tick_ms))
    return found, float(log_likelihood(found, x, t_x, age).sum())


def _qualities(
    judged: Sequence[Prediction],
    purchases: Sequence[Purchase],
    horizon_ms: int,
    tick_ms: int | None,
) -> tuple[Quality, ...]:
    labels = _labels(judged, purchases, horizon_ms)
    groups = None
    if tick_ms is not None:
        groups = np.array([p.at_ms // tick_ms for p in judged], dtype=np.int64)
    columns = {"risk": [p.risk for p in judged]}
    if judged and all(p.hazard is not None for p in judged):
        columns["hazard"] = [p.hazard for p in judged if p.hazard is not None]
    columns["bgnbd"] = [p.bgnbd for p in judged]
    return tuple(measure(n, labels, np.array(c), groups) for n, c in columns.items())


def _labels(
    judged: Sequence[Prediction], purchases: Sequence[Purchase], horizon_ms: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether no purchase follows within the horizon, for each prediction."""
    times: dict[str, list[int]] = {}
    for purchase in purchases:
        times.setdefault(purchase.customer_id, []).append(purchase.at_ms)
    gone = np.zeros(len(judged), dtype=np.bool_)
    for row, prediction in enumerate(judged):
        own = times[prediction.customer_id]
        following = bisect_right(own, prediction.at_ms)
        gone[row] = following == len(own) or own[following] > prediction.at_ms + horizon_ms
    return gone


def _span(purchases: Sequence[Purchase]) -> str:
    if not purchases:
        return "the file holds no purchase"
    return f"the file runs from {_date(purchases[0].at_ms)} to {_date(purchases[-1].at_ms)}"


def _date(at_ms: int) -> str:
    return from_ms(at_ms).date().isoformat()


def _with_progress(
    purchases: Sequence[Purchase], on_progress: Progress | None
) -> Iterable[Purchase]:
    for number, purchase in enumerate(purchases):
        if on_progress is not None and number % 256 == 0:
            on_progress(number / len(purchases))
        yield purchase
