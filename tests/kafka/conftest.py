"""One Apache Kafka for all tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from tests.support.apache_kafka import ApacheKafka, available


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
