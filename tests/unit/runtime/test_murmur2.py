"""murmur2 is bit for bit the one of Kafka's Java client."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime import murmur2, partition_for

# From org.apache.kafka.common.utils.UtilsTest.testMurmur2 (there signed).
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", JAVA)
def test_it_equals_the_java_client(data: bytes) -> None:
    """Known values of Kafka's own test."""
    assert murmur2(data) == JAVA[data] & 0xFFFFFFFF


@given(st.binary(max_size=70))
def test_it_equals_another_implementation(data: bytes) -> None:
    """Any bytes: as aiokafka's, which Faust's own producers use."""
    assert murmur2(data) == aiokafka_murmur2(data) & 0xFFFFFFFF


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_partitions_equal_the_default_partitioner(key: bytes, count: int) -> None:
    """The partition that a Java-like producer chooses."""
    partitions = list(range(count))
    assert partition_for(key, count) == DefaultPartitioner()(key, partitions, partitions)
