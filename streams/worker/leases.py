"""A partition's lease: a row beside those of its people, under a key that is nobody's id."""

from functools import lru_cache

from streams.customer import Row
from streams.decisions import Policy
from streams.leases import Lease, lease_key, new_lease
from streams.runtime.murmur2 import partition_for
from streams.runtime.shell import Partition


@lru_cache(maxsize=8)
def lease_keys(count: int) -> tuple[str, ...]:
    """The keys of the leases of all partitions, where there are so many."""
    return tuple(lease_key(number, count, partition_for) for number in range(count))


def lease_of(partition: Partition[Row], policy: Policy) -> Lease | None:
    """What the partition may spend; nothing yet, but ready to ask, where an offer has a budget."""
    key = lease_keys(partition.count)[partition.number]
    row = partition.get(key.encode())
    if isinstance(row, Lease):
        return row
    return new_lease(key) if policy.budgets else None


def put_lease(partition: Partition[Row], lease: Lease) -> int:
    """Put a changed lease back; how many rows there are more."""
    key = lease.key.encode()
    made = partition.get(key) is None
    partition.put(key, lease)
    return int(made)
