"""What of new reference data can be put in force, where not all of it holds together."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from streams.errors import OperatorError

P = TypeVar("P")
Place = tuple[str, bytes]
Records = Mapping[Place, Any]


class SoundPart(Struct, frozen=True):
    """Records that hold together; `held_back` are those whose change would break that, and why."""

    records: Records
    held_back: Mapping[Place, str]


def sound_part(in_force: Records, wanted: Records, check: Callable[[Records], object]) -> SoundPart:
    """As many of the changes from `in_force` to `wanted` as `check` lets through.

    A record that is held back stays as it is in force, or out of it. Found by halving: with one
    bad change among n, `check` is called some 2 log2 n times.

    Args:
        in_force: records by topic and key that pass the check.
        wanted: records as they should be.
        check: raises OperatorError where they do not hold together.

    >>> def no_odd(records):
    ...     if any(n % 2 for n in records.values()):
    ...         raise OperatorError("odd")
    >>> a, b = ("offers", b"a"), ("offers", b"b")
    >>> sound_part({a: 2}, {a: 3, b: 4}, no_odd).records == {a: 2, b: 4}
    True
    """
    held_back: dict[Place, str] = {}

    def take(base: Records, changes: list[Place]) -> Records:
        if not changes:
            return base
        changed = _changed(base, changes, wanted)
        try:
            check(changed)
        except OperatorError as error:
            if len(changes) == 1:
                held_back[changes[0]] = str(error)
                return base
            half = len(changes) // 2
            return take(take(base, changes[:half]), changes[half:])
        held_back_no_more(changes)
        return changed

    def held_back_no_more(changes: list[Place]) -> None:
        for place in changes:
            held_back.pop(place, None)

    changes = sorted(p for p in {*in_force, *wanted} if in_force.get(p) != wanted.get(p))
    records = take(in_force, changes)
    # What leans on a change that came later in the list holds now.
    while held_back and (again := take(records, sorted(held_back))) != records:
        records = again
    return SoundPart(records, held_back)


def _changed(base: Records, changes: list[Place], wanted: Records) -> Records:
    changed = {**base, **{place: wanted[place] for place in changes if place in wanted}}
    for place in changes:
        if place not in wanted:
            changed.pop(place, None)
    return changed
