"""Going back to an older snapshot of a model, and taking that back.

It is a record on `model-snapshots` under a key of its own: the whole older snapshot, with who
asked, when and why. Workers decide with it until it is taken back, whatever comes meanwhile.
"""

import time

import msgspec
from msgspec.structs import replace

from streams import topics
from streams.admin.log_places import LogPlace, records
from streams.admin.sending import produce, producing
from streams.admin.snapshot_words import asked_told, in_words
from streams.admin.snapshots import LISTED, Listed, decoded, kept_models, named
from streams.contracts.internal.learning import ModelSnapshot, Rollback, key_of
from streams.contracts.internal.learning_records import encode_snapshot
from streams.errors import OperatorError, StateError
from streams.models import initial_models, with_snapshot
from streams.settings import Settings

EARLIER_MAX = 20
_SNAPSHOT = msgspec.json.Decoder(ModelSnapshot)
_ROLLBACK = msgspec.json.Decoder(Rollback)


def roll_back(place: LogPlace, version: str, by: str, why: str) -> Rollback:
    """The record that makes workers decide with this version.

    Raises:
        OperatorError: it is not kept, this version of offerstream cannot read it, or it may not
            serve.
    """
    kept = kept_models(place)
    wanted = named(kept, version)
    if wanted.doubts:
        raise OperatorError(
            f"{wanted.version} may not serve: {in_words(wanted.doubts)}. "
            "Name one that `offerstream models list` says nothing against"
        )
    snapshot = whole(place, wanted.version)
    try:
        with_snapshot(initial_models(), snapshot)
    except StateError as error:
        raise OperatorError(f"{wanted.version} cannot be used: {error}") from error
    return Rollback(
        **msgspec.structs.asdict(snapshot),
        asked_at_ms=now_ms(),
        by=by,
        why=why,
        earlier=earlier_of(kept[wanted.model].rollback),
    )


def take_back(place: LogPlace, model: str, by: str, why: str) -> Rollback:
    """The record that makes workers decide with the newest good snapshot again.

    Raises:
        OperatorError: no rollback of the model is in force.
    """
    kept = kept_models(place).get(model)
    asked = None if kept is None else kept.rollback
    if asked is None or not asked.in_force:
        raise OperatorError(f"no rollback of the model {model} is in force: the newest decides")
    for where, value in records(place, topics.MODEL_SNAPSHOTS, ids=(asked.version,)):
        one = decoded(LISTED, where, value)
        if one.version == asked.version and one.asked_at_ms == asked.asked_at_ms:
            return replace(
                decoded(_ROLLBACK, where, value),
                in_force=False,
                asked_at_ms=now_ms(),
                by=by,
                why=why,
                earlier=earlier_of(asked),
            )
    raise OperatorError(f"the rollback to {asked.version} is not kept any more: try again")


def publish(settings: Settings, asked: Rollback) -> None:
    """Send it to the workers.

    Raises:
        OperatorError: the broker does not answer or refuses.
    """
    with producing(settings) as producer:
        name = settings.on_broker(topics.MODEL_SNAPSHOTS)
        produce(producer, name, key_of(asked, serves=True), encode_snapshot(asked))


def earlier_of(asked: Listed | None) -> tuple[str, ...]:
    """What was asked before, in words, the last twenty."""
    return () if asked is None else (*asked.earlier, asked_told(asked))[-EARLIER_MAX:]


def whole(place: LogPlace, version: str) -> ModelSnapshot:
    """The snapshot with its parameters, wherever it stands.

    Raises:
        OperatorError: it is not kept any more.
    """
    for where, value in records(place, topics.MODEL_SNAPSHOTS, ids=(version,)):
        if decoded(LISTED, where, value).version == version:
            return decoded(_SNAPSHOT, where, value)
    raise OperatorError(f"{version} was replaced meanwhile: try again")


def now_ms() -> int:
    """Processing time."""
    return time.time_ns() // 1_000_000
