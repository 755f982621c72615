"""The treasury of one process: what the worker's does over Kafka, at once and in memory."""

from collections.abc import Mapping

from streams.contracts.internal.leases import LeaseAllotted, LeaseReported
from streams.leases.amounts import Budget
from streams.leases.lease import lease_key
from streams.leases.treasury import Account, State, answer, look, new_account, state

KEY = lease_key(0, 1)


class TreasuryInMemory:
    """Accounts by offer, of one partition that has all the people."""

    def __init__(self) -> None:
        """Nothing is granted."""
        self._accounts: dict[str, Account] = {}
        self._seen: Mapping[str, Budget] = {}

    def look(self, budgets: Mapping[str, Budget], at_ms: int) -> list[LeaseAllotted]:
        """What the lease is told of budgets that are new, changed or gone in the shop's file."""
        if budgets is self._seen or not (budgets or self._accounts):
            return []
        self._seen, words = budgets, list[LeaseAllotted]()
        for offer_id in dict.fromkeys((*budgets, *self._accounts)):
            account = self._accounts.get(offer_id) or new_account(offer_id)
            self._accounts[offer_id], told = look(account, budgets.get(offer_id), (KEY,), at_ms)
            words.extend(told)
        return words

    def answer(self, report: LeaseReported) -> tuple[LeaseAllotted, ...]:
        """What the lease is told after its report."""
        offer_id = report.offer_id
        account, words = answer(self._accounts.get(offer_id), report, self._seen.get(offer_id))
        self._accounts[offer_id] = account
        return words

    def states(self) -> dict[str, State]:
        """Each budget of the shop's file as last reported, by offer."""
        known = self._accounts.items()
        return {offer_id: state(account) for offer_id, account in known if offer_id in self._seen}
