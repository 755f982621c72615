"""Whether a complaint is still to be settled: before it is, no coupon wins a person back."""

from streams.contracts.times import DAY_MS
from streams.customer.counters import count
from streams.customer.row import Customer

OPEN_FOR_MS = 90 * DAY_MS
"""A service case that was opened longer ago is taken for closed without a word."""


def complains(person: Customer, now_ms: int) -> bool:
    """A service case is open, or nothing that stands was bought since the last complaint.

    >>> from streams.customer.row import Order, SeenSignal, new_customer
    >>> from msgspec.structs import replace
    >>> upset = replace(new_customer("c-1", 0), signals=(SeenSignal("complaint", 0.7, 5),))
    >>> content = replace(upset, orders=(Order("o-1", 6, 9.5, "web"),))
    >>> complains(upset, 7), complains(content, 7)
    (True, False)
    """
    if person.service_cases and count(person.counters.get("service_cases"), now_ms, OPEN_FOR_MS):
        return True
    told_ms = max((s.at_ms for s in person.signals if s.code == "complaint"), default=None)
    if told_ms is None:
        return False
    return not any(order.stands and order.at_ms >= told_ms for order in person.orders)
