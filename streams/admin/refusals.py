"""Records that are not taken, counted by reason, the first of them by line; and who says so."""

from collections import Counter
from collections.abc import Iterable, Iterator

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources.records import at_origin

SHOWN_MAX = 20


class Refusals:
    """What was refused so far: how often for which reason, and the first lines."""

    def __init__(self) -> None:
        self.by_reason = Counter[str]()
        self.shown: list[str] = []

    @property
    def count(self) -> int:
        """How many."""
        return self.by_reason.total()

    def add(self, line: int, reason: str, why: str) -> None:
        """One more, by its line and without what it holds."""
        self.by_reason[reason] += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(f"line {line}: {reason}: {why}")

    def told(self) -> Iterator[str]:
        """Lines for a person: reasons, then the first of the lines."""
        yield from (f"  {many:>8,}  {reason}" for reason, many in sorted(self.by_reason.items()))
        yield from self.shown
        if self.count > len(self.shown):
            yield f"and {self.count - len(self.shown):,} more"


def judged(record: InputRecord, rules: InputRules) -> InputEvent | Rejected:
    """A record as the worker will take it, or why it will not."""
    found = record.rejected or decode(record.topic, record.value, (), rules)
    return at_origin(found, record.origins) if isinstance(found, Rejected) else found


def check_events(records: Iterable[InputRecord], rules: InputRules) -> tuple[int, Refusals]:
    """How many records there are, and which of them the worker would not take."""
    count, refusals = 0, Refusals()
    for record in records:
        count += 1
        found = judged(record, rules)
        if isinstance(found, Rejected):
            refusals.add(record.line, found.reason, f"{found.path} {found.detail}")
    return count, refusals
