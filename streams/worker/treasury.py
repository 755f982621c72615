"""The treasury's shell: partitions' reports in order, accounts of budgets, grants; one transaction.

An account is a row of the table `accounts`; its changelog, the offset that was read up to and what
partitions are told are committed together. `streams.leases.treasury` decides; nothing is kept here
beside the rows.
"""

from collections.abc import Callable, Sequence

from streams import topics
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.budgets import BudgetTold, encode_budget
from streams.contracts.internal.leases import LeaseAllotted, LeaseReported, decode_report
from streams.contracts.outputs.encode import encode_routed
from streams.leases import Budget, amount_text, treasury
from streams.leases.treasury import Account, State
from streams.runtime.records import Output, Record
from streams.runtime.shell import EpochStats, Partition
from streams.settings import Settings
from streams.telemetry import catalogue
from streams.telemetry.catalogue import decisions as metrics
from streams.worker.budget_gauges import BudgetGauges
from streams.worker.customers import processing_time_ms
from streams.worker.leases import lease_keys
from streams.worker.ledger import Ledger
from streams.worker.letters import dead_letter
from streams.worker.meter import Meter
from streams.worker.reference import View

LOOK_MS = 60_000
"""So often, of processing time, each account is held against the shop's file."""
DUE_ACCOUNTS_PER_CALL = 500


class TreasuryShell:
    """What the runtime calls for `lease-requests`; `view` gives the offers of the moment."""

    def __init__(self, settings: Settings, view: Callable[[], View], meter: Meter) -> None:
        self._settings = settings
        self._view = view
        self._meter = meter
        self.created: dict[int, int] = {}
        self._ledger = Ledger(meter)
        self._gauges = BudgetGauges(meter)
        self._opened_ms = 0
        self._keys = lease_keys(settings.partitions)
        self._partitions = settings.on_broker(topics.CUSTOMER_EVENTS)
        self._budgets = settings.on_broker(topics.BUDGETS)

    def encode_row(self, row: Account) -> bytes:
        """The account as it is stored."""
        return treasury.encode_account(row)

    def decode_row(self, data: bytes) -> Account:
        """A stored account.

        Raises:
            StateError: a newer version wrote it, or it is damaged.
        """
        return treasury.decode_account(data)

    def due_at_ms(self, row: Account) -> int | None:
        """A while after it was written: the shop's file may say another amount by then."""
        return processing_time_ms() + LOOK_MS

    def now_ms(self, partition: int) -> int:
        """Processing time."""
        return processing_time_ms()

    def on_records(self, partition: Partition[Account], records: Sequence[Record]) -> None:
        """Take reports in their order, and grant and recall what follows from them."""
        before: dict[str, State | None] = {}
        for record in records:
            report = decode_report(record.value)
            if isinstance(report, LeaseReported) and report.key not in self._keys:
                report = Rejected("out_of_range", "$.key", "is no lease of these partitions")
            if isinstance(report, Rejected):
                self._reject(partition, record, report)
                continue
            offer_id = report.offer_id
            account = partition.get(offer_id.encode())
            before.setdefault(offer_id, None if account is None else treasury.state(account))
            partition.put(offer_id.encode(), self._answered(partition, account, report, record))
        for offer_id, was in before.items():
            self._tell(partition, offer_id, was)

    def on_due(self, partition: Partition[Account], now_ms: int) -> None:
        """Hold accounts against the shop's file; ask again for what was not given back."""
        keys = partition.due(now_ms, DUE_ACCOUNTS_PER_CALL)
        for key in keys:
            account = partition.get(key)
            if account is None:
                continue
            offer_id, was = account.offer_id, treasury.state(account)
            looked, words = self._looked(account)
            kept, settled = treasury.settle(looked, self._budget(offer_id), now_ms)
            if kept == account:
                partition.put_off(key, now_ms + LOOK_MS)
                self._measure(partition, offer_id, was)
            else:
                partition.put(key, kept)
                self._tell(partition, offer_id, was)
            self._say(partition, (*words, *settled), self._came_ms(looked))
        if now_ms > self._opened_ms + LOOK_MS and 0 < len(keys) < DUE_ACCOUNTS_PER_CALL:
            self._gauges.sum_up(self._ledger.account(partition), self._view().policy.budgets)

    def on_restored(self, partition: int, rows: int) -> None:
        """The rows tell everything; what was measured of earlier epochs is forgotten."""
        self._ledger.opened(partition)
        self._gauges.opened()
        self._opened_ms = processing_time_ms()

    def on_dropped(self, partition: int) -> None:
        """What was answered since the last commit never was; the reports come again."""
        self._ledger.dropped(partition)

    def on_committed(self, stats: EpochStats) -> None:
        """An epoch of the treasury is durable."""
        self._ledger.committed(stats.partition, stats.epoch)
        self._meter.observe(catalogue.COMMIT_DURATION, value=stats.commit_seconds)

    def _answered(
        self,
        partition: Partition[Account],
        account: Account | None,
        report: LeaseReported,
        record: Record,
    ) -> Account:
        """The account after a report. At the first of an offer every partition gets a part.

        At the first report at all, and where its parts were settled since.
        """
        budget = self._budget(report.offer_id)
        after, words = treasury.answer(account, report, budget)
        if account is None or not account.holdings:
            after, more = treasury.look(after, budget, self._keys, report.at_ms)
            words = tuple({word.key: word for word in (*words, *more)}.values())
        self._say(partition, words, max(0, record.timestamp_ms))
        self._ledger.account(partition).measure(metrics.LEASES_ANSWERED, "answered")
        return after

    def _looked(self, account: Account) -> treasury.Answered:
        holdings = account.holdings
        at_ms = max([holding.at_ms for holding in holdings.values()], default=0)
        budget = self._budget(account.offer_id)
        return treasury.look(account, budget, self._keys, at_ms)

    def _came_ms(self, account: Account) -> int:
        """The timestamp of what nobody asked for; 0: the moment at which it is written."""
        if self._settings.clock != "event_time":
            return 0
        return max([holding.at_ms for holding in account.holdings.values()], default=0)

    def _say(
        self, partition: Partition[Account], words: Sequence[LeaseAllotted], at_ms: int
    ) -> None:
        """Tell partitions, at once: somebody may wait for an offer."""
        for word in words:
            key, value = word.key.encode(), encode_routed(word)
            output = Output(self._partitions, key, value, timestamp_ms=at_ms)
            partition.emit(output, urgent=True)

    def _tell(self, partition: Partition[Account], offer_id: str, was: State | None) -> None:
        """Publish the budget's state where it has changed; of a removed one, once, that it is."""
        key = offer_id.encode()
        account = partition.get(key)
        if account is None:
            return
        now = treasury.state(account)
        self._measure(partition, offer_id, now)
        if now != was and (now.amount or (was is not None and was.amount)):
            value = encode_budget(told_of(account, now)) if now.amount else None
            partition.emit(Output(self._budgets, key, value))

    def _measure(self, partition: Partition[Account], offer_id: str, now: State) -> None:
        """The gauges of a budget, with the epoch that has what they tell."""
        account = self._ledger.account(partition)
        self._gauges.take(account, offer_id, now, self._view().policy.budgets)

    def _budget(self, offer_id: str) -> Budget | None:
        """The offer's budget in the shop's file as it was read last."""
        return self._view().policy.budgets.get(offer_id)

    def _reject(self, partition: Partition[Account], record: Record, rejected: Rejected) -> None:
        topic = topics.LEASE_REQUESTS.name
        partition.emit(dead_letter(record, topic, rejected, self._settings))
        self._ledger.account(partition).measure(metrics.LEASES_ANSWERED, "unreadable")


def told_of(account: Account, now: State) -> BudgetTold:
    """What is published of an account."""
    return BudgetTold(
        offer_id=account.offer_id,
        amount=amount_text(now.amount),
        used=amount_text(now.used),
        reserved=amount_text(now.reserved),
        free=amount_text(now.free),
        overdrawn=amount_text(now.overdrawn),
        told_at_ms=max([holding.at_ms for holding in account.holdings.values()], default=0),
    )
