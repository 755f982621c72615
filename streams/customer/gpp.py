"""The IAB's GPP string: a header that names its sections by id, then the sections, by tildes.

The header is six bits of type (3), six of version (1), and the ids as a Fibonacci range: twelve
bits of count, then for each a bit (one id or a range) and distances in Fibonacci code.
Source: IAB Tech Lab, Global Privacy Platform String, sections "Header" and "Fibonacci encoding".
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from streams.contracts.common import Purpose
from streams.customer.tcf import bits_of, read_tcf, read_tcf_canada
from streams.customer.us_privacy import LAYOUTS, read_us_privacy, read_us_section

HEADER = "000011000001"
SECTIONS_MAX = 64
_COUNT_END = len(HEADER) + 12

Denied = frozenset[Purpose]
_READERS: Final[dict[int, Callable[[str], Denied | None]]] = {
    2: read_tcf,
    5: read_tcf_canada,
    6: read_us_privacy,
}
_US_SECTIONS: Final = frozenset(section_id for section_id, _ in LAYOUTS)


@lru_cache(maxsize=1_024)
def read_strings(tcf: str, gpp: str) -> tuple[tuple[str, Denied], ...]:
    """Each string and section that can be read, by name, and what it denies.

    A banner's few answers are the same strings again and again, so they are read once.

    >>> read_strings("", "DBABTA~1YNN")
    (('gpp.6', frozenset()),)
    """
    denied = read_tcf(tcf)
    own = () if denied is None else (("tcf", denied),)
    return (*own, *((f"gpp.{section_id}", denied) for section_id, denied in _sections(gpp)))


def _sections(text: str) -> Iterator[tuple[int, Denied]]:
    header, *sections = text.split("~")
    for section_id, section in zip(section_ids(header), sections, strict=False):
        if section_id in _US_SECTIONS:
            denied = read_us_section(section_id, section)
        else:
            reader = _READERS.get(section_id)
            denied = reader(section) if reader is not None else None
        if denied is not None:
            yield section_id, denied


def section_ids(header: str) -> tuple[int, ...]:
    """The ids that a header names, in the order of the sections; none where it is no header.

    >>> section_ids("DBACNY"), section_ids("DBABLA"), section_ids("CPXx")
    ((2, 6), (7,), ())
    """
    bits = bits_of(header)
    if not bits.startswith(HEADER) or len(bits) < _COUNT_END:
        return ()
    stream = iter(bits[_COUNT_END:])
    ids: list[int] = []
    try:
        for _ in range(int(bits[len(HEADER) : _COUNT_END], 2)):
            is_range = next(stream) == "1"
            first = (ids[-1] if ids else 0) + _fibonacci(stream)
            last = first + _fibonacci(stream) if is_range else first
            if len(ids) + last - first >= SECTIONS_MAX:
                return ()
            ids.extend(range(first, last + 1))
    except StopIteration:
        return ()
    return tuple(ids)


def _fibonacci(stream: Iterator[str]) -> int:
    """The next number in Fibonacci code: a sum of 1, 2, 3, 5, ..., ended by a second 1 in a row.

    Raises:
        StopIteration: the bits end before the number does.
    """
    total, value, following, before = 0, 1, 2, "0"
    while True:
        bit = next(stream)
        if bit == "1" == before:
            return total
        total += value if bit == "1" else 0
        value, following, before = following, value + following, bit
