"""The figures of an evaluation beyond the scores' own, as plain text for a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.evaluation.alert_figures import AlertFigures, BandFigures, RuleFigures
from streams.evaluation.calibration import Calibrated
from streams.evaluation.figures import ChurnFigures
from streams.evaluation.scores import Interval

Rows = Iterable[Sequence[str]]


def render_figures(figures: ChurnFigures) -> str:
    """The figures as lines of plain text, each table's columns aligned."""
    lines = [*_scores(figures), "", *_calibration(figures), "", *_top(figures), ""]
    if figures.alerts is None:
        lines.append(f"No figures of alerts: {figures.no_alerts}")
    else:
        lines += _alerts(figures.alerts)
    intervals = f"{figures.resamples:,} resamples of customers, seed {figures.bootstrap_seed}"
    lines += ["", f"In brackets: 95 % intervals by bootstrap, {intervals}."]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _scores(figures: ChurnFigures) -> Iterator[str]:
    rows = [(a.other, a.measure, interval(a.difference, "+.4f")) for a in figures.against]
    yield from table(("risk against", "", "difference; better below 0, AUC above"), rows)
    yield ""
    p, likelihood = figures.pareto, figures.pareto_log_likelihood
    fit = "" if likelihood is None else f", log likelihood {likelihood:.1f}"
    yield (
        f"Pareto/NBD: r {p.r:.3f}, alpha {p.alpha:.3f}, s {p.s:.3f}, beta {p.beta:.3f}{fit} "
        "(time in ticks)"
    )
    averages = ", ".join(f"{c.name} {c.average:.3f}" for c in figures.curves)
    yield f"average precision, {figures.repeat_scores:,} scores of repeat buyers: {averages}"


def _calibration(figures: ChurnFigures) -> Iterator[str]:
    headers = ("scores", "said", "came", "")
    tenths = [(f"{g.lowest:.3f} to {g.highest:.3f}", g) for g in figures.deciles]
    yield from table(("risk, by tenths", *headers), (_calibrated(*pair) for pair in tenths))
    yield ""
    silences = [(g.group, g) for g in figures.by_silence]
    yield from table(("silence in own gaps", *headers), (_calibrated(*pair) for pair in silences))


def _calibrated(name: str, group: Calibrated) -> tuple[str, ...]:
    return name, f"{group.scores:,}", f"{group.said:.3f}", *_cells(group.came)


def _top(figures: ChurnFigures) -> Iterator[str]:
    rows = [
        (
            f"{top.by}, top {top.share:.0%}",
            f"{top.scores:,}",
            *_cells(top.precision),
            f"{top.found:.3f}",
            f"{top.value_found:.3f}",
        )
        for top in figures.top
    ]
    headers = ("top of each tick's list, by", "scores", "precision", "", "found", "found of value")
    yield from table(headers, rows)


def _alerts(told: AlertFigures) -> Iterator[str]:
    counts = counted(told.transitions) or "none"
    days = f"{told.horizon_days:g} days"
    yield f"Alerts as the product would have raised them, {days} ahead: {counts}"
    if told.resolved_by:
        yield f"cases ended: {counted(told.resolved_by)}"
    if told.passed:
        yield f"purchases that the product does not take: {counted(told.passed)}"
    yield f"own data carry the score from: {told.own_from or 'no day of the file'}"
    yield f"base rate, of those whom it could warn of: {interval(told.base_rate)}"
    yield f"warnings less than 24 hours after a purchase: {told.on_purchase_day}"
    yield ""
    headers = ("who warns", "warnings", "judged", "precision", "", "recall", "", "in time",
               "lead days", "a year")  # fmt: skip
    yield from table(headers, (_rule(rule) for rule in told.rules))
    yield ""
    by_band = ("alerts, by band", "alerts", "judged", "stated", "came", "")
    yield from table(by_band, (_band(band) for band in told.bands))


def _rule(rule: RuleFigures) -> tuple[str, ...]:
    return (
        rule.name,
        f"{rule.warnings:,}",
        f"{rule.judged:,}",
        *_cells(rule.precision),
        *_cells(rule.recall),
        number(rule.in_time),
        number(rule.lead_days, 1),
        mean(rule.a_customer_year),
    )


def _band(band: BandFigures) -> tuple[str, ...]:
    name = f"{band.transition}, {band.band}"
    return name, f"{band.alerts:,}", f"{band.judged:,}", number(band.stated), *_cells(band.came)


def table(headers: Sequence[str], rows: Rows) -> Iterator[str]:
    """Aligned lines: the first column to the left, numbers to the right."""
    table = [tuple(headers), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = (f"  {cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}" + "".join(cells)


def _cells(value: Interval | None) -> tuple[str, str]:
    return mean(value), "" if value is None else f"[{value.low:.3f}, {value.high:.3f}]"


def counted(counts: Mapping[str, int]) -> str:
    """Counts by name in one line.

    >>> counted({"entered": 1200, "resolved": 7})
    '1,200 entered, 7 resolved'
    """
    return ", ".join(f"{many:,} {name}" for name, many in counts.items())


def interval(value: Interval | None, form: str = ".3f") -> str:
    """A mean and its interval; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value.mean:{form}} [{value.low:{form}}, {value.high:{form}}]"


def mean(value: Interval | None) -> str:
    """The mean alone; a dash where there is none."""
    return "-" if value is None else f"{value.mean:.3f}"


def number(value: float | None, digits: int = 3) -> str:
    """A number; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"
