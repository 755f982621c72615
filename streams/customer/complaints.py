"""Whether a complaint is still to be settled: before it is, no coupon wins a person back."""

from math import ceil

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
    if open_cases(person, now_ms):
        return True
    told_ms = max((s.at_ms for s in person.signals if s.code == "complaint"), default=None)
    if told_ms is None:
        return False
    return not any(order.stands and order.at_ms >= told_ms for order in person.orders)


def open_cases(person: Customer, now_ms: int) -> tuple[str, ...]:
    """The service cases that are open, the newest last.

    When each was opened is not known: no more than were opened within `OPEN_FOR_MS`.
    """
    opened = ceil(count(person.counters.get("service_cases"), now_ms, OPEN_FOR_MS))
    return person.service_cases[-opened:] if opened else ()
