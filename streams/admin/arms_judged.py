"""Treated against held out of the own log, and what is said of it."""

from collections.abc import Iterator

from msgspec import Struct

from streams import topics
from streams.admin.log_places import LogPlace, decoded_records
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import DecisionLog
from streams.errors import OperatorError
from streams.evaluation.enrolled import Arms, ArmsJudged, judge_arms, read_enrolled, trial_of
from streams.evaluation.off_policy import Estimate
from streams.evaluation.uplift import Found, judge_uplift


class ArmsFound(Struct, frozen=True, kw_only=True):
    """What an own log says: margin a head of one arm against another, and who gains most."""

    judged: ArmsJudged
    uplift: Found


def judge_own(place: LogPlace, arms: Arms, seed: int) -> ArmsFound:
    """Judge two arms by what the shop earned of their people.

    Raises:
        OperatorError: the log cannot be read, or has too few people whose window is over.
    """
    if arms[0] == arms[1]:
        raise OperatorError(f"--arm and --against are both {arms[0]}: name two arms")
    enrolled = read_enrolled(
        decoded_records(place, topics.DECISION_LOG, DecisionLog),
        decoded_records(place, topics.LEARNING_EXAMPLES, LearningExample),
    )
    return ArmsFound(
        judged=judge_arms(enrolled, arms), uplift=judge_uplift(trial_of(enrolled, arms), seed)
    )


def told_of_arms(judged: ArmsJudged) -> Iterator[str]:
    """Lines for a terminal."""
    (arm, against), (people, others), (head, other) = judged.arms, judged.people, judged.heads
    yield f"{people:,} people of {arm}, {others:,} of {against}, each over a whole window"
    yield f"margin a head: {arm} {head:.3f}, {against} {other:.3f}"
    yield _line(f"{arm} brings more by", judged.plain)
    yield _line("the same, adjusted for features", judged.adjusted)


def _line(name: str, estimate: Estimate) -> str:
    return f"  {name:<32} {estimate.value:+.3f}  [{estimate.low:+.3f}, {estimate.high:+.3f}]"
