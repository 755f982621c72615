"""Sums of floats to the same bits under every version of Python."""

from collections.abc import Iterable


def sum_of(numbers: Iterable[float]) -> float:
    """The numbers added up one after the other; 0 of none.

    From Python 3.12 on `sum` makes up for what rounding loses, so its last bit may be another than
    in 3.11. What is decided, learned or logged has to come out alike, or a record that one version
    wrote could not be decided again by another.

    >>> sum_of([0.1] * 10)
    0.9999999999999999
    """
    total: float = 0
    for number in numbers:
        total += number
    return total
