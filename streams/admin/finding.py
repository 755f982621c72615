"""What the doctor found: one line with its level and, where something is wrong, what to do."""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One line of the doctor's."""

    level: Literal["ok", "warn", "fail"]
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.level:<4}  {self.what}" + (f"  -> {self.remedy}" if self.remedy else "")


def ok(what: str) -> Finding:
    """Something that is as it should be."""
    return Finding("ok", what)


def warn(what: str, remedy: str = "") -> Finding:
    """Something to know; nothing stands still because of it."""
    return Finding("warn", what, remedy)


def fail(what: str, remedy: str) -> Finding:
    """Something that a person has to mend."""
    return Finding("fail", what, remedy)


def counted(count: int, noun: str, many: str = "") -> str:
    """A number of things; the plural takes an s, or is given.

    >>> counted(1, "worker process", "worker processes"), counted(2, "offer")
    ('1 worker process', '2 offers')
    """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def by_cause(problems: Iterable[tuple[str, str, str]]) -> Iterator[Finding]:
    """One failure for each cause: subjects with the same fault and remedy share a line.

    Args:
        problems: subject, what is wrong with it, what to do.

    >>> [str(f) for f in by_cause([("a", "is missing", "make it"), ("b", "is missing", "make it")])]
    ['fail  a, b: is missing  -> make it']
    """
    subjects: dict[tuple[str, str], list[str]] = {}
    for subject, what, remedy in problems:
        subjects.setdefault((what, remedy), []).append(subject)
    for (what, remedy), names in subjects.items():
        yield fail(f"{', '.join(names)}: {what}", remedy)
