"""What a metric is: its name with base unit, kind, help, closed labels and buckets, as data."""

from typing import Literal

from msgspec import Struct

PREFIX = "offerstream_"
OTHER = "other"

Kind = Literal["counter", "gauge", "histogram"]
Group = Literal[
    "events",
    "decisions",
    "outcomes",
    "churn",
    "learning",
    "reference",
    "runtime",
    "gateway",
    "delivery",
]


class Label(Struct, frozen=True):
    """A label and every value that it may take; anything else is counted as `other`.

    `named_max`: values are the names of things in a file of the shop's own, at most so many.

    >>> Label("arm", ("policy", "holdout")).accept("policy-b")
    'other'
    """

    name: str
    values: tuple[str, ...]
    named_max: int = 0

    def accept(self, value: str) -> str:
        """The value itself where it is one of ours, else `other`: cardinality stays bounded."""
        return value if value in self.values or self.named_max else OTHER


class Metric(Struct, frozen=True, kw_only=True):
    """One metric. Counters end in `_total`; every name carries its base unit where it has one."""

    name: str
    kind: Kind
    group: Group
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, in the order in which a measurement gives their values."""
        return tuple(label.name for label in self.labels)

    @property
    def series_max(self) -> int:
        """The greatest number of label combinations that a scrape can hold (`other` included)."""
        total = 1
        for label in self.labels:
            total *= label.named_max or len(label.values) + (OTHER not in label.values)
        return total


def counter(group: Group, name: str, help_: str, *labels: Label) -> Metric:
    """A metric that only grows; `name` without the prefix."""
    return Metric(name=PREFIX + name, kind="counter", group=group, help=help_, labels=labels)


def gauge(group: Group, name: str, help_: str, *labels: Label) -> Metric:
    """A metric that is set; `name` without the prefix."""
    return Metric(name=PREFIX + name, kind="gauge", group=group, help=help_, labels=labels)


def histogram(
    group: Group, name: str, help_: str, buckets: tuple[float, ...], *labels: Label
) -> Metric:
    """A metric that counts observations by bucket; `name` without the prefix."""
    return Metric(
        name=PREFIX + name,
        kind="histogram",
        group=group,
        help=help_,
        labels=labels,
        buckets=buckets,
    )


class Measurement(Struct, frozen=True):
    """An amount for a metric: added to a counter, set on a gauge, observed by a histogram."""

    metric: Metric
    labels: tuple[str, ...] = ()
    value: float = 1.0


def measured(metric: Metric, *labels: str, value: float = 1.0) -> Measurement:
    """A measurement whose labels are held to the metric's closed enums."""
    accepted = tuple(
        label.accept(given) for label, given in zip(metric.labels, labels, strict=True)
    )
    return Measurement(metric, accepted, value)
