"""The same decision from its record, snapshot and reference data: equal, or what differs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from streams.admin.kept_decisions import Kept
from streams.contracts.outputs.payloads import DecisionLog
from streams.decisions import Policy, redecide
from streams.errors import OperatorError

DIFFERENCES_MAX = 20


class Again(Struct, frozen=True):
    """A decision beside itself.

    Attributes:
        entry: as it was logged.
        scored: whether there was anything to score.
        reference: what the reference data are called that were used.
        differences: places and both values; empty where every byte is equal.
        unchecked: the snapshot that was scored beside it and is not kept any more, so what is said
            of it was taken as it is; empty where all was checked.
    """

    entry: DecisionLog
    scored: bool
    reference: str
    differences: tuple[str, ...]
    unchecked: str = ""


class NamedPolicy(Struct, frozen=True):
    """Reference data that may be the ones of a decision; they are compiled when they are needed."""

    name: str
    compiled: Callable[[], Policy]


def decide_again(kept: Kept, policies: Iterable[NamedPolicy]) -> Again:
    """The last entry of a decision, decided again.

    Args:
        kept: the entries of one decision, the last of which is its answer.
        policies: reference data to try, the likeliest first.

    Raises:
        OperatorError: the snapshot is not kept, or none of the reference data have the version.
    """
    entry = kept.entries[-1]
    if all(candidate.terms is None for candidate in entry.offers):
        return Again(entry, scored=False, reference="", differences=())
    model = kept.models.get(entry.model.version)
    if model is None:
        raise _not_kept(entry.model.version)
    learned = "cold-start" if entry.uplift is None else entry.uplift.version
    uplift = kept.uplifts.get(learned)
    if uplift is None:
        raise _not_kept(learned)
    beside = "" if entry.challenger is None else entry.challenger.version
    rival = kept.models.get(beside)
    unchecked = "" if rival is not None else beside
    nearest: Again | None = None
    for named in policies:
        policy = named.compiled()
        if policy.named != entry.policy or _lacks(policy, entry):
            continue
        found = _differences(entry, redecide(entry, model, policy, uplift, rival))
        again = Again(entry, True, named.name, found, unchecked)
        if not found:
            return again
        nearest = nearest or again
    if nearest is None:
        raise OperatorError(
            f"no reference data of version {entry.policy.version} with all of the offers that were "
            "possible. Name their folder with --reference"
        )
    return nearest


def _not_kept(version: str) -> OperatorError:
    return OperatorError(
        f"the snapshot {version} is not kept any more, so the decision cannot be "
        "made again. The topic keeps the newest; `replay` writes all of them"
    )


class ToldAgain(Struct, frozen=True):
    """What `--json` says of it: `equal` is None where nothing was scored.

    `unchecked` names the snapshot that was scored beside it, where that is not kept any more.
    """

    decision_id: str
    verdict: str
    chosen_offer_id: str | None
    model: str
    policy: str
    reference: str
    equal: bool | None
    differences: tuple[str, ...]
    unchecked: str


def told_again(again: Again, *, json_: bool) -> Iterator[str]:
    """Lines for a terminal, or one JSON document."""
    entry = again.entry
    if json_:
        equal = not again.differences if again.scored else None
        told = ToldAgain(
            decision_id=entry.decision_id,
            verdict=entry.verdict,
            chosen_offer_id=entry.chosen_offer_id,
            model=entry.model.version,
            policy=entry.policy.version,
            reference=again.reference,
            equal=equal,
            differences=again.differences,
            unchecked=again.unchecked,
        )
        yield msgspec.json.encode(told).decode()
        return
    if not again.scored:
        yield f"{entry.decision_id}: {entry.verdict}; nothing was scored, so there is no more"
        return
    chosen = "" if entry.chosen_offer_id is None else f" {entry.chosen_offer_id}"
    yield (
        f"{entry.decision_id}: {entry.verdict}{chosen}, model "
        f"{entry.model.version}, policy {entry.policy.version} ({again.reference})"
    )
    if again.unchecked:
        yield (
            f"what {again.unchecked} would have chosen was not checked: that snapshot is not kept "
            "any more"
        )
    if not again.differences:
        yield "decided again: every byte is equal"
        return
    yield f"decided again: {len(again.differences)} values differ"
    yield from (f"  {one}" for one in again.differences[:DIFFERENCES_MAX])
    if len(again.differences) > DIFFERENCES_MAX:
        yield f"  and {len(again.differences) - DIFFERENCES_MAX} more"


def _lacks(policy: Policy, entry: DecisionLog) -> bool:
    there = {compiled.offer.offer_id for compiled in policy.offers}
    possible = {c.offer_id for c in entry.offers if c.terms is not None}
    arms = {arm.name for arm in policy.policies.experiment.arms}
    return not possible <= there or entry.experiment.arm not in arms


def _differences(before: DecisionLog, after: DecisionLog) -> tuple[str, ...]:
    if msgspec.json.encode(before) == msgspec.json.encode(after):
        return ()
    return tuple(_walk("$", msgspec.to_builtins(before), msgspec.to_builtins(after)))


def _walk(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _walk(f"{path}.{name}", before.get(name), after.get(name))
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from _walk(f"{path}[{number}]", *pair)
    elif before != after:
        yield f"{path}: {before} was logged, {after} comes out"
