"""Numbers as Grafana tells them, for the units that the dashboards use."""

from collections.abc import Callable, Sequence
from typing import Final

STEP_OF_SHORT = 1_000.0
STEP_OF_BYTES = 1_024.0


def told(value: float, unit: str) -> str:
    """A value with its unit, in three digits or so.

    >>> told(1234, "short"), told(1234, "locale"), told(.5, "percentunit")
    ('1.23 K', '1,234', '50%')
    >>> told(.012, "s"), told(3 * 2**20, "bytes")
    ('12 ms', '3 MiB')
    >>> told(-349, "currencyEUR")
    '-\u20ac349'

    Raises:
        KeyError: no dashboard had this unit before; say here how it is told.
    """
    return UNITS[unit](value)


def _digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < STEP_OF_SHORT else f"{value:.0f}"


def _scaled(value: float, step: float, names: Sequence[str]) -> str:
    """With the largest name that leaves a number of at least 1."""
    size, names_left = abs(value), list(names)
    while size >= step and len(names_left) > 1:
        value, size = value / step, size / step
        names_left.pop(0)
    return f"{_digits(value)} {names_left[0]}".rstrip()


def _short(value: float) -> str:
    return _scaled(value, STEP_OF_SHORT, ("", "K", "Mil", "Bil"))


def _seconds(value: float) -> str:
    """Milliseconds, seconds, minutes, hours or days."""
    size = abs(value)
    for limit, factor, name in (
        (1.0, 1e3, "ms"),
        (60.0, 1.0, "s"),
        (3_600.0, 1 / 60, "min"),
        (86_400.0, 1 / 3_600, "hours"),
    ):
        if size < limit:
            return f"{_digits(value * factor)} {name}"
    return f"{_digits(value / 86_400)} days"


UNITS: Final[dict[str, Callable[[float], str]]] = {
    "short": _short,
    "locale": lambda value: f"{value:,.0f}",
    "ops": lambda value: f"{_short(value)} /s",
    "s": _seconds,
    "percentunit": lambda value: f"{_digits(value * 100)}%",
    "bytes": lambda value: _scaled(value, STEP_OF_BYTES, ("B", "KiB", "MiB", "GiB")),
    "currencyEUR": lambda value: f"{'-' if value < 0 else ''}\N{EURO SIGN}{_short(abs(value))}",
}
