"""A family of features: its names, and the function that computes them all in that order."""

from collections.abc import Callable

from msgspec import Struct

from streams.customer.moments import Moment
from streams.customer.row import Customer

Compute = Callable[[Customer, Moment, int], tuple[float, ...]]


class Family(Struct, frozen=True):
    """`compute(person, moment, now_ms)` gives one number a name, each within [-3, 3]."""

    names: tuple[str, ...]
    compute: Compute
