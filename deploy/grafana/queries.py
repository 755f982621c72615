"""PromQL over the catalogue's metrics: a metric that is renamed cannot leave an empty panel."""

from streams.telemetry import catalogue as c
from streams.telemetry.metric import Metric

WINDOW = "$__rate_interval"
CURRENCY = "currencyEUR"  # the example shop's; put your own and build again


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


def share(part: str, whole: str) -> str:
    """One sum over another; 0 while the other is nothing, so that the panel is not empty."""
    return f"{part} / clamp_min({whole}, 1)"


def median_over_range(metric: Metric) -> str:
    """The median of a histogram over the dashboard's whole range; 0 without observations."""
    buckets = f"sum by (le) (increase({metric.name}_bucket[$__range]))"
    return f"(histogram_quantile(0.5, {buckets}) > 0) or vector(0)"
