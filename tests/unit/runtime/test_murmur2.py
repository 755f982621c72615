"""A key's partition is the one that Kafka's Java client and the default partitioner choose."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.murmur2 import partition_for

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
@pytest.mark.parametrize("count", [1, 7, 512, 2**31])
def test_it_equals_the_java_client(data: bytes, count: int) -> None:
    """Known values of Kafka's own test; of 2**31 partitions all bits but the sign are seen."""
    assert partition_for(data, count) == (JAVA[data] & 0x7FFFFFFF) % count


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_partitions_equal_the_default_partitioner(key: bytes, count: int) -> None:
    """The partition that a Java-like producer chooses."""
    partitions = list(range(count))
    assert partition_for(key, count) == DefaultPartitioner()(key, partitions, partitions)
