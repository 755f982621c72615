"""Budgets of offers, kept exactly over all partitions: each holds a part of the money, a lease.

* `amounts` - money as whole units, and what the shop's file says of it
* `lease` - a partition's part of each budget, as it is stored; `book` - the same within one call
* `treasury` - who gets how much, and who has to give back
"""

from streams.leases.amounts import Budget, amount_text, budget_of, money_of, units_of
from streams.leases.book import LeaseBook, is_elsewhere, to_its_lease
from streams.leases.lease import Lease, LeasedBudget, is_lease_key, lease_key, new_lease

__all__ = [
    "Budget",
    "Lease",
    "LeaseBook",
    "LeasedBudget",
    "amount_text",
    "budget_of",
    "is_elsewhere",
    "is_lease_key",
    "lease_key",
    "money_of",
    "new_lease",
    "to_its_lease",
    "units_of",
]
