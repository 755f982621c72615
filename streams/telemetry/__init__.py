"""What is measured: the metric catalogue, and the pure fold from steps to measurements."""

from streams.telemetry.catalogue import CATALOGUE
from streams.telemetry.fold import measure
from streams.telemetry.metric import Label, Measurement, Metric, measured

__all__ = ["CATALOGUE", "Label", "Measurement", "Metric", "measure", "measured"]
