"""Leases and the treasury, with messages delayed, twice and crossing: never above, nothing lost.

The budget is raised, lowered, removed and put back, long after too; partitions may see that late.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.contracts.internal.leases import LeaseAllotted, LeaseReported, LeaseUsed, Reservation
from streams.contracts.outputs.effects import BudgetUsed, LeaseTold
from streams.contracts.times import DAY_MS
from streams.leases import Budget, Lease, LeaseBook, is_elsewhere, new_lease, to_its_lease
from streams.leases.book import NOTHING
from streams.leases.lease import FORGET_MS, due_at_ms, renewed
from streams.leases.treasury import Account, answer, look, new_account, settle, state

T0 = 20_000 * DAY_MS
OFFER = "tea-10"
SENT_MAX = 12
TURNS = 1
"""In the end each partition gets what it asks for when it asks first."""
any_partition = st.integers(0, 3)
Sent = LeaseReported | LeaseAllotted | LeaseUsed


class Leases(RuleBasedStateMachine):
    """Some partitions and a treasury; what is sent waits in lanes and may come twice.

    A lane is what one sender says to one receiver: in order there, in any order beside others.
    """

    partitions = 3

    def __init__(self) -> None:
        """Nothing is granted; 100 may be spent, 10 for each coupon."""
        super().__init__()
        keys = [f"lease/{self.partitions}/{p}/0" for p in range(self.partitions)]
        self.keys = tuple(keys)
        self.leases: dict[str, Lease] = {key: new_lease(key) for key in keys}
        self.account: Account = new_account(OFFER)
        self.budget = Budget(100, 10)
        self.lanes: dict[tuple[str, str], list[Sent]] = {}
        self.words: list[LeaseAllotted] = []
        self.out: list[Reservation] = []
        self.now_ms = T0
        self.strange = 0
        self.spent = 0
        self.lowered = False
        self.removed = False
        self.forgotten = 0

    @rule(lost=st.booleans())
    def look(self, lost: bool = False) -> None:
        """The treasury sees what the shop's file says; what it says of settling may be lost."""
        self.account, words = look(self.account, self.known(), self.keys, self.now_ms)
        for word in words:
            self.send("treasury", word.key, word)
        after, closing = settle(self.account, self.known(), self.now_ms)
        for word in () if lost else closing:
            self.send("treasury", word.key, word)
        if (
            after is None and not self.to_be_settled()
        ):  # what is never heard in 400 days counts anew
            self.forgotten += self.account.spent
            after = new_account(OFFER)
        self.account = after or self.account

    @rule(there=st.booleans())
    def remove(self, there: bool) -> None:
        """The shop takes the budget out of its file, or puts it back."""
        self.removed = not there

    @rule()
    def wait_a_month(self) -> None:
        """Nothing but time passes, and what is under way comes late."""
        self.now_ms += 31 * DAY_MS
        self.elapse()
        self.look()

    @rule()
    def wait_for_long(self) -> None:
        """More than a year passes; what is under way comes before."""
        for _ in range(2):
            self.settle()
            self.elapse()
        self.now_ms += 500 * DAY_MS
        self.elapse()
        self.settle()
        self.look()

    @rule(at=any_partition)
    def decide(self, at: int) -> None:
        """A partition sends a coupon if it may; else it asks for money."""
        key = self.keys[at % self.partitions]
        book = LeaseBook(self.leases[key])
        if book.free(OFFER, self.now_ms) >= self.budget.least:
            until_ms = self.now_ms + 2 * DAY_MS
            self.out.append(book.reserve(OFFER, self.budget, until_ms, self.now_ms))
        else:
            book.want(OFFER, self.budget.least, self.now_ms)
        self.close(key, book)

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, SENT_MAX), at=any_partition, cost=st.integers(0, 14))
    def use(self, which: int, at: int, cost: int) -> None:
        """A coupon is used, perhaps long after, on this partition or on another one."""
        held = self.out.pop(which % len(self.out))
        key = self.keys[at % self.partitions]
        self.charge(key, cost, held)

    @rule(at=any_partition, cost=st.integers(1, 14))
    def use_unknown(self, at: int, cost: int) -> None:
        """A use comes that nothing was reserved for."""
        self.strange += cost
        self.charge(self.keys[at % self.partitions], cost, None)

    @rule(hours=st.integers(0, 24 * 12))
    def wait(self, hours: int) -> None:
        """Time passes, and what falls due happens."""
        self.now_ms += hours * 3_600_000
        self.elapse()

    @rule(less=st.integers(1, 200))
    def lower(self, less: int) -> None:
        """The shop takes money away, also what is out; the treasury sees it at once, or later."""
        self.lowered = True
        self.budget = Budget(max(self.budget.amount - less, 0), 10)

    @rule(more=st.integers(1, 200))
    def raise_(self, more: int) -> None:
        """The shop gives more."""
        self.budget = Budget(min(self.budget.amount + more, 400), 10)

    @precondition(lambda self: self.words)
    @rule(which=st.integers(0, 400))
    def replay(self, which: int) -> None:
        """Some word of the treasury comes once more, however old it is, up to a month."""
        word = self.words[which % len(self.words)]
        if word.at_ms + FORGET_MS > self.now_ms:
            self.arrive(word)

    @precondition(lambda self: self.lanes)
    @rule(which=st.integers(0, 11), twice=st.booleans())
    def deliver(self, which: int, twice: bool) -> None:
        """The oldest message of some lane arrives, where that may be so twice."""
        lane = sorted(self.lanes)[which % len(self.lanes)]
        message = self.lanes[lane].pop(0)
        if not self.lanes[lane]:
            del self.lanes[lane]
        self.arrive(message)
        if twice and not isinstance(message, LeaseUsed):
            self.arrive(message)

    @invariant()
    def never_above(self) -> None:
        """What is used and reserved is within the budget, but for uses that nothing stood for."""
        budgets = [lease.budgets[OFFER] for lease in self.leases.values() if lease.budgets]
        used = sum(b.used for b in budgets) + self.account.spent - self.to_be_settled()
        if not self.lowered:
            assert used + sum(b.held for b in budgets) <= self.budget.amount + self.strange
        under_way = sum(m.cost for m in self.under_way())
        assert self.spent == used + under_way + self.forgotten

    def teardown(self) -> None:
        """In the end everything that was not used is free, and whoever asks gets it."""
        self.removed = False
        self.look()
        self.settle()
        self.now_ms += 60 * DAY_MS
        self.out.clear()
        for _ in range(4):
            self.look()
            self.elapse()
            self.settle()
        known = state(self.account)
        assert (known.used, known.reserved) == (self.spent - self.forgotten, 0)
        free = max(self.budget.amount - known.used, 0)
        assert known.free == free
        for turn in range(TURNS * self.partitions):
            self.spend_all(turn % self.partitions)
        assert sum(hold.units for hold in self.out) == free // 10 * 10

    def spend_all(self, at: int) -> None:
        """A partition sends coupons until it gets no more."""
        before = -1
        while before < len(self.out):
            before = len(self.out)
            self.now_ms += 600_000
            self.decide(at)
            self.settle()
            self.decide(at)
            self.settle()

    def settle(self) -> None:
        """Everything that is under way arrives."""
        for _ in range(1_000):
            if not self.lanes:
                return
            self.deliver(which=0, twice=False)
        raise AssertionError("messages go round in circles")

    def elapse(self) -> None:
        """What is due on each partition happens."""
        for key, lease in self.leases.items():
            due = due_at_ms(lease)
            if due is not None and due <= self.now_ms:
                book = LeaseBook(lease)
                book.elapse(self.now_ms)
                self.close(key, book)

    def charge(self, key: str, cost: int, held: Reservation | None) -> None:
        """A use is credited on the partition of `key`."""
        today = self.now_ms // DAY_MS
        over = cost if held is None or held.until_day < today else max(cost - held.units, 0)
        self.strange += over if held is not None else 0
        self.spent += cost
        used = BudgetUsed(OFFER, cost, self.now_ms, held)
        if is_elsewhere(used, key):
            routed = to_its_lease(used).message
            assert isinstance(routed, LeaseUsed)
            self.send(key, routed.key, routed)
            return
        book = LeaseBook(self.leases[key])
        book.charge(used)
        self.close(key, book)

    def arrive(self, message: Sent) -> None:
        """A message is taken in where it belongs."""
        if isinstance(message, LeaseAllotted):
            self.words.append(message)
        if isinstance(message, LeaseReported):
            self.account, words = answer(self.account, message, self.known())
            for word in words:
                self.send("treasury", word.key, word)
            return
        book = LeaseBook(self.leases[message.key])
        if isinstance(message, LeaseUsed) and message.until_day < self.now_ms // DAY_MS:
            self.strange += min(message.cost, message.reserved)  # it was under way for too long
        book.hear(message)
        self.close(message.key, book)

    def close(self, key: str, book: LeaseBook) -> None:
        """What a partition keeps, and what it sends."""
        effects = book.close()
        self.leases[key] = book.lease
        for effect in effects:
            if isinstance(effect, LeaseTold):
                self.send(key, "treasury", effect.report)

    def send(self, source: str, to: str, message: Sent) -> None:
        """A message is under way."""
        self.lanes.setdefault((source, to), []).append(message)

    def known(self) -> Budget | None:
        """What the treasury reads in the shop's file."""
        return None if self.removed else self.budget

    def to_be_settled(self) -> int:
        """What the account has taken over, and its part has not heard of."""
        coming = 0
        for key, lease in self.leases.items():
            budget = lease.budgets.get(OFFER, NOTHING)
            words = [
                m for m in self.lanes.get(("treasury", key), []) if isinstance(m, LeaseAllotted)
            ]
            news = [word for word in (*words, self.next_word(key)) if word.life > budget.life]
            coming += budget.used - renewed(budget, news[0]).used if news else 0
        return coming

    def next_word(self, key: str) -> LeaseAllotted:
        """What a part hears when it reports in a life that is over."""
        report = LeaseReported(key=key, offer_id=OFFER, told=0, returned=0, used=0, reserved=0)
        words = answer(self.account, report, self.known())[1]
        nothing = LeaseAllotted(key=key, offer_id=OFFER, granted=0, recalled=0)
        return words[0] if words and self.account.life else nothing

    def under_way(self) -> list[LeaseUsed]:
        """Uses that have not arrived."""
        return [m for lane in self.lanes.values() for m in lane if isinstance(m, LeaseUsed)]


class OnePartition(Leases):
    """The same where there is one partition."""

    partitions = 1


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestOnePartition = OnePartition.TestCase
TestOnePartition.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
