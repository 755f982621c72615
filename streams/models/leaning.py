"""A number that is found by a sample and leans on what is found of more, by precision."""

from typing import NamedTuple


class Leaned(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


NOTHING_ABOVE = Leaned(0.0, 0.0)


def lean(found: float, error: float | None, above: Leaned, sd: float) -> Leaned:
    """What is found and what is above it, from which it differs by such an `sd`."""
    if error is None or sd <= 0.0:
        return Leaned(above.value, (above.error**2 + sd**2) ** 0.5)
    counts, before = 1.0 / error**2, 1.0 / sd**2
    value = (counts * found + before * above.value) / (counts + before)
    leans = before / (counts + before) * above.error
    return Leaned(value, (1.0 / (counts + before) + leans**2) ** 0.5)
