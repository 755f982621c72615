"""PromQL over the catalogue's metrics: a metric that is renamed cannot leave an empty panel."""

from deploy.grafana.panels import Query
from streams.telemetry import catalogue as c
from streams.telemetry.metric import Metric

WINDOW = "$__rate_interval"
Z = 1.959964  # of a 95 % interval
Z2 = Z * Z
LEAST, MOST = "at least", "at most"
YEAR_S = 31_557_600
CURRENCY = "currencyEUR"  # the example shop's; put your own and build again


def rate(metric: Metric, by: str = "") -> str:
    """The summed rate of a counter, by the labels named."""
    series = f"rate({metric.name}[{WINDOW}])"
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


def or_zero(series: str) -> str:
    """Series with labels; while there are none one line at 0, so that the panel is not empty.

    `vector(0)` has no labels, so behind `or` alone it would stand beside the series.
    """
    return f"{series} or (vector(0) unless on() {series})"


def share(part: str, whole: str) -> str:
    """One sum over another; 0 while the other is nothing, so that the panel is not empty."""
    return f"{part} / clamp_min({whole}, 1)"


def within(part: str, whole: str) -> tuple[Query, Query]:
    """At least and at most what the share is, 95 %, by Wilson (1927); 0 while there is nothing."""
    many = f"clamp_min({whole}, 1)"
    share_ = f"({part} / {many})"
    middle = f"{share_} + {Z2 / 2:.5f} / {many}"
    spread = f"{Z:.5f} * sqrt({share_} * (1 - {share_}) / {many} + {Z2 / 4:.5f} / {many} ^ 2)"
    ends = ((f"{middle} {sign} {spread}", name) for sign, name in (("-", LEAST), ("+", MOST)))
    there = f"(1 + {Z2:.5f} / {many}) * ({whole} > bool 0)"
    low, high = ((f"clamp_min({end}, 0) / {there}", name) for end, name in ends)
    return low, high


def yearly(events: str, seconds: str) -> tuple[Query, Query, Query]:
    """Events in a year of time watched, at least and at most so many, 95 %.

    The root of a count has a standard error of a half, about (Bartlett 1936).
    """
    years = f"(clamp_min({seconds}, 1) / {YEAR_S})"
    root = f"sqrt({events})"
    return (
        (f"{events} / {years}", "a customer"),
        (f"clamp_min({root} - {Z / 2:.5f}, 0) ^ 2 / {years}", LEAST),
        (f"({root} + {Z / 2:.5f}) ^ 2 / {years}", MOST),
    )


def median_over_range(metric: Metric) -> str:
    """The median of a histogram over the dashboard's whole range; 0 without observations."""
    buckets = f"sum by (le) (increase({metric.name}_bucket[$__range]))"
    return f"(histogram_quantile(0.5, {buckets}) > 0) or vector(0)"
