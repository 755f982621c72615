"""What a shell keeps beside its rows, by epoch: counted when that is durable, else forgotten."""

import time
from typing import Any

from streams.runtime.shell import Partition
from streams.telemetry import Measurement, Metric, measured
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from streams.worker.tally import Tally


class Account:
    """One epoch of one partition.

    `rows` is how many rows it made, less those it deleted; `event_time_ms` the greatest event time
    that was accepted on the partition up to here; `offers_came_ms` when what led to each of its
    offers came in, processing time.
    """

    def __init__(self, event_time_ms: int) -> None:
        self.event_time_ms = event_time_ms
        self.rows = 0
        self.offers_came_ms: list[int] = []
        self.tally = Tally()

    def measure(self, metric: Metric, *labels: str, value: float = 1.0) -> None:
        """Note one measurement."""
        self.tally.take(measured(metric, *labels, value=value))

    def take(self, measurements: tuple[Measurement, ...]) -> None:
        """Note several."""
        for one in measurements:
            self.tally.take(one)


class Ledger:
    """The accounts of all partitions: at most two each, of the open and the committing epoch."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._accounts: dict[int, dict[int, Account]] = {}
        self._durable_ms: dict[int, int] = {}

    def account(self, partition: Partition[Any]) -> Account:
        """That of the epoch that is open now."""
        accounts = self._accounts.setdefault(partition.number, {})
        account = accounts.get(partition.epoch)
        if account is None:
            account = Account(self.event_time_ms(partition.number))
            accounts[partition.epoch] = account
        return account

    def event_time_ms(self, number: int) -> int:
        """The greatest event time of a partition; 0 while there is none."""
        accounts = self._accounts.get(number)
        if accounts:
            return accounts[max(accounts)].event_time_ms
        return self._durable_ms.get(number, 0)

    def opened(self, number: int) -> None:
        """A partition was taken over: what others did to it meanwhile is not known."""
        self._accounts.pop(number, None)
        self._durable_ms.pop(number, None)

    def committed(self, number: int, epoch: int) -> Account:
        """An epoch is durable: its measurements count from now on."""
        account = self._accounts.get(number, {}).pop(epoch, None)
        if account is None:
            return Account(self.event_time_ms(number))
        self._durable_ms[number] = account.event_time_ms
        now_ms = time.time_ns() // 1_000_000
        for came_ms in account.offers_came_ms:
            account.measure(metrics.EVENT_TO_OFFER, value=max(0, now_ms - came_ms) / 1000)
        self._meter.fold(account.tally)
        self._meter.count(metrics.COMMITS, "committed")
        return account

    def dropped(self, number: int) -> None:
        """What is not durable never was."""
        self._accounts.pop(number, None)
        self._meter.count(metrics.COMMITS, "aborted")
