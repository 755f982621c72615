"""One Apache Kafka for all tests of this folder."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.support.apache_kafka import ApacheKafka, available
from tests.support.guarded_kafka import GuardedKafka
from tests.support.worker_job import Process


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test() -> Iterator[None]:
    """All tests share topics: the worker of one that failed would spoil the next."""
    before = len(Process.begun)
    yield
    for process in Process.begun[before:]:
        process.end()


@pytest.fixture(scope="session")
def kafka() -> Iterator[ApacheKafka]:
    """A broker from Maven Central or KAFKA_BOOTSTRAP; never silently absent in CI."""
    missing = available()
    if missing and os.environ.get("CI"):
        pytest.fail(f"Apache Kafka is required in CI: {missing}")
    if missing:
        pytest.skip(f"!!! THE TESTS ON APACHE KAFKA ARE NOT RUN: {missing} !!!")
    with ApacheKafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def guarded(kafka: ApacheKafka) -> Iterator[GuardedKafka]:
    """A broker of our own with users, rules and a network that misbehaves; none if foreign."""
    if kafka.foreign and shutil.which("java") is None:
        pytest.skip("!!! NO JAVA, AND THE FOREIGN BROKER CANNOT BE RECONFIGURED !!!")
    broker = GuardedKafka()
    with broker:
        yield broker
