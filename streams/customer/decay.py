"""Sums that fade: each amount halves every half-life, whatever order the amounts come in."""


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
