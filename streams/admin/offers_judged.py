"""A policy judged on a log, wherever the log lies, and what is said of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.catalogue import Records
from streams.admin.log_places import LogPlace, archived_stands, decoded_records
from streams.admin.reference import compiled, reference_of
from streams.admin.tunings import tuned_at
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.records import in_key_order
from streams.decisions import Policy, compile_policy
from streams.errors import OperatorError, ReferenceDataError
from streams.evaluation.judged_policies import Chooser, by_policy, uniform
from streams.evaluation.off_policy import Estimate, Logged, judge
from streams.evaluation.offer_logs import (
    Counts,
    FoundOnLog,
    Question,
    Reward,
    nothing_judged,
    read_for_each,
)
from streams.evaluation.open_bandit import is_open_bandit, read_open_bandit
from streams.evaluation.two_models import challenger, champion

Who = Literal["champion", "challenger"]
WHO: Final[tuple[Who, ...]] = ("champion", "challenger")


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked: folders of the policy to judge (None: a uniform choice) and of the log's own.

    `reward` is what counts, `seed` that of the intervals; `who`: instead of a policy, one of the
    two models.
    """

    policy: Path | None
    who: Who | None = None
    reference: Path | None
    reward: Reward
    seed: int


def judge_log(place: LogPlace, asked: Asked) -> FoundOnLog:
    """Judge a policy, or a uniform choice.

    Raises:
        OperatorError: the log, or reference data, cannot be read.
    """
    if place.folder is None or not is_open_bandit(place.folder):
        return _judged_on_own(place, asked, (asked.who,))[0]
    if asked.policy is not None or asked.reward != "used":
        raise OperatorError("of an Open Bandit table only clicks of a uniform choice are judged")
    logged, counts = read_open_bandit(place.folder), Counts()
    counts.judged = len(logged.reward)
    return _found(uniform().name, asked, logged, counts)


def judge_two_models(place: LogPlace, asked: Asked) -> list[FoundOnLog]:
    """Judge the response model and the challenger, in this order, by reading the log once.

    Raises:
        OperatorError: the log, or reference data, cannot be read.
    """
    return _judged_on_own(place, asked, WHO)


class OwnPolicies(Struct, frozen=True):
    """What the log was decided by.

    Attributes:
        newest: the reference data that stand now; the example shop, where none are known.
        known: whether anybody says that they are the log's.
        stood: those of the archive, since when each stood.
    """

    newest: Policy
    known: bool
    stood: tuple[tuple[int, Policy], ...] = ()


def _own_policies(place: LogPlace, named: Path | None) -> OwnPolicies:
    """The folder that is named; else what was archived, as of each decision."""
    if named is None and place.folder is not None and place.archived:
        stood = [(at_ms, _archived(r)) for at_ms, r in archived_stands(place.folder)]
        read = tuple((at_ms, policy) for at_ms, policy in stood if policy is not None)
        if read:
            return OwnPolicies(read[-1][1], known=True, stood=read)
    return OwnPolicies(compiled(named), known=named is not None)


def _archived(records: Records) -> Policy | None:
    """Compiled, or None where what stood for a moment is no whole."""
    try:
        return compile_policy(in_key_order(reference_of(records)))
    except ReferenceDataError:
        return None


def _judged_on_own(place: LogPlace, asked: Asked, each: Sequence[Who | None]) -> list[FoundOnLog]:
    own = _own_policies(place, asked.reference)
    choosers = [_chooser(place, asked, who, own) for who in each]
    first = own.stood[0][1] if own.stood else own.newest
    questions = [
        Question(first, chooser, asked.reward, pooled=own.known, stood=own.stood)
        for chooser in choosers
    ]
    read = read_for_each(
        decoded_records(place, topics.DECISION_LOG, DecisionLog),
        decoded_records(place, topics.LEARNING_EXAMPLES, LearningExample),
        questions,
    )
    return [_found(c.name, asked, *of_one) for c, of_one in zip(choosers, read, strict=True)]


def _found(name: str, asked: Asked, logged: Logged, counts: Counts) -> FoundOnLog:
    judged = judge(logged, asked.seed) if counts.judged else None
    refused = nothing_judged(counts) if judged is None else judged.refused
    return FoundOnLog(name, asked.reward, asked.seed, counts, judged, refused)


def _chooser(place: LogPlace, asked: Asked, who: Who | None, own: OwnPolicies) -> Chooser:
    if who:
        judged = challenger if who == "challenger" else champion
        return judged(own.newest if own.known else None, tuned_at(place))
    return uniform() if asked.policy is None else by_policy(compiled(asked.policy))


def told(found: FoundOnLog, *, json_: bool) -> Iterator[str]:
    """The figures, or why there are none."""
    if json_:
        yield msgspec.json.encode(found).decode()
        return
    counts, judged = found.counts, found.judged
    others = [
        (counts.nothing_drawn, "without a draw"),
        (counts.no_label, "of people without labels"),
        (counts.too_young, "whose windows are open at the log's end"),
        (counts.offer_gone, "of offers that are not known"),
        (counts.not_asked, "whose record does not say what it would have drawn"),
    ]
    yield f"{counts.judged:,} decisions judged; not judged: " + ", ".join(
        f"{many:,} {why}" for many, why in others
    )
    if counts.own_arm:
        yield (
            f"{counts.own_arm:,} decisions count by their own arm alone: the reference data do not "
            "give the probabilities that were logged"
        )
    if judged is None:
        yield f"nothing can be concluded of {found.policy}: {found.refused}"
        return
    yield f"of {judged.people:,} people, worth {judged.effective:,.0f} decisions of: {found.policy}"
    yield f"mean weight {judged.mean_weight:.3f} +- {judged.mean_weight_error:.3f} (1 is right)"
    yield _line(f"logged, {found.reward} a decision", judged.logged)
    if found.refused:
        yield f"nothing can be concluded of {found.policy}: {found.refused}"
        return
    yield _line("by inverse probability", judged.ips)
    yield _line("self-normalized", judged.snips)
    yield _line("doubly robust", judged.doubly_robust)
    yield f"95 % intervals by a bootstrap over people, seed {found.seed}"


def _line(name: str, estimate: Estimate) -> str:
    return f"  {name:<32} {estimate.value:.5f}  [{estimate.low:.5f}, {estimate.high:.5f}]"
