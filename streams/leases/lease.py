"""A partition's lease: what it may spend of each offer's budget, and what became of that.

An offer's budget spans all partitions. The treasury grants each of them a part, and a partition
reserves and spends of its own part alone: so no decision asks another machine, and together they
never spend more than there is. A lease is a row of its partition, under a key that is nobody's id.
Everything here is a function of the lease; sums are in units (`amounts`), days are days of UTC.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.internal.leases import LeaseAllotted, Reservation
from streams.contracts.times import DAY_MS
from streams.errors import StateError

FIRST_VERSION, LEASE_VERSION = 1, 4
"""A lease is of the last one once a part of it was settled, which a program of the first drops.

Such a program takes a lease of version 2 or 3 for a row that it can take up, so there are none.
"""
GRACE_DAYS = 7
"""How long after its last day a coupon's use may still be told, before its money is free again."""
EXACT_DAYS = 14
"""Reservations are kept by day for so many days ahead, and more coarsely beyond."""
REPORT_MS = 300_000
"""A change is told to the treasury after so long at the latest, also where nothing is asked."""
ASK_AGAIN_MS = 600_000
FORGET_MS = 30 * DAY_MS
"""So long a part that the treasury has settled, and that is empty, is remembered.

Words of its earlier life may still come, where the broker says a record twice.
"""
IN_GOOD_TIME, LACKING = 1, 2


class LeasedBudget(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a partition holds of one offer's budget; new fields go to the end with a default.

    `granted` and `returned` only grow: what was ever granted and given back. `recalled`: up to what
    sum it is asked to give back; it grows until the next grant, which begins anew.
    `reserved`: (last day, units) of coupons that are out, by day. `asked`: 1 more was asked for in
    good time, 2 for want of it; `wanted`: how much is to be free. `chunk`: the last grant. `told`:
    how many reports were sent. `changed_at_ms`: the first change since the last; 0: there was none.
    `life`: the treasury's account begins a new one, and all sums with it, once it has taken over
    what was used. `emptied_ms`: when it did, and nothing has happened since; 0: something has.
    `began_ms`: when the part began, which may be after another one of the offer was forgotten.
    """

    granted: int = 0
    returned: int = 0
    recalled: int = 0
    used: int = 0
    reserved: tuple[tuple[int, int], ...] = ()
    asked: int = 0
    asked_at_ms: int = 0
    chunk: int = 0
    told: int = 0
    changed_at_ms: int = 0
    wanted: int = 0
    life: int = 0
    emptied_ms: int = 0
    began_ms: int = 0

    @property
    def held(self) -> int:
        """What is reserved in all."""
        return sum([units for _, units in self.reserved])

    @property
    def free(self) -> int:
        """What may be reserved; below 0 where uses came that nothing was reserved for."""
        return self.granted - self.returned - self.used - self.held


class Lease(Struct, frozen=True, array_like=True, tag=4, kw_only=True):
    """The lease of one partition of so many: a row among those of its people."""

    version: int
    key: str
    partition: int
    partitions: int
    budgets: dict[str, LeasedBudget] = {}


def lease_key(
    partition: int, partitions: int, partition_for: Callable[[bytes, int], int] = lambda *_: 0
) -> str:
    """The key of a partition's lease: the first of its names that `partition_for` puts there.

    A slash is in no id, so it is no person's key.

    >>> lease_key(0, 1)
    'lease/1/0/0'
    """
    number = 0
    while True:
        key = f"lease/{partitions}/{partition}/{number}"
        if partitions == 1 or partition_for(key.encode(), partitions) == partition:
            return key
        number += 1


def is_lease_key(key: str) -> bool:
    """Whether a row's key is that of a lease."""
    return key.startswith("lease/")


def new_lease(key: str) -> Lease:
    """The lease under a key, before anything was granted.

    Raises:
        StateError: the key is not one that `lease_key` makes.
    """
    name, *numbers = key.split("/")
    if name != "lease" or len(numbers) != 3 or not all(n.isdigit() for n in numbers):
        raise StateError(f"{key!r} is not the key of a lease")
    partitions, partition, _ = map(int, numbers)
    return Lease(version=FIRST_VERSION, key=key, partition=partition, partitions=partitions)


def day_of(at_ms: int) -> int:
    """The day of a moment, in days since 1970, UTC."""
    return at_ms // DAY_MS


def last_day(until_ms: int, at_ms: int) -> int:
    """The last day for which a coupon that may be used until then is reserved.

    A few days of grace are added; far ahead several days share a reservation, until the last.

    >>> last_day(until_ms=2 * DAY_MS, at_ms=0), last_day(until_ms=30 * DAY_MS, at_ms=0)
    (9, 39)
    """
    day = day_of(until_ms) + GRACE_DAYS
    width = 1 + max(day - day_of(at_ms), 0) // EXACT_DAYS
    return -(-day // width) * width


def released(budget: LeasedBudget, at_ms: int) -> LeasedBudget:
    """The budget without the reservations whose last day is over."""
    today = day_of(at_ms)
    if not budget.reserved or budget.reserved[0][0] >= today:
        return budget
    kept = tuple([each for each in budget.reserved if each[0] >= today])
    return _given_back(_changed(replace(budget, reserved=kept), at_ms))


def reserve(budget: LeasedBudget, units: int, until_day: int, at_ms: int) -> LeasedBudget:
    """The budget with so much more reserved.

    Raises:
        ValueError: so much is not free; whoever decides has asked before.
    """
    if not 0 < units <= budget.free:
        raise ValueError(f"{units} are to be reserved, and {budget.free} are free")
    by_day = dict(budget.reserved)
    by_day[until_day] = by_day.get(until_day, 0) + units
    return _changed(replace(budget, reserved=tuple(sorted(by_day.items()))), at_ms)


def use(
    budget: LeasedBudget, cost: int, at_ms: int, reservation: Reservation | None = None
) -> LeasedBudget:
    """The budget after a use that cost so much; what was reserved for it is reserved no longer.

    A reservation that was released since leaves nothing to take from: the cost is taken from what
    is free, and where that is not enough `free` falls below 0.
    """
    by_day = dict(budget.reserved)
    if reservation is not None:
        left = by_day.get(reservation.until_day, 0) - reservation.units
        if left >= 0:
            by_day[reservation.until_day] = left
    kept = tuple(sorted([each for each in by_day.items() if each[1]]))
    return _given_back(_changed(replace(budget, reserved=kept, used=budget.used + cost), at_ms))


def lacks(budget: LeasedBudget, least: int) -> int:
    """Whether more is to be asked for, when `least` is to be free: as `LeasedBudget.asked` has it.

    It is asked for in good time, so that no decision waits: when half of the last grant is gone.
    """
    if budget.free < least:
        return LACKING
    return IN_GOOD_TIME if budget.free < max(2 * least, budget.chunk // 2) else 0


def allotted(budget: LeasedBudget, granted: int, recalled: int) -> LeasedBudget:
    """The budget after the treasury's word: what was ever granted, and is asked back since.

    A grant ends what was asked back before it: else a part that had nothing free then would give
    back, as soon as it comes, what it was granted since. The same word twice changes nothing; one
    from before the last grant can at worst make a part give back, once, what it may ask for again.
    """
    if granted > budget.granted:
        chunk = granted - budget.granted
        budget = replace(
            budget, granted=granted, chunk=chunk, asked=0, recalled=recalled, emptied_ms=0
        )
    return _given_back(replace(budget, recalled=max(budget.recalled, recalled)))


def renewed(budget: LeasedBudget, word: LeaseAllotted) -> LeasedBudget:
    """The budget in a new life of its account, which has taken over what was told as used.

    What is reserved, and what was used since that was told, is carried over. What the word says was
    told counts for the part that told it: not for one of another life, nor for one that began anew
    after it had been forgotten.
    """
    is_it = word.settled_in == budget.life and budget.began_ms <= word.settled_ms
    told = word.settled if is_it and word.settled <= budget.used else 0
    return LeasedBudget(
        used=budget.used - told,
        reserved=budget.reserved,
        asked=budget.asked,
        asked_at_ms=budget.asked_at_ms,
        told=budget.told,
        wanted=budget.wanted,
        life=word.life,
        began_ms=budget.began_ms,
        emptied_ms=max(word.at_ms, 1),
    )


def is_forgotten(budget: LeasedBudget, at_ms: int) -> bool:
    """Whether nothing has happened for so long since it was settled that nothing more will."""
    return 0 < budget.emptied_ms <= at_ms - FORGET_MS


def due_at_ms(lease: Lease) -> int | None:
    """When the lease wants to be looked at: a reservation is over, a change was not told.

    Or an empty part is to be forgotten.
    """
    dues = [(b.reserved[0][0] + 1) * DAY_MS for b in lease.budgets.values() if b.reserved]
    dues += [b.changed_at_ms + REPORT_MS for b in lease.budgets.values() if b.changed_at_ms]
    dues += [b.emptied_ms + FORGET_MS for b in lease.budgets.values() if b.emptied_ms]
    return min(dues, default=None)


def _given_back(budget: LeasedBudget) -> LeasedBudget:
    """The budget after as much as can be was given back of what is asked back."""
    more = min(budget.recalled - budget.returned, budget.free)
    return budget if more <= 0 else replace(budget, returned=budget.returned + more)


def _changed(budget: LeasedBudget, at_ms: int) -> LeasedBudget:
    if budget.changed_at_ms:
        return budget
    return replace(budget, changed_at_ms=max(at_ms, 1), emptied_ms=0)
