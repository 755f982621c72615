"""A scarce budget over several partitions: never above it, and what was not spent is free again.

The same `process` as everywhere, on the rows of three partitions with a lease each and one
treasury. What they say to each other waits in lanes, in order within a lane and in any order beside
others, or comes twice, while people open the app, log in, buy, are erased and forget their coupons.
The shop raises and lowers the budget, takes it out and puts it back, and renames the offer.
"""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import (
    App,
    CouponUse,
    InputEvent,
    OfferFeedback,
    PrivacyRequest,
    Purchase,
)
from streams.contracts.internal.leases import LeaseAllotted, LeaseReported, LeaseUsed
from streams.contracts.internal.routing import Message, Tick
from streams.contracts.outputs.effects import (
    BudgetUsed,
    Effect,
    EventRouted,
    LeaseTold,
    OfferDecided,
)
from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.times import DAY_MS, HOUR_MS, from_ms, to_ms
from streams.customer import Customer, Row, decode_row, due_at_ms, encode_row
from streams.decisions import Policy
from streams.feedback.closing import CHARGED
from streams.identity import key_of
from streams.leases import Lease, LeasedBudget, lease_key, new_lease
from streams.leases.lease import GRACE_DAYS, day_of
from streams.leases.treasury import KEEP_MS, Account, answer, look, new_account, settle, state
from streams.models import initial_models
from streams.pipeline import World, process
from streams.runtime.murmur2 import partition_for
from tests.unit.decisions.people import T0, offer, shop, someone

PARTITIONS = 3
UNIT = 10_000
MOST = 8 * UNIT
MODELS = initial_models()
KEYS = tuple(lease_key(p, PARTITIONS, partition_for) for p in range(PARTITIONS))
CUSTOMERS = ("c-1", "c-2", "c-3", "c-4")
VISITORS = ("v-1", "v-2", "v-3", "v-4")
anybody = st.sampled_from(CUSTOMERS + VISITORS)
discounts = st.sampled_from((0.0, 1.0, 5.5, 8.0))


NAMES = ("tea", "chai")


def policy_of(name: str, budget: float | None) -> Policy:
    """A shop whose one offer goes to whoever may get it."""
    money = {} if budget is None else {"budget": budget, "discount_max": 8.0}
    return shop(offer(name, **money, discount=2.0, coupon_code=name.upper(), margin=9.0))


class Shop(RuleBasedStateMachine):
    """Three partitions and a treasury, and what is under way between them."""

    def __init__(self) -> None:
        """Eight people who agreed to everything, and 40 for coupons of 8."""
        super().__init__()
        self.name, self.has_budget = "tea", True
        self.amounts = dict.fromkeys(NAMES, 40.0)
        self.publish()
        self.rows: dict[str, bytes] = {}
        for name in (*CUSTOMERS, *VISITORS):
            row = replace(someone(), customer_id=name, known=name in CUSTOMERS)
            self.rows[name] = encode_row(row)
        self.accounts: dict[str, Account] = {name: new_account(name) for name in NAMES}
        self.lanes: dict[tuple[int, int], list[Message | LeaseReported]] = {}
        self.now_ms = T0
        self.number = 0
        self.sent: dict[str, NextBestOffer] = {}
        self.orders: list[Purchase] = []
        self.done: set[str] = set()
        self.used, self.strange = Counter[str](), Counter[str]()
        self.most = dict.fromkeys(NAMES, 0.0)
        self.erased = 0
        self.look()

    # What people do.

    @rule(who=anybody)
    def opens(self, who: str) -> None:
        """Somebody opens the app, and may be sent a coupon."""
        self.take(App(**self.said(who), event_name="application_opened", channel="app"))

    @rule(who=st.sampled_from(CUSTOMERS), visitor=st.sampled_from(VISITORS))
    def logs_in(self, who: str, visitor: str) -> None:
        """A visitor turns out to be a customer: their rows become one, whatever partition."""
        said = self.said(who) | {"identity": Identity(customer_id=who, anonymous_id=visitor)}
        self.take(App(**said, event_name="application_opened", channel="app"))

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 40), who=anybody, own=st.booleans(), by=st.integers(0, 2),
          discount=discounts)  # fmt: skip
    def buys(self, which: int, who: str, own: bool, by: int, discount: float) -> None:
        """A coupon is shown at the till, by whom it was sent to or somebody else, soon or late."""
        sent = sorted(self.sent.values(), key=lambda o: o.decision_id)[which % len(self.sent)]
        named: dict[str, Any] = (
            {"code": sent.offer.offer_id.upper()},
            {"decision_id": sent.decision_id},
            {"decision_id": sent.decision_id, "offer_id": sent.offer.offer_id},
        )[by]
        said = self.said(sent.customer_id if own else who)
        order = Purchase(
            **said,
            event_name="order_completed",
            channel="store",
            order_id=f"o-{self.number}",
            total=Money(amount="30.00", currency="EUR"),
            items=(),
            coupons=(CouponUse(discount=discount, **named),),
        )
        self.orders.append(order)
        self.take(order)

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 20), discount=discounts)
    def tells_more(self, which: int, discount: float) -> None:
        """The till says anew what the coupon of an order took off."""
        order = self.orders[which % len(self.orders)]
        customer_id = order.identity.customer_id
        said = self.said(customer_id or order.identity.anonymous_id or "")
        coupons = (replace(order.coupons[0], discount=discount),)
        self.take(replace(order, **said, event_name="order_updated", coupons=coupons))

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 40))
    def tells(self, which: int) -> None:
        """The app tells of a use, soon or late."""
        sent = sorted(self.sent.values(), key=lambda o: o.decision_id)[which % len(self.sent)]
        said = self.said(sent.customer_id)
        self.take(
            OfferFeedback(
                **said,
                event_name="offer_redeemed",
                channel="app",
                decision_id=sent.decision_id,
                offer_id=sent.offer.offer_id,
            )
        )

    @precondition(lambda self: self.erased < 2)
    @rule(who=anybody)
    def is_erased(self, who: str) -> None:
        """Nothing is left of somebody; what was reserved for them comes back with its day."""
        self.erased += 1
        said = self.said(who)
        self.take(
            PrivacyRequest(
                **said,
                event_name="erasure_requested",
                channel="app",
                request_id=f"r-{self.number}",
                requested_at=said["occurred_at"],
            )
        )

    # What happens beside them.

    @rule(hours=st.integers(1, 24 * 12))
    def wait(self, hours: int) -> None:
        """Time passes, and whatever falls due on any partition happens."""
        self.now_ms += hours * HOUR_MS
        self.run_due()

    @rule()
    def look(self) -> None:
        """The treasury reads the shop's file."""
        for name, account in self.accounts.items():
            budget = self.policy.budgets.get(name)
            account, words = look(account, budget, KEYS, self.now_ms)
            kept, settled = settle(account, budget, self.now_ms)
            self.allot((*words, *settled))
            if kept is None:
                self.used[name] -= account.spent
            self.accounts[name] = kept or new_account(name)

    @rule(there=st.booleans())
    def remove_or_put_back(self, there: bool) -> None:
        """The shop takes the budget out of its file, or puts it back; the offer stays."""
        self.has_budget = there
        self.publish()

    @rule()
    def rename(self) -> None:
        """The offer gets another id, or its old one again."""
        self.name = NAMES[1 - NAMES.index(self.name)]
        self.publish()

    @precondition(lambda self: self.now_ms < T0 + 500 * DAY_MS)
    @rule()
    def wait_for_months(self) -> None:
        """Everything that is out is over, and the treasury has seen that; the offer is not."""
        for _ in range(3):
            self.settle()
            self.now_ms += 31 * DAY_MS
            self.run_due()
            self.settle()
            self.look()

    @rule(more=st.integers(0, 20))
    def raise_budget(self, more: int) -> None:
        """The shop gives more."""
        self.amounts[self.name] += more
        self.publish()

    @rule(less=st.integers(1, 40))
    def lower_budget(self, less: int) -> None:
        """The shop takes money away; what is out, or granted and not yet asked back, may go on."""
        self.amounts[self.name] = max(self.amounts[self.name] - less, 8.0)
        self.publish()

    @precondition(lambda self: self.lanes)
    @rule(which=st.integers(0, 20), twice=st.booleans())
    def deliver(self, which: int, twice: bool) -> None:
        """The oldest message of some lane arrives; to and from the treasury also twice."""
        lane = sorted(self.lanes)[which % len(self.lanes)]
        message = self.lanes[lane].pop(0)
        if not self.lanes[lane]:
            del self.lanes[lane]
        if isinstance(message, LeaseReported):
            for _ in range(1 + twice):
                self.answer(message)
            return
        self.step(message)
        if twice and isinstance(message, LeaseAllotted):
            self.step(message)

    # What has to hold.

    @invariant()
    def never_above(self) -> None:
        """What may still be used, at 8 a coupon, and what was used are within the budget.

        Seen from outside: of what was sent, until the end of its validity and the days of grace.
        Only a use for which nothing was reserved (any more) may go beyond, and is counted.
        """
        today, eight = day_of(self.now_ms), Money(amount="8.00", currency="EUR")
        out = Counter(
            sent.offer.offer_id
            for sent in self.sent.values()
            if sent.constraints.budget_reserved is not None
            and sent.decision_id not in self.done
            and today <= day_of(to_ms(sent.offer.valid_until)) + GRACE_DAYS
        )
        reserved = {sent.constraints.budget_reserved for sent in self.sent.values()}
        assert reserved <= {eight, None}
        for name in NAMES:
            self.most[name] = max(self.most[name], self.amounts[name] * UNIT)
            taken = out[name] * MOST + self.used[name]
            assert taken <= self.most[name] + self.strange[name]

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every use is in a lease, or on its way to one."""
        lanes = self.lanes.values()
        under_way = [m for lane in lanes for m in lane if isinstance(m, LeaseUsed)]
        for name, account in self.accounts.items():
            leased = sum(self.part(lease, name).used for lease in self.leases())
            coming = sum(m.cost for m in under_way if m.offer_id == name)
            known = account.spent - self.to_be_settled(name)
            assert leased + coming + known == self.used[name]

    def teardown(self) -> None:
        """In the end everything that was not used is free, and whoever asks gets it."""
        self.name, self.has_budget = "tea", True
        self.publish()
        self.look()
        self.settle()
        for _ in range(4):
            self.now_ms += 30 * DAY_MS
            self.run_due()
            self.look()
            self.settle()
        known = state(self.accounts["tea"])
        amount = self.policy.budgets["tea"].amount
        assert (known.used, known.reserved) == (self.used["tea"], 0)
        assert known.free == max(amount - self.used["tea"], 0)
        before = len(self.sent)
        people = [self.add_person(number) for number in range(known.free // MOST + 2)]
        for who in people:
            self.insists(who)
        assert len(self.sent) - before == known.free // MOST

    # How it is done.

    def publish(self) -> None:
        """The shop's file as it is to be."""
        amount = self.amounts[self.name] if self.has_budget else None
        self.policy = policy_of(self.name, amount)

    def answer(self, report: LeaseReported) -> None:
        """The treasury takes a report in."""
        name = report.offer_id
        budget = self.policy.budgets.get(name)
        self.accounts[name], words = answer(self.accounts[name], report, budget)
        self.allot(words)

    def part(self, lease: Lease, name: str) -> LeasedBudget:
        """What a partition holds of an offer's money."""
        return lease.budgets.get(name, LeasedBudget())

    def to_be_settled(self, name: str) -> int:
        """What the account has taken over of parts that have not heard of it."""
        coming = 0
        for lease in self.leases():
            life, to = self.part(lease, name).life, KEYS.index(lease.key)
            for word in self.lanes.get((PARTITIONS, to), []):
                if isinstance(word, LeaseAllotted) and word.offer_id == name and word.life > life:
                    coming += word.settled
        return coming

    def said(self, who: str) -> dict[str, Any]:
        """What every event has; a minute passes."""
        self.now_ms += 60_000
        self.run_due()
        self.number += 1
        anonymous = who in VISITORS
        return {
            "event_id": f"e-{self.number}",
            "occurred_at": from_ms(self.now_ms),
            "identity": Identity(anonymous_id=who) if anonymous else Identity(customer_id=who),
        }

    def insists(self, who: str) -> None:
        """They come back until money that was asked for has come, also from who kept some."""
        for _ in range(3):
            self.opens(who)
            self.settle()
            self.now_ms += KEEP_MS
            self.look()
            self.settle()

    def add_person(self, number: int) -> str:
        """Somebody new, who agreed to everything."""
        name = f"n-{number}"
        self.rows[name] = encode_row(replace(someone(), customer_id=name))
        return name

    def take(self, event: InputEvent) -> None:
        """An event reaches the partition of its key at once."""
        self.step(event)

    def step(self, message: Message) -> None:
        """`process` with the rows of one partition, as a worker calls it."""
        key = key_of(message)
        own = KEYS[partition_for(key.encode(), PARTITIONS)]
        row, lease = self.row(key), self.row(own) or new_lease(own)
        assert isinstance(lease, Lease)
        if isinstance(message, LeaseUsed):
            self.hears(message, lease)
        step = process(message, row, World(MODELS, self.policy, lease=lease))
        if step.row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = encode_row(step.row)
        if step.lease is not None and step.lease is not lease:
            self.rows[own] = encode_row(step.lease)
        if isinstance(step.row, Customer):
            waiting = (*step.row.open_decisions, *step.row.coupons_out)
            self.done |= {d.decision_id for d in waiting if d.reserved == CHARGED}
        for effect in step.effects:
            self.carry_out(effect, own)

    def hears(self, message: LeaseUsed, lease: Lease) -> None:
        """A use from another partition comes too late where its reservation is gone."""
        held = dict(self.part(lease, message.offer_id).reserved)
        if held.get(message.until_day, 0) < message.reserved:
            self.strange[message.offer_id] += message.cost

    def carry_out(self, effect: Effect, own: str) -> None:
        """What the shell of a partition does with an effect."""
        source = KEYS.index(own)
        match effect:
            case EventRouted():
                to = partition_for(effect.key.encode(), PARTITIONS)
                self.lanes.setdefault((source, to), []).append(effect.message)
            case LeaseTold():
                self.lanes.setdefault((source, PARTITIONS), []).append(effect.report)
            case OfferDecided():
                self.sent[effect.offer.decision_id] = effect.offer
            case BudgetUsed():
                self.used[effect.offer_id] += effect.cost
                held = effect.reservation
                if held is None or (held.key == own and held.until_day < day_of(effect.at_ms)):
                    self.strange[effect.offer_id] += effect.cost

    def allot(self, words: tuple[LeaseAllotted, ...]) -> None:
        """The treasury's words are under way."""
        for word in words:
            to = partition_for(word.key.encode(), PARTITIONS)
            self.lanes.setdefault((PARTITIONS, to), []).append(word)

    def settle(self) -> None:
        """Everything that is under way arrives."""
        for _ in range(2_000):
            if not self.lanes:
                return
            self.deliver(which=0, twice=False)
        raise AssertionError("messages go round in circles")

    def run_due(self) -> None:
        """Whatever is due by now happens, each row at its own due time."""
        while True:
            dues = [(due, key) for key in self.rows if (due := due_at_ms(self.row(key)))]
            due, key = min(dues, default=(self.now_ms + 1, ""))
            if due > self.now_ms:
                return
            self.step(Tick(key, due))

    def row(self, key: str) -> Row | None:
        """What is stored under a key."""
        data = self.rows.get(key)
        return None if data is None else decode_row(data)

    def leases(self) -> list[Lease]:
        """All leases that are stored."""
        return [row for key in KEYS if isinstance(row := self.row(key), Lease)]


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
