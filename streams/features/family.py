"""A family of features: its names, and the function that computes them all in that order."""

from collections.abc import Callable

from msgspec import Struct

from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent

Compute = Callable[[Customer, TriggerEvent, int], tuple[float, ...]]


class Family(Struct, frozen=True):
    """`compute(person, trigger_event, now_ms)` gives one number a name, each within [-3, 3]."""

    names: tuple[str, ...]
    compute: Compute
