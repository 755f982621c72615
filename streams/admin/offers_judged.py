"""A policy judged on a log, wherever the log lies, and what is said of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.log_places import LogPlace, records
from streams.admin.reference import compiled
from streams.admin.tunings import tuned_at
from streams.decisions import Policy
from streams.errors import OperatorError
from streams.evaluation.off_policy import Estimate, Logged, judge
from streams.evaluation.offer_logs import (
    Chooser,
    Counts,
    FoundOnLog,
    Question,
    Reward,
    by_policy,
    is_open_bandit,
    read_for_each,
    read_open_bandit,
    uniform,
)
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


def _judged_on_own(place: LogPlace, asked: Asked, each: Sequence[Who | None]) -> list[FoundOnLog]:
    own = compiled(asked.reference)
    choosers = [_chooser(place, asked, who, own) for who in each]
    pooled = asked.reference is not None
    questions = [Question(own, chooser, asked.reward, pooled=pooled) for chooser in choosers]
    entries, examples = (
        (value for _, value in records(place, topic))
        for topic in (topics.DECISION_LOG, topics.LEARNING_EXAMPLES)
    )
    read = read_for_each(entries, examples, questions)
    return [_found(c.name, asked, *of_one) for c, of_one in zip(choosers, read, strict=True)]


def _found(name: str, asked: Asked, logged: Logged, counts: Counts) -> FoundOnLog:
    judged = judge(logged, asked.seed) if counts.judged else None
    return FoundOnLog(name, asked.reward, asked.seed, counts, judged)


def _chooser(place: LogPlace, asked: Asked, who: Who | None, own: Policy) -> Chooser:
    if who:
        judged = challenger if who == "challenger" else champion
        return judged(None if asked.reference is None else own, tuned_at(place))
    return uniform() if asked.policy is None else by_policy(compiled(asked.policy))


def told(found: FoundOnLog, *, json_: bool) -> Iterator[str]:
    """The figures, or why there are none."""
    if json_:
        yield msgspec.json.encode(found).decode()
        return
    counts, judged = found.counts, found.judged
    yield (
        f"{counts.judged:,} decisions judged; not judged: {counts.nothing_drawn:,} without a draw, "
        f"{counts.no_label:,} without a label, {counts.offer_gone:,} of offers that are not known"
        + (
            f", {counts.not_asked:,} whose record does not say what it would have drawn"
            if counts.not_asked
            else ""
        )
    )
    if judged is None:
        yield "nothing can be concluded: no decision has both a draw and a label"
        return
    yield f"of {judged.people:,} people, worth {judged.effective:,.0f} decisions of: {found.policy}"
    yield f"mean weight {judged.mean_weight:.3f} +- {judged.mean_weight_error:.3f} (1 is right)"
    yield _line(f"logged, {found.reward} a decision", judged.logged)
    if judged.refused:
        yield f"nothing can be concluded of {found.policy}: {judged.refused}"
        return
    yield _line("by inverse probability", judged.ips)
    yield _line("self-normalized", judged.snips)
    yield _line("doubly robust", judged.doubly_robust)
    yield f"95 % intervals by a bootstrap over people, seed {found.seed}"


def _line(name: str, estimate: Estimate) -> str:
    return f"  {name:<32} {estimate.value:.5f}  [{estimate.low:.5f}, {estimate.high:.5f}]"
