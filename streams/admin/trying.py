"""A change of the catalogue, tried on the newest events of the archive: what is decided otherwise.

Both catalogues meet the same events with nothing learned before. What the archive says earlier of
the same people (consent, orders) is played first and not counted.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from streams import topics
from streams.admin.catalogue import Records
from streams.admin.log_places import in_ours
from streams.admin.reference import reference_of
from streams.archive import Recorded, inputs_before, is_archive, newest_inputs
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.reference.records import in_key_order
from streams.contracts.sources.records import RecordReader
from streams.decisions import Policy, compile_policy
from streams.evaluation.backtest import Backtest, backtest

BEFORE, AFTER = "before", "after"
TOLD: Final = (topics.PROFILE, topics.PURCHASE)
STEP: Final = 100


class Limits(Struct, frozen=True):
    """How much is tried: events, those of before, days, seconds; and megabytes of memory."""

    events: int = 20_000
    lead_in: int = 10_000
    days: int = 28
    seconds: float = 60.0
    megabytes: int = 2_048


class Tried(Struct, frozen=True, tag="tried"):
    """What came out.

    Attributes:
        found: both sides, by offer.
        first_ms, last_ms: the times of the first and the last event that count.
        events: how many count.
        of: how many would have, had there been time.
    """

    found: Backtest
    first_ms: int
    last_ms: int
    events: int
    of: int


class NotTried(Struct, frozen=True, tag="not_tried"):
    """Nothing came out; `said` is what the program says of its fault."""

    why: Literal["no_archive", "no_events", "no_room", "no_time", "fault"]
    said: str = ""


def try_change(
    root: Path,
    reader: RecordReader,
    sides: tuple[Records, Records],
    limits: Limits,
    told: Callable[[int, int], None],
) -> Tried | NotTried:
    """Play the newest events under the catalogue as it stands, and as it would be.

    Args:
        root: the archive's folder.
        reader: of input records.
        sides: the published records that stand, and those that would.
        limits: how much is played; after its seconds, what was played until then is told.
        told: is told how many records were played, and of how many.

    Raises:
        OperatorError: the archive cannot be read.
        ReferenceDataError: one of the catalogues cannot work.
    """
    end_s = time.monotonic() + limits.seconds
    if not is_archive(root):
        return NotTried("no_archive")
    recent = newest_inputs(root, limits.events, limits.days)
    if not recent:
        return NotTried("no_events")
    earlier = inputs_before(root, TOLD, recent, limits.lead_in)
    before = list(in_ours((_kept(one) for one in earlier), reader))
    counted = [(one.at_ms, record) for one in recent for record in in_ours([_kept(one)], reader)]
    policies = [(BEFORE, _policy(sides[0])), (AFTER, _policy(sides[1]))]
    played = 0

    def records() -> Iterator[InputRecord]:
        nonlocal played
        for number, record in enumerate((*before, *(record for _, record in counted))):
            played = max(0, number - len(before))
            if number % STEP == 0:
                told(number, len(before) + len(counted))
                if time.monotonic() >= end_s:
                    return
            yield record
        played = len(counted)

    found = backtest(records(), policies, lead_in=len(before))
    if not played:
        return NotTried("no_time")
    return Tried(found, counted[0][0], counted[played - 1][0], played, len(counted))


def _kept(one: Recorded) -> tuple[int, str, bytes, tuple[tuple[str, bytes], ...]]:
    return one.at_ms, one.topic, one.value, one.headers


def _policy(there: Records) -> Policy:
    return compile_policy(in_key_order(reference_of(there)))
