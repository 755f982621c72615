"""Plots of policies side by side, of estimates with their intervals, and of Qini curves, as SVG."""

from collections.abc import Mapping, Sequence

import numpy as np

from streams.evaluation.off_policy import Estimate
from streams.evaluation.plots import BLUE, GRAY, GREEN, INK, LINES, ORANGE, VIOLET, plot
from streams.evaluation.uplift import Uplift

COLORS = (GRAY, BLUE, ORANGE, GREEN, VIOLET)
HATCHES = ("", "", "//", "..", "xx")
NAME_MAX = 26
WIDTH_INCHES = 5.0
BAR_INCHES = 0.16


def bars_plot(name: str, sides: Mapping[str, Sequence[float]], rows: Sequence[str]) -> str:
    """Horizontal bars, a group for each row and a bar for each side; `sides` by their names."""
    many = max(len(sides), 1)
    height = 1.3 + len(rows) * (many * BAR_INCHES + 0.12)
    with plot(name, (WIDTH_INCHES, max(height, 2.2))) as (axes, out):
        places = np.arange(len(rows))[::-1].astype(float)
        thick = 0.8 / many
        for number, (side, values) in enumerate(sides.items()):
            axes.barh(
                places + 0.4 - thick * (number + 0.5),
                values,
                height=thick,
                color=COLORS[number % len(COLORS)],
                hatch=HATCHES[number % len(HATCHES)],
                edgecolor=INK,
                linewidth=0.6,
                label=short(side),
            )
        axes.set_yticks(places, [short(row) for row in rows])
        axes.axvline(0.0, color=INK, linewidth=0.8)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.margins(x=0.05)
        axes.figure.legend(loc="outside upper left", ncols=min(many, 3))
    return out.getvalue()


def estimates_plot(name: str, estimates: Mapping[str, Estimate], label: str) -> str:
    """Estimates with their intervals, one below the other."""
    with plot(name, (WIDTH_INCHES, 1.2 + 0.45 * len(estimates))) as (axes, out):
        for number, e in enumerate(estimates.values()):
            place = len(estimates) - number
            color = GRAY if number == 0 and len(estimates) > 2 else BLUE
            ends = [[max(e.value - e.low, 0.0)], [max(e.high - e.value, 0.0)]]
            axes.errorbar([e.value], [place], xerr=ends, color=color, marker="o", capsize=4.0)
            axes.text(e.value, place + 0.16, f"{e.value:.4g}", ha="center", fontsize=9.0)
        axes.set_yticks(range(len(estimates), 0, -1), list(estimates))
        axes.set_ylim(0.5, len(estimates) + 0.6)
        axes.set(xlabel=label)
        low, high = axes.get_xlim()
        if low < 0.0 < high:
            axes.axvline(0.0, color=ORANGE, linestyle="--")
    return out.getvalue()


def qini_plot(ways: Sequence[Uplift]) -> str:
    """What is gained by acting on a share of the people, those who gain most first."""
    with plot("qini") as (axes, out):
        for way, (color, line) in zip(ways, LINES, strict=False):
            shares = np.linspace(0.0, 1.0, len(way.curve))
            axes.plot(shares, way.curve, color=color, linestyle=line, label=way.name)
        end = float(np.mean([way.curve[-1] for way in ways]))
        axes.plot([0.0, 1.0], [0.0, end], color=GRAY, linestyle=":", label="anybody alike")
        axes.set(xlabel="share of the people acted upon", xlim=(0, 1))
        axes.set_ylabel("incremental outcome, by person")
        axes.legend(loc="best")
    return out.getvalue()


def short(name: str) -> str:
    """A name that leaves room for the plot.

    >>> short("a-very-long-name-of-an-offer-of-ours")
    'a-very-long-name-of-an-of…'
    """
    return name if len(name) <= NAME_MAX else name[: NAME_MAX - 1] + "…"
