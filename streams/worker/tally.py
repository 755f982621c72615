"""Measurements added up: the sums of a process, or those of one epoch until it is durable."""

from bisect import bisect_left

from streams.telemetry import CATALOGUE, Measurement

Labels = tuple[str, ...]
_KIND = {metric.name: metric.kind for metric in CATALOGUE}


class Tally:
    """Counters, gauges and histograms by the metric's name and its labels; not for two threads.

    `values` of a histogram are the sums of what was observed, `buckets` how much fell into each.
    """

    def __init__(self) -> None:
        self.values: dict[str, dict[Labels, float]] = {}
        self.buckets: dict[str, dict[Labels, list[int]]] = {}

    def take(self, one: Measurement) -> None:
        """Counters rise, gauges are set, histograms observe."""
        metric, labels = one.metric, one.labels
        values = self.values.get(metric.name)
        if values is None:
            values = self.values[metric.name] = {}
        if metric.kind == "gauge":
            values[labels] = one.value
            return
        values[labels] = values.get(labels, 0.0) + one.value
        if metric.kind == "histogram":
            by_labels = self.buckets.setdefault(metric.name, {})
            counts = by_labels.get(labels)
            if counts is None:
                counts = by_labels[labels] = [0] * (len(metric.buckets) + 1)
            counts[bisect_left(metric.buckets, one.value)] += 1

    def add(self, other: "Tally") -> None:
        """Take everything that another tally holds."""
        for name, found in other.values.items():
            values = self.values.setdefault(name, {})
            if _KIND[name] == "gauge":
                values.update(found)
                continue
            for labels, value in found.items():
                values[labels] = values.get(labels, 0.0) + value
        for name, counted in other.buckets.items():
            by_labels = self.buckets.setdefault(name, {})
            for labels, counts in counted.items():
                have = by_labels.get(labels, (0,) * len(counts))
                by_labels[labels] = [a + b for a, b in zip(have, counts, strict=True)]
