"""Decisions and the snapshots that they name, from wherever the log lies."""

import heapq
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.log_places import LogPlace, records
from streams.contracts.internal.learning import CHALLENGER, ModelSnapshot
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.unreadable import UNREADABLE
from streams.errors import NotKeptError, OperatorError
from streams.evaluation.replay import DECIDES_OFFERS, FILES
from streams.models import ResponseModel, UpliftModel, initial_models, with_snapshot
from streams.models.response import before_levels


class _Names(Struct):
    """Whom an entry is about: all that is read of those that are passed over."""

    decision_id: str
    customer_id: str


_ENTRY = msgspec.json.Decoder(DecisionLog)
_NAMES = msgspec.json.Decoder(_Names)
_SNAPSHOT = msgspec.json.Decoder(ModelSnapshot)


class Wanted(Struct, frozen=True):
    """Which entries: of one decision, or of one person; exactly one of the two is given."""

    decision_id: str = ""
    customer_id: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The decision's, where one is wanted."""
        return (self.decision_id,) if self.decision_id else ()

    @property
    def needle(self) -> bytes:
        """What stands in the bytes of every such entry, and makes it quick to pass over others."""
        return (self.decision_id or self.customer_id).encode()

    def fits(self, entry: DecisionLog) -> bool:
        """Whether it is one of these."""
        if self.decision_id:
            return entry.decision_id == self.decision_id
        return entry.customer_id == self.customer_id

    def __str__(self) -> str:
        if self.decision_id:
            return f"decision {self.decision_id}"
        return f"decision about {self.customer_id}"


class Kept(Struct, frozen=True):
    """Entries of the log, the oldest first, and the models that are still kept.

    `models` (response) and `uplifts` are by version, and have those that had learned nothing.
    """

    entries: tuple[DecisionLog, ...]
    models: dict[str, ResponseModel]
    uplifts: dict[str, UpliftModel]


def kept_at(place: LogPlace, wanted: Wanted, limit: int | None = None) -> Kept:
    """What a folder, the archive or the topics keep of it, or the last `limit` entries of that.

    Raises:
        NotKeptError: no entry fits.
        OperatorError: nothing can be read there, or something is damaged.
    """
    fitting = _fitting(place, wanted)
    if limit is None:
        entries = sorted(fitting, key=lambda e: e.decided_at)
    else:  # a log of any length is read in bounded memory
        numbered = ((entry.decided_at, number, entry) for number, entry in enumerate(fitting))
        entries = [entry for *_, entry in reversed(heapq.nlargest(limit, numbered))]
    if not entries:
        raise NotKeptError(f"there is no {wanted} in {place}")
    named = {entry.model.version for entry in entries}
    named |= {entry.uplift.version for entry in entries if entry.uplift is not None}
    named |= {entry.challenger.version for entry in entries if entry.challenger is not None}
    return Kept(tuple(entries), *_models(_snapshots(place, named), named))


def _fitting(place: LogPlace, wanted: Wanted) -> Iterator[DecisionLog]:
    """The entries that fit.

    Raises:
        OperatorError: such an entry is damaged; or none fits, and something in the log is no entry.
    """
    log = records(place, topics.DECISION_LOG, ids=wanted.ids, person_id=wanted.customer_id)
    found, damaged = False, ""
    for where, value in log:
        if wanted.needle in value:
            entry = _entry(where, value)
            if wanted.fits(entry):
                found = True
                yield entry
        elif not found and not damaged and _fault(value):
            damaged = f"{where} is no record of a decision: {_fault(value)}"
    if damaged and not found:
        raise OperatorError(f"{damaged}. What can be read has no {wanted}")


def _fault(value: bytes) -> str:
    """What is wrong with a record that names nobody who is wanted; empty: nothing."""
    try:
        _NAMES.decode(value)
    except UNREADABLE as error:
        return str(error)
    return ""


def _snapshots(place: LogPlace, named: set[str]) -> Iterator[tuple[str, bytes]]:
    if place.archived:
        yield from records(place, topics.MODEL_SNAPSHOTS, ids=tuple(sorted(named)))
    elif place.folder is None or (place.folder / FILES[topics.MODEL_SNAPSHOTS.name]).is_file():
        yield from records(place, topics.MODEL_SNAPSHOTS)


def _models(
    snapshots: Iterable[tuple[str, bytes]], named: set[str]
) -> tuple[dict[str, ResponseModel], dict[str, UpliftModel]]:
    nothing = initial_models()
    models = {one.version: one for one in (nothing.response, before_levels())}
    uplifts = {nothing.uplift.version: nothing.uplift}
    for where, value in snapshots:
        try:
            snapshot = _SNAPSHOT.decode(value)
        except UNREADABLE as error:
            raise OperatorError(f"{where} is no snapshot of a model: {error}") from error
        if snapshot.model not in DECIDES_OFFERS or snapshot.version not in named:
            continue
        read = with_snapshot(nothing, msgspec.structs.replace(snapshot, quality={}))
        if snapshot.model == "uplift":
            uplifts[snapshot.version] = read.uplift
        else:
            model = read.challenger if snapshot.model == CHALLENGER else read.response
            models[snapshot.version] = model or nothing.response
    return models, uplifts


def _entry(where: str, value: bytes) -> DecisionLog:
    try:
        return _ENTRY.decode(value)
    except UNREADABLE as error:
        raise OperatorError(f"{where} is no record of a decision: {error}") from error
