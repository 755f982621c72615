"""The meter: measurements are added up here, and read by Prometheus through a collector of ours.

It is fed per step, not per scrape, and costs a dictionary write; the stock client's child objects
and Faust's sensor cost far more than the work that they measure.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from math import prod
from threading import Lock

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.registry import Collector

from streams.telemetry import CATALOGUE, Measurement, Metric, measured
from streams.worker.tally import Labels, Tally

BORN_AT_ZERO_SERIES_MAX = 300
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Meter(Collector):
    """Adds measurements up; safe to use from the event loop and from commit threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tally = Tally()
        self._before: list[Callable[[], None]] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def record(self, measurements: Iterable[Measurement]) -> None:
        """Take measurements: counters rise, gauges are set, histograms observe."""
        with self._lock:
            for one in measurements:
                self._tally.take(one)

    def fold(self, tally: Tally) -> None:
        """Take what was added up elsewhere."""
        with self._lock:
            self._tally.add(tally)

    def count(self, metric: Metric, *labels: str, value: float = 1.0) -> None:
        """Record one measurement."""
        self.record((measured(metric, *labels, value=value),))

    set = count
    observe = count

    def before_scrape(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` before every scrape: for gauges that are read off something else."""
        self._before.append(refresh)

    def forget(self, metric: Metric, *labels: str) -> None:
        """Expose a gauge no more: what it was of is there no more."""
        with self._lock:
            self._tally.values.get(metric.name, {}).pop(labels, None)

    def value(self, metric: Metric, *labels: str) -> float:
        """What stands there now: a counter's or gauge's value, a histogram's sum; 0 if nothing."""
        return self._tally.values.get(metric.name, {}).get(labels, 0.0)

    def values_of(self, metric: Metric) -> dict[Labels, float]:
        """All values of a counter or gauge by their labels."""
        return dict(self._tally.values.get(metric.name, {}))

    def observations_of(self, metric: Metric) -> dict[Labels, float]:
        """How often a histogram has observed something, by its labels."""
        return {
            labels: float(sum(counts))
            for labels, counts in self._tally.buckets.get(metric.name, {}).items()
        }

    def exposition(self) -> bytes:
        """Everything in the text format of Prometheus."""
        for refresh in self._before:
            refresh()
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Family]:
        """The names alone, so that registering reads no values."""
        return [_family(metric) for metric in CATALOGUE]

    def collect(self) -> Iterator[Family]:
        """Every metric of the catalogue, also those that nothing was counted for yet."""
        with self._lock:
            for metric in CATALOGUE:
                yield self._filled(metric)

    def _filled(self, metric: Metric) -> Family:
        family = _family(metric)
        values = _BORN[metric.name] | self._tally.values.get(metric.name, {})
        for labels, value in values.items():
            if isinstance(family, HistogramMetricFamily):
                counts = self._tally.buckets[metric.name][labels]
                family.add_metric(labels, _cumulative(metric, counts), value)
            elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
                family.add_metric(labels, value)
        return family


def _born(metric: Metric) -> dict[Labels, float]:
    """The series of a counter that are exposed before anything was counted.

    Prometheus' `rate` and `increase` do not see the step from no series to the first value, so the
    first redemption or alert of a process would never show. Very many series are not worth that.
    """
    values = [label.values for label in metric.labels]
    count = prod(len(of_label) for of_label in values)
    if metric.kind != "counter" or count > BORN_AT_ZERO_SERIES_MAX:
        return {}
    return dict.fromkeys(product(*values), 0.0)


_BORN = {metric.name: _born(metric) for metric in CATALOGUE}


def _cumulative(metric: Metric, counts: list[int]) -> list[tuple[str, float]]:
    edges = (*(str(edge) for edge in metric.buckets), "+Inf")
    total, buckets = 0, []
    for edge, count in zip(edges, counts, strict=True):
        total += count
        buckets.append((edge, float(total)))
    return buckets


def _family(metric: Metric) -> Family:
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name, metric.help, labels=metric.label_names)
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.name, metric.help, labels=metric.label_names)
    return HistogramMetricFamily(metric.name, metric.help, labels=metric.label_names)
