"""Decisions and the snapshots that they name, from the topics or from a folder of `replay`."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from streams import topics
from streams.archive import rows_about, rows_with_id
from streams.broker.reading import read_to_end
from streams.contracts.internal.learning import ModelSnapshot
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.unreadable import UNREADABLE
from streams.errors import OperatorError
from streams.evaluation.replay import DECIDES_OFFERS, FILES
from streams.models import ResponseModel, initial_models, with_snapshot
from streams.settings import Settings

_ENTRY = msgspec.json.Decoder(DecisionLog)
_SNAPSHOT = msgspec.json.Decoder(ModelSnapshot)


class Wanted(Struct, frozen=True):
    """Which entries: of one decision, or of one person; exactly one of the two is given."""

    decision_id: str = ""
    customer_id: str = ""

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
    """Entries of the log, the oldest first, and the response models that are still kept.

    `models` is by version, and has the model that had learned nothing.
    """

    entries: tuple[DecisionLog, ...]
    models: dict[str, ResponseModel]


def kept_in_folder(folder: Path, wanted: Wanted) -> Kept:
    """What `replay` has written into a folder.

    Raises:
        OperatorError: it holds no decision log, something in it is damaged, or no entry fits.
    """
    log = folder / FILES[topics.DECISION_LOG.name]
    if not log.is_file():
        raise OperatorError(
            f"{folder} holds no {log.name}. Name the folder that `offerstream replay --out` wrote"
        )
    snapshots = folder / FILES[topics.MODEL_SNAPSHOTS.name]
    return _kept(
        _lines(log), lambda _: _lines(snapshots) if snapshots.is_file() else (), wanted, str(folder)
    )


def kept_in_archive(root: Path, wanted: Wanted) -> Kept:
    """What `offerstream archive` has written.

    Raises:
        OperatorError: the folder is no archive, something in it is damaged, or no entry fits.
    """
    log = topics.DECISION_LOG
    if wanted.decision_id:
        values = rows_with_id(root, log, wanted.decision_id)
    else:
        values = rows_about(root, log, wanted.customer_id)

    def snapshots(named: set[str]) -> Iterator[tuple[str, bytes]]:
        for version in sorted(named):
            for value in rows_with_id(root, topics.MODEL_SNAPSHOTS, version):
                yield str(root), value

    return _kept(((str(root), value) for value in values), snapshots, wanted, str(root))


def kept_on_topics(settings: Settings, wanted: Wanted) -> Kept:
    """What the broker still keeps: 30 days of decisions, and the newest snapshot.

    Raises:
        OperatorError: no broker answers, a topic is missing, or no entry fits.
    """
    entries = _values(settings, topics.DECISION_LOG)
    return _kept(
        ((f"decision-log {where}", value) for where, value in entries),
        lambda _: _values(settings, topics.MODEL_SNAPSHOTS),
        wanted,
        "decision-log (it keeps 30 days)",
    )


def _kept(
    log: Iterable[tuple[str, bytes]],
    snapshots: Callable[[set[str]], Iterable[tuple[str, bytes]]],
    wanted: Wanted,
    place: str,
) -> Kept:
    """Entries that fit, and the snapshots that they name: `snapshots` is asked for these."""
    found = [_entry(where, value) for where, value in log if wanted.needle in value]
    entries = sorted((e for e in found if wanted.fits(e)), key=lambda e: e.decided_at)
    if not entries:
        raise OperatorError(f"there is no {wanted} in {place}")
    named = {entry.model.version for entry in entries}
    return Kept(tuple(entries), _models(snapshots(named), named))


def _models(snapshots: Iterable[tuple[str, bytes]], named: set[str]) -> dict[str, ResponseModel]:
    nothing = initial_models()
    models = {nothing.response.version: nothing.response}
    for where, value in snapshots:
        try:
            snapshot = _SNAPSHOT.decode(value)
        except UNREADABLE as error:
            raise OperatorError(f"{where} is no snapshot of a model: {error}") from error
        if snapshot.model == DECIDES_OFFERS and snapshot.version in named:
            sound = msgspec.structs.replace(snapshot, quality={})
            models[snapshot.version] = with_snapshot(nothing, sound).response
    return models


def _entry(where: str, value: bytes) -> DecisionLog:
    try:
        return _ENTRY.decode(value)
    except UNREADABLE as error:
        raise OperatorError(f"{where} is no record of a decision: {error}") from error


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield f"{path}: line {number}", line


def _values(settings: Settings, topic: topics.Topic) -> Iterator[tuple[str, bytes]]:
    for message in read_to_end(settings, [settings.on_broker(topic)]):
        if message.value():
            yield f"{message.partition()}@{message.offset()}", message.value()
