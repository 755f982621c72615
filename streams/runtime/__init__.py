"""Faust made crash-safe: epochs, each one Kafka transaction; knows nothing of customers."""

from streams.runtime.murmur2 import partition_for
from streams.runtime.process.app import AnyRuntime, Runtime, build_runtime
from streams.runtime.process.health import Verdict
from streams.runtime.process.run import run
from streams.runtime.records import Output, Record
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import EpochStats, Partition, Shell

__all__ = [
    "AnyRuntime",
    "EpochStats",
    "Output",
    "Partition",
    "Record",
    "Runtime",
    "RuntimeSettings",
    "Shell",
    "Verdict",
    "build_runtime",
    "partition_for",
    "run",
]
