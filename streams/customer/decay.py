"""Sums that fade: each amount halves every half-life, whatever order the amounts come in."""

from typing import NamedTuple, Protocol

from streams.contracts.times import DAY_MS

WEEK_HALF_LIFE_MS = 7 * DAY_MS
MONTH_HALF_LIFE_MS = 30 * DAY_MS


class Sums(Protocol):
    """Three sums of one thing that fade at three speeds."""

    @property
    def day(self) -> float:
        """Halves in a day."""
        ...

    @property
    def week(self) -> float:
        """Halves in 7 days."""
        ...

    @property
    def month(self) -> float:
        """Halves in 30 days."""
        ...


class Amounts(NamedTuple):
    """What is added to each of three sums."""

    day: float
    week: float
    month: float


ONCE = Amounts(1.0, 1.0, 1.0)


def faded(amount: float, age_ms: int, half_life_ms: int) -> float:
    """What is left of `amount` after `age_ms`.

    >>> faded(8.0, age_ms=2_000, half_life_ms=1_000)
    2.0
    """
    return float(amount * 2.0 ** (-age_ms / half_life_ms))


def add_faded(
    total: float, total_at_ms: int, amount: float, at_ms: int, half_life_ms: int
) -> float:
    """The sum at max(total_at_ms, at_ms): a late amount counts by its age.

    >>> add_faded(8.0, 0, 1.0, 1_000, 1_000), add_faded(8.0, 1_000, 1.0, 0, 1_000)
    (5.0, 8.5)
    """
    if at_ms >= total_at_ms:
        return faded(total, at_ms - total_at_ms, half_life_ms) + amount
    return total + faded(amount, total_at_ms - at_ms, half_life_ms)


def faded_sums(sums: Sums, age_ms: int) -> tuple[float, float, float]:
    """What is left of the three sums after `age_ms`, or what they were that long ago (negative).

    >>> faded_sums(Amounts(8.0, 8.0, 8.0), 7 * DAY_MS)[:2]
    (0.0625, 4.0)
    """
    return (
        faded(sums.day, age_ms, DAY_MS),
        faded(sums.week, age_ms, WEEK_HALF_LIFE_MS),
        faded(sums.month, age_ms, MONTH_HALF_LIFE_MS),
    )


def add_faded_sums(
    sums: Sums, sums_at_ms: int, added: Sums, at_ms: int
) -> tuple[float, float, float]:
    """The three sums at max(sums_at_ms, at_ms): whichever is older counts by its age.

    >>> add_faded_sums(Amounts(8.0, 8.0, 8.0), 0, ONCE, DAY_MS)[0]
    5.0
    """
    older, newer = (sums, added) if at_ms >= sums_at_ms else (added, sums)
    day, week, month = faded_sums(older, abs(at_ms - sums_at_ms))
    return newer.day + day, newer.week + week, newer.month + month
