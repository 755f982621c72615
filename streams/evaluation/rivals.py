"""Pareto/NBD beside the product's scores: fitted on what was known, without looking ahead."""

import numpy as np

from streams.contracts.ids import stable_hash
from streams.evaluation.histories import Histories
from streams.evaluation.moments import Floats, Moments
from streams.evaluation.pareto_nbd import ParetoNbd, fit, log_likelihood, p_no_purchase, published
from streams.models.churn import REFIT_TICKS

CUSTOMERS_MAX = 1024


def pareto_at(
    moments: Moments, histories: Histories, at_ms: int, horizon_ms: int, tick_ms: int
) -> tuple[Floats, ParetoNbd, float]:
    """P(no purchase) of all by one fit at `at_ms` on all customers; the fit, its log likelihood."""
    columns = _known_at(histories.customers, histories, at_ms, tick_ms)
    found = fit(*columns, published(tick_ms))
    said = p_no_purchase(found, *_history(moments), horizon_ms / tick_ms)
    return said, found, float(log_likelihood(found, *columns).sum())


def pareto_prequential(
    moments: Moments, histories: Histories, horizon_ms: int, tick_ms: int
) -> tuple[Floats, ParetoNbd]:
    """The same at every tick, fitted anew every fourth; the last fit.

    As often as the product fits BG/NBD, and like it on a sample: at most 1,024 customers, those
    with the lowest hashes. Before there are enough customers the published population speaks.
    """
    params, said = published(tick_ms), np.zeros(len(moments))
    sample = sorted(histories.customers, key=stable_hash)
    begins_ms = int(moments.at_ms[0]) if len(moments) else 0
    period = (moments.at_ms - begins_ms) // (REFIT_TICKS * tick_ms)
    for number in np.unique(period):
        rows = np.flatnonzero(period == number)
        columns = _known_at(sample, histories, int(moments.at_ms[rows[0]]), tick_ms)
        x, t_x, age = (column[:CUSTOMERS_MAX] for column in columns)
        params = fit(x, t_x, age, params)
        x, t_x, age = (column[rows] for column in _history(moments))
        said[rows] = p_no_purchase(params, x, t_x, age, horizon_ms / tick_ms)
    return said, params


def _history(moments: Moments) -> tuple[Floats, Floats, Floats]:
    return moments.repeats.astype(np.float64), moments.t_x, moments.age


def _known_at(
    customers: list[str] | tuple[str, ...], histories: Histories, at_ms: int, tick_ms: int
) -> tuple[Floats, Floats, Floats]:
    """Repeats, first to newest purchase, first purchase to now, of who had bought by then."""
    known = [k for who in customers if (k := histories.known(who, at_ms)) is not None]
    rows = [
        (k.repeats, (k.last_ms - k.first_ms) / tick_ms, (at_ms - k.first_ms) / tick_ms)
        for k in known
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
