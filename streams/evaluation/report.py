"""The report of churn alerts: tables, and plots beside them."""

from streams.evaluation.alert_figures import AlertFigures
from streams.evaluation.calibration import largest_gap
from streams.evaluation.churn_table import NAMES
from streams.evaluation.figures import ChurnFigures
from streams.evaluation.figures_table import number
from streams.evaluation.pages import render
from streams.evaluation.plots import calibration_plot, curves_plot, lead_plot, months_plot


def render_report(figures: ChurnFigures, source: str) -> str:
    """The page; `source` is the name of the file, which is escaped like everything of it."""
    return render(
        "churn_report.html",
        figures=figures,
        alerts=figures.alerts,
        names={**NAMES, "bgnbd": "BG/NBD", "pareto": "Pareto/NBD"},
        plots=_plots(figures),  # markup of our own, the only thing that is not escaped
        alts=_alts(figures),
        lift=None if figures.alerts is None else lift(figures.alerts),
        source=source,
    )


def lift(alerts: AlertFigures) -> float | None:
    """Precision of the product's alerts as a multiple of the base rate; None without either."""
    precision, base = alerts.rules[0].precision, alerts.base_rate
    return precision.mean / base.mean if precision and base and base.mean > 0.0 else None


def _plots(figures: ChurnFigures) -> dict[str, str]:
    plots = {
        "calibration": calibration_plot(figures.deciles),
        "curves": curves_plot(figures.curves),
    }
    if figures.alerts is not None and figures.alerts.months:
        plots["months"] = months_plot(figures.alerts.months)
    if figures.alerts is not None and figures.alerts.lead_days:
        plots["lead"] = lead_plot(figures.alerts.lead_days)
    return plots


def _alts(figures: ChurnFigures) -> dict[str, str]:
    """What each plot shows, in words."""
    first, last = figures.deciles[0], figures.deciles[-1]
    alts = {
        "calibration": (
            f"Line through the tenths of all scores. Lowest: said {first.said:.2f}, came "
            f"{first.came.mean:.2f}. Highest: said {last.said:.2f}, came {last.came.mean:.2f}. "
            f"The largest difference is {largest_gap(figures.deciles):.2f}."
        ),
        "curves": "Precision over recall. Mean precision: "
        + ", ".join(f"{curve.name} {curve.average:.3f}" for curve in figures.curves)
        + ".",
    }
    alerts = figures.alerts
    if alerts is not None:
        alts["months"] = "Cases opened by month: " + "; ".join(
            f"{m.month}: {m.true} true, {m.false} false, {m.open} not judged yet"
            for m in alerts.months
        )
        late = sum(days < 0.0 for days in alerts.lead_days)
        alts["lead"] = (
            f"{len(alerts.lead_days)} true alerts by days before the last useful day; {late} came "
            f"after it. Median: {number(alerts.rules[0].lead_days, 1)} days."
        )
    return alts
