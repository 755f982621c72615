"""What is known from few cases counts for less with time: half after 180 days."""

from streams.contracts.times import DAY_MS

HALF_LIFE_MS = 180 * DAY_MS


def fade_of(elapsed_ms: int) -> float:
    """What is left of a weight after so long; all of it where no time has passed.

    >>> fade_of(HALF_LIFE_MS), fade_of(-1)
    (0.5, 1.0)
    """
    return float(0.5 ** (max(elapsed_ms, 0) / HALF_LIFE_MS))
