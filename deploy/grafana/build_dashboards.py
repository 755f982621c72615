"""Builds the Grafana dashboards as typed code: `python deploy/grafana/build_dashboards.py`.

`pipeline`, `outcomes` and `webhooks` say what is shown, `queries` how it is asked. Every metric in
a query is looked up in the catalogue when the file is built, so a renamed metric cannot leave an
empty panel behind. The JSON beside this file is committed; a test compares.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from deploy.grafana.outcomes import OUTCOMES
from deploy.grafana.panels import COUNT, Board, Graph, Number, Query
from deploy.grafana.pipeline import PIPELINE
from deploy.grafana.webhooks import WEBHOOKS

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
BOARDS = {"pipeline.json": PIPELINE, "outcomes.json": OUTCOMES, "webhooks.json": WEBHOOKS}
THIRD, QUARTER = 8, 6  # of the 24 columns
PanelT = TypeVar("PanelT", timeseries.Panel, stat.Panel)


def built() -> dict[str, str]:
    """File name to JSON of every dashboard."""
    return {name: _told(board) for name, board in BOARDS.items()}


def _told(board: Board) -> str:
    """The JSON of a dashboard, without what Grafana's schema no longer knows."""
    told = json.loads(JSONEncoder().encode(_numbered(board)))
    del told["style"]
    return json.dumps(told, sort_keys=True, indent=2) + "\n"


def _numbered(board: Board) -> object:
    model = _dashboard(board).build()
    for number, panel in enumerate(model.panels or (), 1):
        panel.id_val = number
    return model


def _dashboard(board: Board) -> builder.Dashboard:
    """A dashboard that looks at the last quarter of an hour every five seconds."""
    made = (
        builder.Dashboard(board.title)
        .uid(board.uid)
        .tags(["offerstream"])
        .refresh("5s")
        .time("now-15m", "now")
        .readonly()
    )
    for row in board.rows:
        made.with_row(builder.Row(row.title))
        graphs = sum(isinstance(panel, Graph) for panel in row.panels)
        span = QUARTER if graphs % 4 == 0 else THIRD
        for panel in row.panels:
            made.with_panel(_graph(panel, span) if isinstance(panel, Graph) else _number(panel))
    return made


def _graph(graph: Graph, span: int) -> timeseries.Panel:
    """So many of 24 columns, with a legend below and a sentence on what to look for."""
    legend = (
        VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel = timeseries.Panel().title(graph.title).description(graph.why).unit(graph.unit)
    panel.datasource(SOURCE).legend(legend).fill_opacity(8).span(span).height(8)
    return _with(panel, graph.queries)


def _number(number: Number) -> stat.Panel:
    """A sixth of a row."""
    panel = stat.Panel().title(number.title).description(number.why).unit(number.unit)
    panel.graph_mode(BigValueGraphMode.NONE)
    if number.unit == COUNT:
        panel.decimals(0)  # a count: `increase` says 81.1 where 81 were seen
    return _with(panel.datasource(SOURCE).span(4).height(4), [(number.query, "")])


def _with(panel: PanelT, queries: Sequence[Query]) -> PanelT:
    for ref, (expr, legend) in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref))
    return panel


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in built().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
