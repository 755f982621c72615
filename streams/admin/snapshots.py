"""Snapshots of models that are kept in a folder, the archive or the topics, and which decides."""

from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams import topics
from streams.admin.log_places import LogPlace, records
from streams.contracts.inputs.allowed import what_is_allowed
from streams.contracts.internal.learning import CHALLENGER, RESPONSE, examples_of
from streams.contracts.unreadable import UNREADABLE
from streams.errors import OperatorError
from streams.models import doubts_of
from streams.models.pool import AS_IT_IS, Tuning
from streams.models.trainer import LEARNERS, formats_read


class Told(Struct, frozen=True):
    """The one parameter that is read of a snapshot: how a response model's pool is tuned."""

    tuning: Tuning = AS_IT_IS


class Listed(Struct, frozen=True, kw_only=True):
    """A snapshot without most parameters; with what was asked: a rollback, or a promotion."""

    model: str
    version: str
    format: int
    examples: int
    trained_at_ms: int
    parameters: Told = Told()
    quality: dict[str, float] = {}
    asked_at_ms: int = 0
    by: str = ""
    why: str = ""
    in_force: bool = False
    promotes: bool = False
    earlier: tuple[str, ...] = ()

    @property
    def labels(self) -> int:
        """What it knows; `examples` counts also what it forgot when it began anew."""
        return examples_of(self.version)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why no worker decides with it; empty where it may serve."""
        if self.format not in formats_read(self.model):
            return (f"format_{self.format}",)
        return doubts_of(self.model, self.quality)


class ModelKept(Struct, frozen=True):
    """What is kept of one model: snapshots, the newest first, and what was last asked of it.

    `beside`: it is scored and logged beside the model that decides, and decides nothing.
    """

    snapshots: tuple[Listed, ...]
    rollback: Listed | None
    promotion: Listed | None = None
    beside: bool = False

    @property
    def decides(self) -> Listed | None:
        """What workers decide with: a rollback in force, else the newest that may serve.

        Of a model that is only scored beside another: what they score with.
        """
        if self.rollback is not None and self.rollback.in_force:
            return self.rollback
        return next((one for one in self.snapshots if not one.doubts), None)

    @property
    def is_champion(self) -> bool:
        """Whether it was promoted, and is tuned as it was then."""
        asked, now = self.promotion, self.decides
        if asked is None or now is None or not asked.in_force:
            return False
        return now.parameters.tuning == asked.parameters.tuning


_Kind = TypeVar("_Kind")
LISTED = msgspec.json.Decoder(Listed)


def kept_models(place: LogPlace) -> dict[str, ModelKept]:
    """What a folder, the archive and the topics keep, by model.

    Raises:
        OperatorError: nothing can be read there, or a record is damaged.
    """
    snapshots: dict[str, dict[str, Listed]] = {}
    rollbacks: dict[str, Listed] = {}
    promotion: Listed | None = None
    for where, value in records(place, topics.MODEL_SNAPSHOTS):
        one = decoded(LISTED, where, value)
        snapshots.setdefault(one.model, {})[one.version] = one
        if one.promotes:
            if promotion is None or promotion.asked_at_ms <= one.asked_at_ms:
                promotion = one
            continue
        before = rollbacks.get(one.model)
        if one.asked_at_ms and (before is None or before.asked_at_ms <= one.asked_at_ms):
            rollbacks[one.model] = one
    kept = {
        model: ModelKept(
            tuple(sorted(found.values(), key=lambda s: s.examples, reverse=True)),
            rollbacks.get(model),
            promotion if model == CHALLENGER else None,
        )
        for model, found in sorted(snapshots.items())
    }
    beside = RESPONSE if CHALLENGER in kept and kept[CHALLENGER].is_champion else CHALLENGER
    if beside in kept:
        kept[beside] = replace(kept[beside], beside=True)
    return kept


def of_model(kept: dict[str, ModelKept], model: str | None) -> dict[str, ModelKept]:
    """What is kept of one model; of all of them without a name.

    Raises:
        OperatorError: no model has this name.
    """
    if model is None:
        return kept
    known = sorted({*LEARNERS, *kept})
    if model not in known:
        raise OperatorError(f"--model {model} {what_is_allowed(known, model)}")
    return {model: kept[model]} if model in kept else {}


def named(kept: dict[str, ModelKept], name: str) -> Listed:
    """The snapshot of this version; of a model's name, the one that decides.

    Raises:
        OperatorError: there is none.
    """
    if name in kept:
        decides = kept[name].decides
        if decides is None:
            raise OperatorError(f"no snapshot of the model {name} may serve yet")
        return decides
    for model in kept.values():
        for one in model.snapshots:
            if one.version == name:
                return one
    if not name.strip():
        raise OperatorError("name a snapshot, or a model: `offerstream models list` names them")
    raise OperatorError(
        f"no snapshot {name} is kept. `offerstream models list` names those that are"
    )


def decoded(decoder: msgspec.json.Decoder[_Kind], where: str, value: bytes) -> _Kind:
    """A record of `model-snapshots`.

    Raises:
        OperatorError: it is none, and stands at `where`.
    """
    try:
        return decoder.decode(value)
    except UNREADABLE as error:
        raise OperatorError(f"{where} is no snapshot of a model: {error}") from error
