"""A policy judged on a log, wherever the log lies, and what is said of it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.reference import compiled
from streams.archive import every_row, is_archive
from streams.errors import OperatorError
from streams.evaluation.off_policy import Estimate, Judged, judge
from streams.evaluation.offer_logs import (
    Counts,
    Question,
    Reward,
    by_policy,
    is_open_bandit,
    read_open_bandit,
    read_own,
    uniform,
)
from streams.evaluation.replay import FILES


class Found(Struct, frozen=True):
    """What a log says of a policy; `judged` is None where no decision could be judged."""

    policy: str
    reward: str
    seed: int
    counts: Counts
    judged: Judged | None


def judge_log(
    log: Path, *, policy: Path | None, reference: Path | None, reward: Reward, seed: int
) -> Found:
    """Judge a policy, or a uniform choice.

    Raises:
        OperatorError: the log, or reference data, cannot be read.
    """
    if is_open_bandit(log):
        if policy is not None or reward != "used":
            raise OperatorError(
                "of an Open Bandit table only clicks of a uniform choice are judged"
            )
        logged, counts = read_open_bandit(log), Counts()
        counts.judged, name = len(logged.reward), uniform().name
    else:
        chooser = uniform() if policy is None else by_policy(compiled(policy))
        question = Question(compiled(reference), chooser, reward)
        logged, counts = read_own(*records_of(log), question)
        name = chooser.name
    judged = judge(logged, seed) if counts.judged else None
    return Found(name, reward, seed, counts, judged)


def records_of(log: Path) -> tuple[Iterator[bytes], Iterator[bytes]]:
    """Decision log and labels of a folder.

    Raises:
        OperatorError: it holds none.
    """
    wanted = topics.DECISION_LOG, topics.LEARNING_EXAMPLES
    if is_archive(log):
        entries, examples = (every_row(log, topic) for topic in wanted)
        return entries, examples
    paths = [log / FILES[topic.name] for topic in wanted]
    if not all(path.is_file() for path in paths):
        raise OperatorError(
            f"{log} is no log: name a folder that `offerstream replay --out` or `offerstream "
            "archive` wrote, or a table of the Open Bandit Dataset"
        )
    return _lines(paths[0]), _lines(paths[1])


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def told(found: Found, *, json_: bool) -> Iterator[str]:
    """The figures, or why there are none."""
    if json_:
        yield msgspec.json.encode(found).decode()
        return
    counts, judged = found.counts, found.judged
    yield (
        f"{counts.judged:,} decisions judged; not judged: {counts.nothing_drawn:,} without a draw, "
        f"{counts.no_label:,} without a label, {counts.offer_gone:,} of offers that are not known"
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
