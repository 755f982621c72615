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
    """

    entry: DecisionLog
    scored: bool
    reference: str
    differences: tuple[str, ...]


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
    if all(candidate.terms is None for candidate in entry.candidates):
        return Again(entry, scored=False, reference="", differences=())
    model = kept.models.get(entry.model.version)
    if model is None:
        raise _not_kept(entry.model.version)
    learned = "cold-start" if entry.uplift is None else entry.uplift.version
    uplift = kept.uplifts.get(learned)
    if uplift is None:
        raise _not_kept(learned)
    rival = None
    if entry.challenger is not None:
        rival = kept.models.get(entry.challenger.version)
        if rival is None:
            raise _not_kept(entry.challenger.version)
    nearest: Again | None = None
    for named in policies:
        policy = named.compiled()
        if policy.named != entry.policy or _lacks(policy, entry):
            continue
        found = _differences(entry, redecide(entry, model, policy, uplift, rival))
        again = Again(entry, scored=True, reference=named.name, differences=found)
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
    """What `--json` says of it: `equal` is None where nothing was scored."""

    decision_id: str
    verdict: str
    chosen_offer_id: str | None
    model: str
    policy: str
    reference: str
    equal: bool | None
    differences: tuple[str, ...]


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
        )
        yield msgspec.json.encode(told).decode()
        return
    if not again.scored:
        yield f"{entry.decision_id}: {entry.verdict}; nothing was scored, so there is no more"
        return
    yield (
        f"{entry.decision_id}: {entry.verdict} {entry.chosen_offer_id or ''}, model "
        f"{entry.model.version}, policy {entry.policy.version} ({again.reference})"
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
    possible = {c.offer_id for c in entry.candidates if c.terms is not None}
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
