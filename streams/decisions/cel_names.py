"""What a CEL rule names that nobody has: facts, counters and windows that do not exist.

Such a rule would never say yes, and nothing would say why. Names inside of texts are no names.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.customer.counter_names import COUNTER_NAMES
from streams.customer.counters import WINDOW_MAX_MS, WINDOW_MIN_MS
from streams.decisions.facts import ALL_FACTS

FACTS: Final = {"person": ALL_FACTS.person, "trigger": ALL_FACTS.trigger}
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_MEMBER: Final = r"\s*(?:\.\s*(\w+)\b|\[\s*(?:'(\w+)'|\"(\w+)\")\s*\])"
_FACT: Final = re.compile(rf"\b(person|trigger){_MEMBER}")
_COUNT: Final = re.compile(
    rf"\bperson\s*\.\s*counts{_MEMBER}(?!\s*\()(?:{_MEMBER}(?!\s*\())?", re.ASCII
)
_COUNTED: Final = re.compile(r"(?:'(\w+)'|\"(\w+)\")\s+in\s+person\s*\.\s*counts\b(?!\s*[.\[])")
_WINDOW: Final = re.compile(r"\b[mhd][1-9][0-9]{0,5}\b", re.ASCII)
_UNIT_MS: Final = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def window_ms(name: str) -> int | None:
    """How long a window is that is named as `m5`, `h1` or `d30`; None where that is none.

    >>> window_ms("h1"), window_ms("d366"), window_ms("w1")
    (3600000, None, None)
    """
    if not _WINDOW.fullmatch(name):
        return None
    length_ms = int(name[1:]) * _UNIT_MS[name[0]]
    return length_ms if WINDOW_MIN_MS <= length_ms <= WINDOW_MAX_MS else None


def windows_in(source: str) -> frozenset[str]:
    """Everything in a rule that could name a window."""
    return frozenset(name for name in _WINDOW.findall(source) if window_ms(name))


def unknown_names(source: str, variables: Iterable[str], *, macros: bool) -> Iterator[str]:
    """What does not exist, with what does; `macros`: the rule names variables of its own."""
    if not macros:
        for name in sorted(set(variables) - FACTS.keys()):
            yield f"{name}; there are {_listed(FACTS)}"
    found = {(m[1], m[2] or m[3] or m[4]) for m in _outside_texts(_FACT, source)}
    for variable, name in sorted(found):
        if name not in FACTS[variable]:
            yield f"{variable}.{name}; there are {_listed(FACTS[variable])}"
    yield from _unknown_counts(source)


def _unknown_counts(source: str) -> Iterator[str]:
    counts = [(m[1] or m[2] or m[3], m[4] or m[5] or m[6]) for m in _outside_texts(_COUNT, source)]
    named = [m[1] or m[2] for m in _COUNTED.finditer(source)]
    for name in sorted({*named, *(name for name, _ in counts)}):
        if name not in COUNTER_NAMES:
            yield f"counter {name}; there are {_listed(COUNTER_NAMES)}"
    for window in sorted({window for _, window in counts if window}):
        if window_ms(window) is None:
            yield f"window {window}; write m5, h1 or d30: minutes, hours or days, up to d365"


def _outside_texts(pattern: re.Pattern[str], source: str) -> Iterator[re.Match[str]]:
    texts = [found.span() for found in _QUOTED.finditer(source)]
    for found in pattern.finditer(source):
        if not any(start < found.start() < end for start, end in texts):
            yield found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
