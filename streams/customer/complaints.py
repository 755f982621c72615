"""Whether a complaint is still to be settled: before it is, no coupon wins a person back."""

from streams.contracts.times import DAY_MS
from streams.customer.counters import count
from streams.customer.row import Customer, Order

OPEN_FOR_MS = 90 * DAY_MS
"""A service case that was opened longer ago is taken for closed without a word."""


def complains(person: Customer, now_ms: int) -> bool:
    """A service case is open, or nothing that stands was bought since the last complaint.

    >>> from streams.customer.row import SeenSignal, new_customer
    >>> from msgspec.structs import replace
    >>> upset = replace(new_customer("c-1", 0), signals=(SeenSignal("complaint", 0.7, 5),))
    >>> content = replace(upset, orders=(Order("o-1", 6, 9.5, "web"),))
    >>> complains(upset, 7), complains(content, 7)
    (True, False)
    """
    if person.service_cases and count(person.counters.get("service_cases"), now_ms, OPEN_FOR_MS):
        return True
    told_ms = max((s.at_ms for s in person.signals if s.code == "complaint"), default=None)
    return told_ms is not None and not any(_answers(order, told_ms) for order in person.orders)


def _answers(order: Order, told_ms: int) -> bool:
    """An order since then that was neither cancelled nor given back as a whole."""
    return order.at_ms >= told_ms and not order.cancelled and order.net > 0.0
