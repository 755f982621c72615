"""Letting the challenger decide, and taking that back.

It is a record on `model-snapshots` under a key of its own: the challenger's newest good snapshot,
with who asked, when and why. From then on workers decide with the challenger, whose newer snapshots
follow, and the response model is scored beside it.
"""

import msgspec

from streams.admin.log_places import LogPlace
from streams.admin.rollback import earlier_of, now_ms, whole
from streams.admin.snapshots import ModelKept, kept_models
from streams.contracts.internal.learning import CHALLENGER, Promotion
from streams.errors import OperatorError


def promote(place: LogPlace, by: str, why: str) -> Promotion:
    """The record that makes workers decide with the challenger.

    Raises:
        OperatorError: there is none that may serve, or it decides already.
    """
    kept = kept_models(place).get(CHALLENGER)
    if kept is None or kept.decides is None:
        raise OperatorError(
            "there is no challenger that may serve: set learner.challenger, and wait until it has "
            "learned (`offerstream models list --model challenger`)"
        )
    if kept.is_champion:
        raise OperatorError("the challenger decides already")
    return _asked(place, kept, by, why, in_force=True)


def demote(place: LogPlace, by: str, why: str) -> Promotion:
    """The record that makes workers decide with the response model again.

    Raises:
        OperatorError: no promotion is in force.
    """
    kept = kept_models(place).get(CHALLENGER)
    if kept is None or kept.promotion is None or not kept.promotion.in_force:
        raise OperatorError("the challenger does not decide: nothing is to be taken back")
    return _asked(place, kept, by, why, in_force=False)


def _asked(place: LogPlace, kept: ModelKept, by: str, why: str, *, in_force: bool) -> Promotion:
    newest = kept.decides or kept.snapshots[0]
    return Promotion(
        **msgspec.structs.asdict(whole(place, newest.version)),
        asked_at_ms=now_ms(),
        by=by,
        why=why,
        in_force=in_force,
        earlier=earlier_of(kept.promotion),
    )
