"""The report's plots as SVG for an HTML page: text stays text and takes the page's color.

Matplotlib is loaded with this module, which only the report imports.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from streams.evaluation.alert_figures import MonthFigures
from streams.evaluation.calibration import Calibrated
from streams.evaluation.ranking import Curve

INK = "#010203"  # stands for the page's own color, `currentColor`, which Matplotlib has no word for
BLUE, ORANGE, GREEN, VIOLET, GRAY = "#3b82f6", "#d97706", "#16a34a", "#a855f7", "#8b8b8b"
LINES = ((BLUE, "-"), (ORANGE, "--"), (VIOLET, "-."), (GREEN, ":"))
SIZE_INCHES = (5.0, 3.7)
LEAD_BIN_DAYS = 7.0
MONTHS_NAMED_MAX = 8
STYLE: Any = {  # a dict whose keys Matplotlib lists one by one
    "svg.fonttype": "none",
    "svg.hashsalt": "offerstream",  # ids of the parts: the same figures give the same bytes
    "font.size": 11.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 10.0,
}


def calibration_plot(groups: Sequence[Calibrated]) -> str:
    """What was said beside what came, tenths of the risk, with 95 % intervals."""
    with plot("calibration") as (axes, out):
        said = np.array([group.said for group in groups])
        came = np.array([group.came.mean for group in groups])
        ends = [(g.came.mean - g.came.low, g.came.high - g.came.mean) for g in groups]
        axes.plot([0, 1], [0, 1], color=GRAY, linestyle="--", label="said is what came")
        axes.errorbar(
            said,
            came,
            yerr=np.maximum(np.array(ends).T, 0.0),
            color=BLUE,
            marker="o",
            capsize=3.0,
            label="tenths of all scores",
        )
        axes.set(xlabel="risk as said", ylabel="share without a purchase", xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="upper left")
    return out.getvalue()


def curves_plot(curves: Sequence[Curve]) -> str:
    """Precision over recall of each score, and its mean."""
    with plot("curves") as (axes, out):
        for curve, (color, line) in zip(curves, LINES, strict=False):
            label = f"{curve.name} ({curve.average:.3f})"
            axes.plot(curve.recall, curve.precision, color=color, linestyle=line, label=label)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="lower left", title="mean precision")
    return out.getvalue()


def months_plot(months: Sequence[MonthFigures]) -> str:
    """Cases opened by month: true, false, and not judged yet, one on the other."""
    with plot("months") as (axes, out):
        places = np.arange(len(months))
        below = np.zeros(len(months))
        kinds = (("true", GREEN, ""), ("false", ORANGE, "//"), ("open", GRAY, ".."))
        for name, color, hatch in kinds:
            heights = np.array([getattr(month, name) for month in months], dtype=np.float64)
            label = "not judged yet" if name == "open" else name
            axes.bar(
                places, heights, bottom=below, color=color, hatch=hatch, edgecolor=INK, label=label
            )
            below += heights
        step = max(-(-len(months) // MONTHS_NAMED_MAX), 1)
        axes.set_xticks(places[::step], [month.month for month in months[::step]], rotation=35)
        axes.set(ylabel="cases opened")
        axes.legend(loc="upper left")
        axes.set_ylim(0, max(float(below.max(initial=0.0)), 1.0) * 1.35)  # room for the legend
    return out.getvalue()


def lead_plot(lead_days: Sequence[float]) -> str:
    """How many days before the last useful one true alerts came; left of 0 is too late."""
    with plot("lead") as (axes, out):
        days = np.array(lead_days)
        low = np.floor(days.min(initial=0.0) / LEAD_BIN_DAYS)
        high = np.floor(days.max(initial=0.0) / LEAD_BIN_DAYS) + 1.0
        edges = np.arange(low, high + 1.0) * LEAD_BIN_DAYS
        axes.hist(days, bins=edges.tolist(), color=BLUE, edgecolor=INK)
        axes.axvline(0.0, color=ORANGE, linestyle="--", linewidth=2.0)
        axes.set(xlabel="days before the last useful day", ylabel="true alerts")
    return out.getvalue()


@contextmanager
def plot(
    name: str, size_inches: tuple[float, float] = SIZE_INCHES
) -> Iterator[tuple[Axes, StringIO]]:
    """Axes to draw on; afterwards the SVG stands in the text."""
    out = StringIO()
    with rc_context(STYLE):
        figure = Figure(figsize=size_inches, layout="constrained")
        yield figure.subplots(), out
        raw = StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(raw, format="svg", metadata=nothing)
    out.write(inlined(raw.getvalue(), name))


def inlined(svg: str, name: str) -> str:
    """An SVG document as an element of a page: without a size, its ids beginning with `name`.

    >>> inlined('<?xml?><svg width="9pt" height="3pt" viewBox="0 0 9 3"><g id="a"/></svg>', "p")
    '<svg aria-hidden="true" viewBox="0 0 9 3"><g id="p-a"/></svg>'
    """
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*</defs>\s*", "", svg)
    head, tail = svg.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    head = head.replace("<svg", '<svg aria-hidden="true"', 1)
    svg = f"{head}>{tail}".replace(INK, "currentColor")
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    return svg.replace("url(#", f"url(#{name}-")
