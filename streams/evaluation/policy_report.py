"""Reports of policies and of uplift: each one HTML file with tables and plots."""

from collections import Counter
from collections.abc import Callable, Sequence

from streams.evaluation.backtest import Backtest, Ran, Sent
from streams.evaluation.backtest_table import compared
from streams.evaluation.enrolled import ArmsJudged
from streams.evaluation.off_policy import Estimate, Judged
from streams.evaluation.offer_logs import FoundOnLog
from streams.evaluation.pages import render
from streams.evaluation.policy_plots import bars_plot, estimates_plot, qini_plot
from streams.evaluation.uplift import Found

ROWS_MAX = 12


def backtest_report(found: Backtest, source: str) -> str:
    """The page of a backtest; `source` names the history."""
    offers = _most_different(found, lambda side: {n: s.offers for n, s in side.by_offer.items()})
    stages = sorted({stage for side in found.sides for stage in side.by_stage})
    caps = _most_different(found, _reasons, by_size=True)
    drawn: dict[str, tuple[Sequence[str], Callable[[Ran, str], float]]] = {
        "offers": (offers, lambda side, row: side.by_offer.get(row, Sent()).offers),
        "worth": (offers, lambda side, row: _worth(side.by_offer.get(row, Sent()))),
        "stages": (stages, lambda side, row: side.by_stage.get(row, Sent()).offers),
        "caps": (caps, lambda side, row: _reasons(side).get(row, 0)),
    }
    plots, alts = {}, {}
    for name, (rows, value) in drawn.items():
        sides = {side.name: [value(side, row) for row in rows] for side in found.sides}
        plots[name] = bars_plot(name, sides, rows)
        alts[name] = _alt(sides, rows)
    return render(
        "backtest_report.html",
        found=found,
        tables=tuple(compared(found)),
        plots=plots,
        alts=alts,
        source=source,
    )


def offers_report(found: FoundOnLog, source: str) -> str:
    """The page of a policy that was judged on a log."""
    judged = found.judged
    plots, alts = {}, {}
    if judged is not None and not judged.refused:
        plots["estimates"] = estimates_plot(
            "estimates", _estimates(judged), f"{found.reward}, for each decision"
        )
        alts["estimates"] = "; ".join(
            f"{name}: {e.value:.4f}, from {e.low:.4f} to {e.high:.4f}"
            for name, e in _estimates(judged).items()
        )
    return render("offers_report.html", found=found, plots=plots, alts=alts, source=source)


def uplift_report(found: Found, judged: ArmsJudged | None, seed: int, source: str) -> str:
    """The page of a randomized table, or of two arms of the own log (`judged`)."""
    plots = {"qini": qini_plot(found.ways)}
    alts = {"qini": "; ".join(f"{way.name}: Qini {way.qini:.3f}" for way in found.ways) + "."}
    if judged is not None:
        estimates = {"plain": judged.plain, "adjusted": judged.adjusted}
        plots["effects"] = estimates_plot("effects", estimates, "margin a head more")
        alts["effects"] = "; ".join(
            f"{name}: {e.value:.3f}, from {e.low:.3f} to {e.high:.3f}"
            for name, e in estimates.items()
        )
    return render(
        "uplift_report.html",
        found=found,
        judged=judged,
        seed=seed,
        plots=plots,
        alts=alts,
        source=source,
    )


def _estimates(judged: Judged) -> dict[str, Estimate]:
    return {
        "as logged": judged.logged,
        "doubly robust": judged.doubly_robust,
        "self-normalized": judged.snips,
        "by inverse probability": judged.ips,
    }


def _worth(sent: Sent) -> float:
    return sent.value - sent.cost


def _reasons(side: Ran) -> Counter[str]:
    """How often an offer was withheld, by reason."""
    reasons: Counter[str] = Counter()
    for name, many in side.withheld.items():
        reasons[name.rpartition(": ")[2]] += many
    return reasons


def _most_different(
    found: Backtest, counts: Callable[[Ran], dict[str, int]], *, by_size: bool = False
) -> list[str]:
    """The rows to draw: those that differ most, or that are most."""
    told = [counts(side) for side in found.sides]
    names = {name for one in told for name in one}

    def rank(name: str) -> tuple[int, int, str]:
        here = [one.get(name, 0) for one in told]
        return (0 if by_size else min(here) - max(here)), -max(here), name

    return sorted(names, key=rank)[:ROWS_MAX]


def _alt(sides: dict[str, list[float]], rows: Sequence[str]) -> str:
    """What the bars show, in words."""
    told = (
        f"{row}: " + ", ".join(f"{side} {values[n]:,.4g}" for side, values in sides.items())
        for n, row in enumerate(rows)
    )
    return "; ".join(told) + "."
