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


class Leases:
    """The leases of all partitions that are open: each is read once an opening, not a message.

    Also that there is none is remembered: in most shops no offer has a budget.
    """

    def __init__(self) -> None:
        """No partition is open."""
        self._known: dict[int, Lease | None] = {}

    def closed(self, number: int) -> None:
        """A partition was taken over, or epochs of it were dropped: its row says what counts."""
        self._known.pop(number, None)

    def of(self, partition: Partition[Row], policy: Policy) -> Lease | None:
        """What may be spent; nothing yet, but ready to ask, where an offer has a budget."""
        number = partition.number
        lease = self._known[number] if number in self._known else self._read(partition)
        if lease is None and policy.budgets:
            return new_lease(lease_keys(partition.count)[number])
        return lease

    def put(self, partition: Partition[Row], lease: Lease) -> int:
        """Put a changed lease back; how many rows there are more."""
        made = self._known[partition.number] is None
        partition.put(lease.key.encode(), lease)
        self._known[partition.number] = lease
        return int(made)

    def took(self, partition: Partition[Row], lease: Lease) -> None:
        """A message to a lease, or a timer of it, has put its row."""
        if lease.key == lease_keys(partition.count)[partition.number]:
            self._known[partition.number] = lease

    def _read(self, partition: Partition[Row]) -> Lease | None:
        row = partition.get(lease_keys(partition.count)[partition.number].encode())
        lease = row if isinstance(row, Lease) else None
        self._known[partition.number] = lease
        return lease
