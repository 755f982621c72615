"""What outcomes are credited by: the part of the shop's reference data that feedback asks for."""

from collections.abc import Mapping
from typing import Protocol

from streams.contracts.reference.structs import Policies
from streams.customer import Places
from streams.leases import Budget


class CreditRules(Protocol):
    """What of the shop's reference data outcomes are credited by; a policy is one."""

    @property
    def policies(self) -> Policies:
        """Attribution window, experiment, margin share."""
        ...

    @property
    def places(self) -> Places:
        """Whose coupon a code is, and what a cancelled order does to it."""
        ...

    @property
    def budgets(self) -> Mapping[str, Budget]:
        """What uses of offers are charged to, by offer."""
        ...
