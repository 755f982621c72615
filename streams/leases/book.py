"""The lease in the hands of one `process()` call: the decisions of a message share what is free.

It is made anew for each call from the partition's lease, and what comes of it leaves as a value:
the lease that is to be stored and the effects. Seen from outside nothing changes in place.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from streams.contracts.internal.leases import LeaseAllotted, LeaseReported, LeaseUsed, Reservation
from streams.contracts.outputs.effects import BudgetUsed, Effect, EventRouted, LeaseTold
from streams.leases import lease as leases
from streams.leases.amounts import Budget
from streams.leases.lease import (
    ASK_AGAIN_MS,
    LACKING,
    LEASE_VERSION,
    REPORT_MS,
    Lease,
    LeasedBudget,
)

NOTHING = LeasedBudget()
NOBODY: frozenset[str] = frozenset()


class LeaseBook:
    """What is reserved, used and asked for in one call.

    Attributes:
        lease: as it is by now.
    """

    __slots__ = ("_asking", "_to_tell", "lease")

    def __init__(self, lease: Lease) -> None:
        """Open the book of a partition's lease."""
        self.lease = lease
        self._to_tell: dict[str, int] | None = None  # most messages have nothing to tell
        self._asking: frozenset[str] = NOBODY

    def free(self, offer_id: str, at_ms: int) -> int:
        """What of the offer's money may be reserved at a moment, in units."""
        budget = self._of(offer_id)
        after = leases.released(budget, at_ms)
        if after is not budget:
            self._keep(offer_id, after)
        return after.free

    def want(self, offer_id: str, least: int, at_ms: int) -> None:
        """Ask the treasury for more where less than `least` is free, or soon will be; once."""
        budget = self._begun(offer_id, at_ms)
        level = leases.lacks(budget, least)
        again = level == LACKING and at_ms - budget.asked_at_ms >= ASK_AGAIN_MS
        if level > budget.asked or again:
            asks = replace(budget, asked=level, asked_at_ms=at_ms, wanted=least)
            self._asking |= {offer_id}
            self._tell(offer_id, asks, at_ms)

    def begin(self, budgets: Mapping[str, Budget], at_ms: int) -> None:
        """Ask for a part of each budget that the lease does not know yet."""
        for offer_id, budget in budgets.items():
            if offer_id not in self.lease.budgets:
                self.want(offer_id, budget.least, at_ms)

    def reserve(self, offer_id: str, budget: Budget, until_ms: int, at_ms: int) -> Reservation:
        """Reserve the most that one use can cost; so much has to be `free`."""
        until_day = leases.last_day(until_ms, at_ms)
        leased = leases.reserve(self._of(offer_id), budget.least, until_day, at_ms)
        self._keep(offer_id, leased)
        self.want(offer_id, budget.least, at_ms)
        return Reservation(self.lease.key, until_day, budget.least)

    def charge(self, used: BudgetUsed) -> None:
        """Take in a use whose reservation is here, or for which nothing was reserved."""
        self._use(used.offer_id, used.cost, used.at_ms, used.reservation)

    def hear(self, message: LeaseAllotted | LeaseUsed) -> None:
        """Take in a message to the lease."""
        offer_id = message.offer_id
        if isinstance(message, LeaseUsed):
            held = Reservation(message.key, message.until_day, message.reserved)
            self._use(offer_id, message.cost, message.at_ms, held)
            return
        known = offer_id in self.lease.budgets
        before = self._begun(offer_id, message.at_ms)
        if message.life < before.life:
            return
        if message.life > before.life and not known:
            before = replace(before, life=message.life)
        elif message.life > before.life:
            before = self._renewed(before, message)
        after = leases.allotted(before, message.granted, message.recalled)
        if message.recalled > before.returned:  # who is asked answers, also with nothing
            self._tell(offer_id, after, message.at_ms)
        elif after != before:
            self._keep(offer_id, after)

    def elapse(self, at_ms: int) -> None:
        """Release what is over by then, and tell what has not been told for a while."""
        for offer_id, budget in self.lease.budgets.items():
            after = leases.released(budget, at_ms)
            waits = after.changed_at_ms and after.changed_at_ms + REPORT_MS <= at_ms
            if after is not budget or waits:
                self._tell(offer_id, after, at_ms)
            elif leases.is_forgotten(after, at_ms):
                rest = {name: each for name, each in self.lease.budgets.items() if name != offer_id}
                self.lease = replace(self.lease, budgets=rest)

    def close(self) -> tuple[Effect, ...]:
        """The effects: a report of each budget that asks, or has something to tell at once."""
        if self._to_tell is None:
            return ()
        return tuple([self._report(name, at_ms) for name, at_ms in self._to_tell.items()])

    def _of(self, offer_id: str) -> LeasedBudget:
        return self.lease.budgets.get(offer_id, NOTHING)

    def _begun(self, offer_id: str, at_ms: int) -> LeasedBudget:
        """What is known of an offer, or the part that begins now."""
        return self.lease.budgets.get(offer_id) or LeasedBudget(began_ms=max(at_ms, 1))

    def _keep(self, offer_id: str, budget: LeasedBudget) -> None:
        version = LEASE_VERSION if budget.life else self.lease.version
        budgets = {**self.lease.budgets, offer_id: budget}
        self.lease = replace(self.lease, version=version, budgets=budgets)

    def _tell(self, offer_id: str, budget: LeasedBudget, at_ms: int) -> None:
        self._keep(offer_id, budget)
        self._to_tell = {**(self._to_tell or {}), offer_id: at_ms}

    def _renewed(self, budget: LeasedBudget, word: LeaseAllotted) -> LeasedBudget:
        """The part in the account's new life; what is carried over, and what is asked, is told."""
        after = leases.renewed(budget, word)
        if after.used or after.held or after.asked:
            self._tell(word.offer_id, after, word.at_ms)
        else:
            self._keep(word.offer_id, after)
        return after

    def _use(self, offer_id: str, cost: int, at_ms: int, held: Reservation | None) -> None:
        """A use beyond what is free is told at once, for others still grant and reserve."""
        budget = leases.use(self._begun(offer_id, at_ms), cost, at_ms, held)
        if budget.free < 0:
            self._tell(offer_id, budget, at_ms)
        else:
            self._keep(offer_id, budget)

    def _report(self, offer_id: str, at_ms: int) -> LeaseTold:
        """What is asked for is said in each report while it is lacking."""
        budget = self._of(offer_id)
        lacking = bool(budget.asked) and budget.free < budget.wanted
        wanted = budget.wanted if lacking or offer_id in self._asking else 0
        report = LeaseReported(
            key=self.lease.key,
            offer_id=offer_id,
            told=budget.told + 1,
            returned=budget.returned,
            used=budget.used,
            reserved=budget.held,
            wanted=wanted,
            at_ms=at_ms,
            life=budget.life,
        )
        asked = budget.asked if wanted else 0
        told = replace(budget, told=report.told, changed_at_ms=0, asked=asked, emptied_ms=0)
        self._keep(offer_id, told)
        return LeaseTold(report)


def is_elsewhere(used: BudgetUsed, key: str) -> bool:
    """Whether what was reserved for a use is in another lease than the one under `key`."""
    return used.reservation is not None and used.reservation.key != key


def to_its_lease(used: BudgetUsed) -> EventRouted:
    """A use on its way to the lease that holds its reservation."""
    held = used.reservation or Reservation("", 0, 0)
    message = LeaseUsed(
        key=held.key,
        offer_id=used.offer_id,
        until_day=held.until_day,
        reserved=held.units,
        cost=used.cost,
        at_ms=used.at_ms,
    )
    return EventRouted(held.key, message)
