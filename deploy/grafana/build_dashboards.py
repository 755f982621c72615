"""Builds the Grafana dashboards as typed code: `python deploy/grafana/build_dashboards.py`.

Every metric in a query is looked up in the catalogue when the file is built, so a renamed metric
cannot leave an empty panel behind. The JSON beside this file is committed; a test compares.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from streams.telemetry import catalogue as c
from streams.telemetry.metric import Metric

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
WINDOW = "$__rate_interval"
CURRENCY = "currencyEUR"  # the example shop's; put your own and build again
Query = tuple[str, str]
PanelT = TypeVar("PanelT", timeseries.Panel, stat.Panel)


def rate(metric: Metric, by: str = "", where: str = "") -> str:
    """The summed rate of a counter, by the labels named."""
    series = (
        f"rate({metric.name}{{{where}}}[{WINDOW}])" if where else f"rate({metric.name}[{WINDOW}])"
    )
    return f"sum by ({by}) ({series})" if by else f"sum({series})"


def seen(expression: str) -> str:
    """Only what is not 0: a legend of twenty reasons that never occur hides the one that does."""
    return f"{expression} > 0"


def scaled(metric: Metric) -> str:
    """What an arm's people did, as if everyone were in that arm."""
    return f"{total(metric, 'arm')} / max by (arm) ({c.ARM_SHARE.name})"


def incremental_margin() -> str:
    """What the policy's people brought, less what they would have brought by the holdout's."""

    def net(arm: str) -> str:
        where = f'arm="{arm}"'
        return f"({total(c.PURCHASE_MARGIN, where=where)} - {total(c.MARGIN_LOST, where=where)})"

    def share(arm: str) -> str:
        return f'max({c.ARM_SHARE.name}{{arm="{arm}"}})'

    return f"{net('policy')} - {net('holdout')} * {share('policy')} / {share('holdout')}"


def total(metric: Metric, by: str = "", where: str = "") -> str:
    """The summed increase of a counter over the dashboard's whole range."""
    selector = f"{metric.name}{{{where}}}" if where else metric.name
    return (
        f"sum by ({by}) (increase({selector}[$__range]))"
        if by
        else f"sum(increase({selector}[$__range]))"
    )


def quantile(metric: Metric, q: float) -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({q}, sum by (le) (rate({metric.name}_bucket[{WINDOW}])))"


def graph(
    title: str, unit: str, queries: Sequence[Query], why: str, width: int = 8
) -> timeseries.Panel:
    """A graph over time with a legend below and a sentence on what to look for."""
    legend = (
        VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel = timeseries.Panel().title(title).description(why).unit(unit).datasource(SOURCE)
    return _with(panel.legend(legend).fill_opacity(8).span(width).height(8), queries)


def number(title: str, unit: str, query: str, why: str, width: int = 4) -> stat.Panel:
    """One number."""
    panel = stat.Panel().title(title).description(why).unit(unit).datasource(SOURCE)
    return _with(panel.span(width).height(4), [(query, "")])


def _with(panel: PanelT, queries: Sequence[Query]) -> PanelT:
    for ref, (expr, legend) in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref))
    return panel


def dashboard(title: str, uid: str) -> Dashboard:
    """An empty dashboard that looks at the last quarter of an hour every five seconds."""
    return (
        Dashboard(title)
        .uid(uid)
        .tags(["offerstream"])
        .refresh("5s")
        .time("now-15m", "now")
        .readonly()
    )


def pipeline() -> Dashboard:
    """Does it run, how fast, what is thrown out, what carries it."""
    read = f"sum({c.EVENTS.name})"
    return (
        dashboard("offerstream: pipeline", "offerstream-pipeline")
        .with_row(Row("Now"))
        .with_panel(number("Events/s", "ops", rate(c.EVENTS), "Input events processed."))
        .with_panel(number("Lag", "short", f"sum({c.LAG.name})", "Records not yet processed."))
        .with_panel(
            number(
                "Event to offer, p99",
                "s",
                quantile(c.EVENT_TO_OFFER, 0.99),
                "From the record's timestamp to the commit of its offer.",
            )
        )
        .with_panel(
            number(
                "Workers ready",
                "short",
                f"sum({c.READY.name})",
                "Restored, assigned, caught up with the models.",
            )
        )
        .with_panel(
            number(
                "Rows", "short", f"sum({c.ROWS.name})", "Customers and forwarding addresses held."
            )
        )
        .with_panel(
            number(
                "Events since start",
                "short",
                read,
                "Input events processed since the workers started.",
            )
        )
        .with_row(Row("What comes in"))
        .with_panel(
            graph(
                "Events by topic",
                "ops",
                [(rate(c.EVENTS, "topic"), "{{topic}}")],
                "A topic that falls silent has a producer that did.",
            )
        )
        .with_panel(
            graph(
                "Rejected by reason",
                "ops",
                [(seen(rate(c.REJECTED, "reason")), "{{reason}}")],
                "They are in dead-letters: `offerstream dead-letters list`.",
            )
        )
        .with_panel(
            graph(
                "Ignored, late, routed, misplaced",
                "ops",
                [
                    (rate(c.IGNORED, "reason"), "ignored: {{reason}}"),
                    (rate(c.LATE), "late"),
                    (rate(c.ROUTED, "kind"), "routed: {{kind}}"),
                    (rate(c.MISPLACED), "misplaced"),
                ],
                "Misplaced records come from a producer without the murmur2 partitioner.",
            )
        )
        .with_row(Row("What is decided"))
        .with_panel(
            graph(
                "Decisions by verdict",
                "ops",
                [(rate(c.DECISIONS, "verdict"), "{{verdict}}")],
                "Every decision, also those without an offer.",
            )
        )
        .with_panel(
            graph(
                "Why offers were withheld",
                "ops",
                [(seen(rate(c.WITHHELD, "why_not")), "{{why_not}}")],
                "One count for each offer that was not eligible.",
            )
        )
        .with_panel(
            graph(
                "Event to offer",
                "s",
                [
                    (quantile(c.EVENT_TO_OFFER, 0.5), "p50"),
                    (quantile(c.EVENT_TO_OFFER, 0.99), "p99"),
                ],
                "Includes the wait for the epoch's commit.",
            )
        )
        .with_row(Row("What carries it"))
        .with_panel(
            graph(
                "Lag by topic",
                "short",
                [(f"sum by (topic) ({c.LAG.name})", "{{topic}}")],
                "Grows when input outruns the workers.",
            )
        )
        .with_panel(
            graph(
                "Epochs",
                "ops",
                [(rate(c.COMMITS, "result"), "{{result}}")],
                "Aborted epochs are done again; many of them want a look at the broker.",
            )
        )
        .with_panel(
            graph(
                "Commit duration",
                "s",
                [
                    (quantile(c.COMMIT_DURATION, 0.5), "p50"),
                    (quantile(c.COMMIT_DURATION, 0.99), "p99"),
                ],
                "One Kafka transaction.",
            )
        )
        .with_panel(
            graph(
                "Rows and outputs an epoch",
                "short",
                [
                    (quantile(c.EPOCH_ROWS, 0.5), "rows p50"),
                    (quantile(c.EPOCH_OUTPUTS, 0.5), "outputs p50"),
                ],
                "Group commit pays one transaction for many rows.",
            )
        )
        .with_panel(
            graph(
                "CPU in process()",
                "percentunit",
                [(rate(c.PROCESS_TIME), "busy")],
                "Seconds a second in decode, process and encode, over all workers.",
            )
        )
        .with_panel(
            graph(
                "Timers",
                "ops",
                [(rate(c.TICKS), "fired")],
                "Silence is an event: due rows looked at.",
            )
        )
        .with_row(Row("Processes"))
        .with_panel(
            graph(
                "Partitions by process",
                "short",
                [(f"{c.PARTITIONS.name}", "{{instance}}")],
                "All partitions are with somebody; a process without any only stands by.",
            )
        )
        .with_panel(
            graph(
                "Memory by process",
                "bytes",
                [
                    ('process_resident_memory_bytes{job="offerstream"}', "{{instance}}"),
                    (f"sum by (instance) ({c.STORE_MEMORY.name})", "{{instance}}: local stores"),
                ],
                "Flat once the stores' buffers are full; what rises for ever ends in a restart.",
            )
        )
        .with_panel(
            graph(
                "CPU by process",
                "percentunit",
                [
                    (
                        f'rate(process_cpu_seconds_total{{job="offerstream"}}[{WINDOW}])',
                        "{{instance}}",
                    )
                ],
                "One process uses one core: near 100 % it is time for another worker.",
            )
        )
    )


def outcomes() -> Dashboard:
    """What offers and alerts are worth, and whether the models can be believed."""
    decided = total(c.OFFERS, "arm")
    redeemed = total(c.OUTCOMES, "arm", 'outcome="redeemed"')
    return (
        dashboard("offerstream: outcomes", "offerstream-outcomes")
        .with_row(Row("Offers"))
        .with_panel(number("Offers decided", "short", total(c.OFFERS), "Over the range on top."))
        .with_panel(
            number(
                "Redeemed",
                "short",
                total(c.OUTCOMES, "", 'outcome="redeemed"'),
                "Over the range on top.",
            )
        )
        .with_panel(
            number(
                "Alerts entered",
                "short",
                total(c.ALERTS, "", 'transition="entered"'),
                "New churn cases.",
            )
        )
        .with_panel(
            number(
                "Incremental margin",
                CURRENCY,
                incremental_margin(),
                "The policy's margin less the holdout's, scaled to as many people; net of refunds.",
            )
        )
        .with_panel(
            number(
                "Examples learned: response",
                "short",
                f'max({c.MODEL_EXAMPLES.name}{{model="response"}})',
                "Behind the snapshot in use.",
            )
        )
        .with_panel(
            number(
                "Examples learned: churn",
                "short",
                f'max({c.MODEL_EXAMPLES.name}{{model="churn"}})',
                "Behind the snapshot in use.",
            )
        )
        .with_panel(
            graph(
                "Redemption rate by arm",
                "percentunit",
                [(f"{redeemed} / {decided}", "{{arm}}")],
                "The policy against uniformly random choice: the same people, split by hash.",
            )
        )
        .with_panel(
            graph(
                "Outcomes of offers",
                "ops",
                [(rate(c.OUTCOMES, "outcome"), "{{outcome}}")],
                "Delivered, viewed, clicked, dismissed, redeemed, expired.",
            )
        )
        .with_panel(
            graph(
                "Offers by channel",
                "ops",
                [(seen(rate(c.OFFERS, "channel")), "{{channel}}")],
                "Where people met their offers.",
            )
        )
        .with_row(Row("Incremental value, against the holdout"))
        .with_panel(
            graph(
                "Margin by arm, scaled to everyone",
                CURRENCY,
                [(scaled(c.PURCHASE_MARGIN), "{{arm}}")],
                "Margin over the arm's share of people; above the holdout is what offers brought.",
            )
        )
        .with_panel(
            graph(
                "Purchases by arm, scaled to everyone",
                "short",
                [(scaled(c.PURCHASES), "{{arm}}")],
                "The holdout redeems nothing and buys all the same: the gap is what offers add.",
            )
        )
        .with_panel(
            graph(
                "Refunds and margin lost by arm",
                CURRENCY,
                [
                    (total(c.REFUND_AMOUNT, "arm"), "refunds {{arm}}"),
                    (total(c.MARGIN_LOST, "arm"), "margin lost {{arm}}"),
                ],
                "Subtract before you celebrate.",
            )
        )
        .with_row(Row("Leaving customers"))
        .with_panel(
            graph(
                "Alerts by transition",
                "ops",
                [(rate(c.ALERTS, "transition"), "{{transition}}")],
                "One open case a person: entered, escalated, de-escalated, resolved.",
            )
        )
        .with_panel(
            graph(
                "What became of alerts",
                "short",
                [(total(c.RETENTION, "result"), "{{result}}")],
                "As the CRM reports with retention_outcome; saved over all others is its worth.",
            )
        )
        .with_panel(
            graph(
                "Life-cycle stages entered",
                "ops",
                [(rate(c.SEGMENTS, "segment"), "{{segment}}")],
                "New, active, at risk, lapsed.",
            )
        )
        .with_row(Row("Can the models be believed?"))
        .with_panel(
            graph(
                "Log loss against the base rate",
                "short",
                [
                    (f"max by (model) ({c.LOG_LOSS.name})", "{{model}}"),
                    (f"max by (model) ({c.CONSTANT_LOG_LOSS.name})", "{{model}}: base rate"),
                ],
                "Predicted before it is learned. Above its base rate, a model harms.",
            )
        )
        .with_panel(
            graph(
                "AUC",
                "short",
                [(f"max by (model) ({c.AUC.name})", "{{model}}")],
                "Prequential; .5 is a coin.",
            )
        )
        .with_panel(
            graph(
                "Calibration",
                "short",
                [(f"max by (model) ({c.CALIBRATION.name})", "{{model}}")],
                "Sum of predictions over sum of labels; 1 is right, outside .8 to 1.25 alerts.",
            )
        )
        .with_panel(
            graph(
                "Labels",
                "ops",
                [(rate(c.LABELS, "model, class"), "{{model}} {{class}}")],
                "What the learner is given.",
            )
        )
        .with_panel(
            graph(
                "Examples read",
                "ops",
                [(rate(c.EXAMPLES, "model, result"), "{{model}} {{result}}")],
                "Repeated examples are passed over.",
            )
        )
        .with_panel(
            graph(
                "Age of the snapshot in use",
                "s",
                [(f"max by (model) ({c.SNAPSHOT_AGE.name})", "{{model}}")],
                "Grows while there is nothing new to learn, or the learner is down.",
            )
        )
    )


def built() -> dict[str, str]:
    """File name to JSON of every dashboard."""
    boards = {"pipeline.json": pipeline(), "outcomes.json": outcomes()}
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {name: encoder.encode(_numbered(board)) + "\n" for name, board in boards.items()}


def _numbered(board: Dashboard) -> object:
    model = board.build()
    for number_, panel in enumerate(model.panels or (), 1):
        panel.id_val = number_
    return model


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in built().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
