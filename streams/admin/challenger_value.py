"""What the challenger and the response model are worth, by the log of the decisions of both."""

from collections.abc import Iterator
from pathlib import Path

from streams.admin.log_places import LogPlace
from streams.admin.offers_judged import Asked, judge_two_models
from streams.evaluation.off_policy import Estimate
from streams.evaluation.offer_logs import Reward

SEED = 1


def value_told(place: LogPlace, reference: Path | None) -> Iterator[str]:
    """Two lines for each of the two, from the decisions that both were asked of.

    In margin and from all arms together, where reference data are named; else in uses, and each
    decision by the probability that its own arm gave it.

    Raises:
        OperatorError: the log, or reference data, cannot be read.
    """
    reward: Reward = "used" if reference is None else "margin"
    asked = Asked(policy=None, reference=reference, reward=reward, seed=SEED)
    for found in judge_two_models(place, asked):
        judged = found.judged
        if judged is None:
            yield f"{found.policy}: nothing can be concluded yet: {found.refused}"
        elif judged.refused:
            yield f"{found.policy}: nothing can be concluded yet: {judged.refused}"
        else:
            yield (
                f"{found.policy}: {reward} a decision {_in_words(judged.snips)} (self-normalized), "
                f"{_in_words(judged.doubly_robust)} (doubly robust)"
            )
            yield (
                f"  from {judged.decisions:,} decisions, worth {judged.effective:,.0f} of its own"
            )


def _in_words(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"
