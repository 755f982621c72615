"""The treasury: who may spend how much of an offer's budget, over all partitions.

Pure: `answer` takes a partition's report, `look` what the shop's file says now. What was granted
and given back are sums that only grow; what is asked back grows until the next grant; the rest is
the state of the lease as of a report: a message that comes twice, late or crossing another never
lets more be spent. What is granted never exceeds the budget, so what
partitions reserve and use does not either; uses that nothing was reserved for are taken off it as
soon as they are told.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.internal.leases import UNITS_MAX, LeaseAllotted, LeaseReported
from streams.contracts.times import DAY_MS
from streams.errors import StateError
from streams.leases.amounts import Budget
from streams.leases.lease import LeasedBudget, new_lease

FIRST_VERSION, ACCOUNT_VERSION = 1, 2
"""An account is of the second as soon as it was settled, for a program of the first drops that."""
KEEP_MS = 600_000
"""Of a grant the money for one coupon stays for so long: whoever asked for it comes back for it.

Where the last coupon's money went to whoever asks last, partitions could take it from each other
for ever, and nobody would be sent it.
"""
QUIET_MS = 30 * DAY_MS
"""The parts of an offer without a budget are settled when so long nothing was reported of them."""
FORGET_MS = 400 * DAY_MS
"""So long after that it is remembered what was used: a budget that comes back has it, too."""


class Holding(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What the treasury knows of one partition's part, in units; see `LeasedBudget`.

    `granted` and `recalled` are what it was told, the rest is of its last report, number `told`.
    """

    granted: int = 0
    recalled: int = 0
    returned: int = 0
    used: int = 0
    reserved: int = 0
    wanted: int = 0
    told: int = 0
    at_ms: int = 0
    granted_at_ms: int = 0

    @property
    def free(self) -> int:
        """What it may still reserve, as far as is known."""
        return self.granted - self.returned - self.used - self.reserved

    @property
    def taken(self) -> int:
        """What it takes off the budget: its grants, or more where more was spent."""
        return max(self.granted - self.returned, self.used + self.reserved)

    @property
    def lacks(self) -> int:
        """How much it wants to have free beyond what it has."""
        return self.wanted - max(self.free, 0)

    @property
    def unused(self) -> int:
        """What it has free, now or when its reservations are over without a use."""
        return max(self.free + self.reserved, 0)

    @property
    def coming(self) -> int:
        """What it will give back of that."""
        return max(min(self.recalled - self.returned, self.unused), 0)


class TakenOver(Struct, frozen=True, array_like=True):
    """What an account took over of a part when it was settled: of which life, and when."""

    life: int = 0
    used: int = 0
    at_ms: int = 0


class Account(Struct, frozen=True, array_like=True, omit_defaults=True):
    """One offer's budget and its parts, by the key of the lease.

    `waiting`: those who want what is not there, who asked first comes first. `amount` is 0 where
    the shop's file names no budget. `life`: how often all parts were settled; `spent`: what was
    used in earlier lives; `settled_ms`: when the last one ended. `settled`: what of it each part
    had told last; it goes out with every word, for no single one is sure to be heard.
    """

    version: int
    offer_id: str
    amount: int = 0
    holdings: dict[str, Holding] = {}
    waiting: tuple[str, ...] = ()
    life: int = 0
    spent: int = 0
    settled_ms: int = 0
    settled: dict[str, TakenOver] = {}

    @property
    def pool(self) -> int:
        """What nobody holds; below 0 where the budget was lowered, or is overdrawn."""
        return self.amount - self.spent - sum([h.taken for h in self.holdings.values()])


class State(Struct, frozen=True):
    """An offer's money as last reported, in units.

    `granted` is what partitions hold of it, used, reserved or free; the rest is with the treasury.
    `free` is what can still be reserved, with either. `overdrawn` is what is reserved and used
    beyond the budget: after uses that nothing was reserved for, or because the budget was lowered.
    """

    amount: int
    granted: int
    used: int
    reserved: int
    free: int
    overdrawn: int


_decoder = msgspec.msgpack.Decoder(Account)
Answered = tuple[Account, tuple[LeaseAllotted, ...]]
Settled = tuple[Account | None, tuple[LeaseAllotted, ...]]


def new_account(offer_id: str, life: int = 0) -> Account:
    """The account of an offer that nothing was granted of; `life` as a partition remembers it."""
    return Account(ACCOUNT_VERSION if life else FIRST_VERSION, offer_id, life=life)


def answer(account: Account | None, report: LeaseReported, budget: Budget | None) -> Answered:
    """The account after a partition's report, and what partitions are told of it.

    Args:
        account: None before the first report of the offer.
        report: what a partition says of its part.
        budget: the offer's in the shop's file; None: it is no longer there, nothing is granted, and
            what is free is asked back.
    """
    account = _in_force(account or new_account(report.offer_id, report.life), budget)
    before = account.holdings.get(report.key, Holding())
    if report.life < account.life:  # it tells again, once it knows
        return account, (_word(account, report.key, report.at_ms),)
    if report.life > account.life:
        return account, ()
    if report.told <= before.told:
        return account, ()
    holding = replace(
        before,
        returned=max(before.returned, report.returned),
        used=report.used,
        reserved=report.reserved,
        wanted=report.wanted,
        told=report.told,
        at_ms=report.at_ms,
    )
    return _balanced(_with(account, report.key, holding), budget, report.key, report.at_ms)


def look(
    account: Account, budget: Budget | None, keys: tuple[str, ...] = (), at_ms: int = 0
) -> Answered:
    """The account under what the shop's file says now, where nobody has asked.

    Each lease of `keys` that holds nothing yet gets its first part, so that its first decision
    finds something; where a budget comes back, each that has nothing free. Who was asked to give
    back and still has some is asked again.
    """
    comes_back, started = not account.amount, dict[str, LeaseAllotted]()
    account = _in_force(account, budget)
    starting = () if budget is None else keys
    for key in starting:
        if key not in account.holdings:
            account = _with(account, key, Holding())
    for key in starting:
        holding = account.holdings[key]
        size = 0 if budget is None else max(_chunk(account), budget.least)
        starts = holding == Holding() or (comes_back and holding.free <= 0)
        if size and starts and size <= account.pool:
            granted = holding.granted + size + max(-holding.free, 0)
            holding = replace(holding, granted=granted, recalled=holding.returned)
            account = _with(account, key, holding)
            started[key] = _word(account, key, at_ms)
    account, words = _balanced(account, budget, "", at_ms)
    again = {k: _word(account, k, at_ms) for k, h in account.holdings.items() if _owes(h)}
    return account, tuple((started | again | {w.key: w for w in words}).values())


def settle(account: Account, budget: Budget | None, now_ms: int) -> Settled:
    """The account without its parts, where the offer has no budget and they are quiet.

    Nothing of them is reserved or free, so nobody can spend; what was used is kept as a sum.
    Whatever a partition has used but not told yet it tells in the new life. After `FORGET_MS` there
    is no account any more.
    """
    holdings = account.holdings
    if budget is not None:
        return account, ()
    if not holdings:
        return (None if account.settled_ms + FORGET_MS <= now_ms else account), ()
    newest_ms = max([h.at_ms for h in holdings.values()])
    if newest_ms + QUIET_MS > now_ms or any(h.free > 0 or h.reserved for h in holdings.values()):
        return account, ()
    spent = account.spent + sum([h.used for h in holdings.values()])
    over = {k: TakenOver(account.life, h.used, now_ms) for k, h in holdings.items() if h.told}
    after = Account(
        ACCOUNT_VERSION,
        account.offer_id,
        life=account.life + 1,
        spent=min(spent, UNITS_MAX),
        settled_ms=now_ms,
        settled={**account.settled, **over},
    )
    return after, tuple([_word(after, key, now_ms) for key in holdings])


def state(account: Account) -> State:
    """The offer's money as last reported."""
    holdings = account.holdings.values()
    granted = sum([h.granted - h.returned for h in holdings]) + account.spent
    used = sum([h.used for h in holdings]) + account.spent
    return _state(account.amount, granted, used, sum([h.reserved for h in holdings]))


def as_held(told: State, held: LeasedBudget) -> State:
    """The same where one lease has all the people: as it holds it, before its next report."""
    return _state(told.amount, held.granted - held.returned, held.used, held.held)


def _state(amount: int, granted: int, used: int, reserved: int) -> State:
    return State(
        amount=amount,
        granted=granted,
        used=used,
        reserved=reserved,
        free=max(amount - used - reserved, 0),
        overdrawn=max(used + reserved - amount, 0),
    )


def encode_account(account: Account) -> bytes:
    """The account as it is stored."""
    return msgspec.msgpack.encode(account)


def decode_account(data: bytes) -> Account:
    """The account that `encode_account` made these bytes from.

    Raises:
        StateError: the bytes are damaged, or a newer version of offerstream wrote them.
    """
    try:
        account = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StateError("a stored account of a budget is damaged") from error
    if not FIRST_VERSION <= account.version <= ACCOUNT_VERSION:
        raise StateError(
            f"a stored account has version {account.version}; "
            f"this offerstream knows {ACCOUNT_VERSION} at most"
        )
    return account


def _in_force(account: Account, budget: Budget | None) -> Account:
    amount = 0 if budget is None else budget.amount
    return account if amount == account.amount else replace(account, amount=amount)


def _with(account: Account, key: str, holding: Holding) -> Account:
    """The account with a part changed, and who waits: whoever lacks what they want."""
    waiting = account.waiting
    if holding.lacks <= 0 or not holding.wanted:
        waiting = tuple([k for k in waiting if k != key])
    elif key not in waiting:
        waiting = (*waiting, key)
    return replace(account, holdings={**account.holdings, key: holding}, waiting=waiting)


def _balanced(account: Account, budget: Budget | None, asking: str, at_ms: int) -> Answered:
    """Grant what is there to who waits, then to who asks in good time; recall what is lacking."""
    told: dict[str, LeaseAllotted] = {}
    if budget is not None:
        while account.waiting:
            key = account.waiting[0]
            if account.holdings[key].lacks > account.pool:
                break
            account = _granted(account, key, at_ms)
            told[key] = _word(account, key, at_ms)
        ahead = account.holdings.get(asking)
        if ahead is not None and ahead.wanted and not account.waiting and asking not in told:
            size = min(_chunk(account), account.pool)
            if size >= budget.least:
                account = _granted(account, asking, at_ms)
                told[asking] = _word(account, asking, at_ms)
    first = account.waiting[0] if account.waiting and budget is not None else ""
    lacking = account.holdings[first].lacks if first else 0
    keep = budget.least if budget is not None and first else 0
    kept = {k: keep for k, h in account.holdings.items() if h.granted_at_ms + KEEP_MS > at_ms}
    for key, more in _recalls(account, lacking - account.pool, first, kept).items():
        holding = account.holdings[key]
        recalled = holding.returned + holding.coming + more
        account = _with(account, key, replace(holding, recalled=recalled))
        told[key] = _word(account, key, at_ms)
    return account, tuple(told.values())


def _granted(account: Account, key: str, at_ms: int) -> Account:
    """The account after a grant: what the part lacks, and a chunk where there is one.

    What was asked back of it and did not come is asked no more; `_recalls` asks for what is needed.
    """
    holding = account.holdings[key]
    size = max(holding.lacks, min(_chunk(account), account.pool))
    granted = holding.granted + size + max(-holding.free, 0)
    after = replace(
        holding, granted=granted, recalled=holding.returned, wanted=0, granted_at_ms=at_ms
    )
    return _with(account, key, after)


def _chunk(account: Account) -> int:
    """The usual grant: of all that is free anywhere, half of one partition's share."""
    free = sum([max(h.free, 0) for h in account.holdings.values()])
    partitions = max([new_lease(key).partitions for key in account.holdings], default=1)
    return max(account.pool + free, 0) // (2 * partitions)


def _recalls(account: Account, lacking: int, first: str, kept: Mapping[str, int]) -> dict[str, int]:
    """How much more to ask of whom: of what is free, the most first; then of what is reserved.

    What was asked back before, and will come, counts; but what comes of reservations, perhaps in
    weeks, is no reason to leave free money where it is. Nothing is asked of who waits first, nor
    what is `kept`.
    """
    others = {key: h for key, h in account.holdings.items() if key != first}
    free = {key: _asked_of_free(h, kept.get(key, 0)) for key, h in others.items()}
    reserved = {key: _asked_of_reserved(h) for key, h in others.items()}
    at_once = sum([min(h.coming, max(h.free, 0)) for h in others.values()])
    later = sum([h.coming for h in others.values()]) - at_once
    asked: dict[str, int] = {}
    for had, coming in ((free, at_once), (reserved, later)):
        lacking -= coming
        for key in sorted(had, key=lambda k: (-had[k], k)):
            more = min(had[key], lacking)
            if more > 0:
                asked[key] = asked.get(key, 0) + more
                lacking -= more
    return asked


def _asked_of_free(holding: Holding, kept: int) -> int:
    """What it has free, need not keep, and was not asked for."""
    return max(max(holding.free, 0) - kept - holding.coming, 0)


def _asked_of_reserved(holding: Holding) -> int:
    """What it has reserved and was not asked for."""
    free = max(holding.free, 0)
    return holding.unused - free - max(holding.coming - free, 0)


def _owes(holding: Holding) -> bool:
    return min(holding.recalled - holding.returned, holding.free) > 0


def _word(account: Account, key: str, at_ms: int) -> LeaseAllotted:
    """What a partition is told: the sums of its part, and what was taken over of it."""
    holding, over = account.holdings.get(key, Holding()), account.settled.get(key, TakenOver())
    return LeaseAllotted(
        key=key,
        offer_id=account.offer_id,
        granted=holding.granted,
        recalled=holding.recalled,
        at_ms=at_ms,
        life=account.life,
        settled=over.used,
        settled_in=over.life,
        settled_ms=over.at_ms,
    )
