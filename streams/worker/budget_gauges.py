"""What Prometheus is told of budgets: of the first offers all, of the others what is overdrawn."""

from collections.abc import Collection

from streams.leases.amounts import UNITS
from streams.leases.treasury import State
from streams.telemetry import labels as by
from streams.telemetry.catalogue import decisions as metrics
from streams.telemetry.metric import OTHER
from streams.worker.ledger import Account
from streams.worker.meter import Meter

NAMED_MAX = by.OFFER_BUDGETED.named_max - 1
"""So many offers have gauges of their own, the first by their ids; one name is for the rest."""


class BudgetGauges:
    """The gauges of one treasury; what it remembers is measured anew after each restart."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._unnamed: dict[str, int] = {}

    def opened(self) -> None:
        """Nothing is known of any account yet."""
        self._unnamed.clear()

    def take(self, account: Account, offer_id: str, now: State, budgets: Collection[str]) -> None:
        """Measure an offer that is named; of another one remember what is overdrawn.

        An offer that has no budget any more is told of no more.
        """
        self._unnamed.pop(offer_id, None)
        if offer_id in sorted(budgets)[:NAMED_MAX]:
            for part in by.BUDGET_PART.values:
                account.measure(metrics.BUDGET, offer_id, part, value=getattr(now, part) / UNITS)
            return
        for part in by.BUDGET_PART.values:
            self._meter.forget(metrics.BUDGET, offer_id, part)
        if offer_id in budgets:
            self._unnamed[offer_id] = now.overdrawn

    def sum_up(self, account: Account, budgets: Collection[str]) -> None:
        """Measure what is overdrawn of all that are not named, once each was looked at."""
        if len(budgets) <= NAMED_MAX:
            self._meter.forget(metrics.BUDGET, OTHER, "overdrawn")
            return
        overdrawn = sum([units for name, units in self._unnamed.items() if name in budgets])
        account.measure(metrics.BUDGET, OTHER, "overdrawn", value=overdrawn / UNITS)
