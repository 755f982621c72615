"""Which partition a key belongs to: murmur2, bit for bit as Kafka's Java clients compute it."""

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The unsigned 32-bit murmur2 hash with Kafka's seed.

    Source: `org.apache.kafka.common.utils.Utils.murmur2` (there the result is signed).

    >>> murmur2(b"21")
    3321034988
    """
    length = len(data)
    h = _SEED ^ length
    blocks = length >> 2
    for k in struct.unpack_from(f"<{blocks}I", data):
        k = (k * _M) & _MASK
        k ^= k >> 24
        h = ((h * _M) & _MASK) ^ ((k * _M) & _MASK)
    rest = data[blocks << 2 :]
    if rest:
        h = ((h ^ int.from_bytes(rest, "little")) * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def partition_for(key: bytes, count: int) -> int:
    """The partition of `key` among `count`, as the Java producer and `murmur2_random` choose it.

    >>> partition_for(b"customer-1", 4) in range(4)
    True
    """
    return (murmur2(key) & 0x7FFFFFFF) % count
