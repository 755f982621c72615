"""Decisions of our log and what came of them, as a judge of policies reads them."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.candidates import CandidateLog
from streams.contracts.outputs.payloads import (
    CaseOutcome,
    ChurnAlert,
    DecisionLog,
    SegmentChange,
)
from streams.contracts.times import DAY_MS, to_ms
from streams.contracts.unreadable import UNREADABLE
from streams.decisions import Policy
from streams.decisions.classes import was_certain
from streams.decisions.holdouts import OFFER_HOLDOUT
from streams.errors import OperatorError
from streams.evaluation.judged_policies import Chooser, as_logged, drawn, same
from streams.evaluation.off_policy import Judged, Logged
from streams.evaluation.over_arms import Decision, Pair, logged_of, over_arms

Reward = Literal["used", "margin"]
RESPONSE = "response"
OUTCOMES = ("used", "late_conversion", "not_used")
SEEN: Final = 0.99
"""Where the policies of a log are not known, its own windows tell: so many are closed by then."""
KINDS: Final[dict[type, str]] = {
    DecisionLog: "record of a decision",
    LearningExample: "labeled example",
    ChurnAlert: "record of an alert",
    CaseOutcome: "record of a case's outcome",
    SegmentChange: "record of a change of segment",
}
T = TypeVar("T")


class Labels(Struct, frozen=True):
    """Labels of the response model by the example's id; when windows closed unused; the newest."""

    by_id: dict[str, float]
    closed_ms: dict[str, int]
    newest_ms: int


class Counts(Struct):
    """How many decisions of a log are judged, and why others are not.

    `too_young`: the log ends before an outcome of any of the offers that were possible must be
    known, so neither an offer nor no offer counts. `no_label`: of people who were sent offers and
    of whom nothing is learned, with all their decisions. `own_arm`: judged, but by the probability
    of its own arm, though reference data are known: they do not give the logged probabilities.
    `not_asked`: a model was to be judged, and there was no challenger yet, or it was tuned
    otherwise, or what the model would have drawn is not known; or the policy draws by a posterior
    that was not logged, or not of all these offers.
    """

    judged: int = 0
    nothing_drawn: int = 0
    no_label: int = 0
    offer_gone: int = 0
    not_asked: int = 0
    too_young: int = 0
    own_arm: int = 0


class FoundOnLog(Struct, frozen=True):
    """What a log says of a policy; `judged` is None where no decision could be judged.

    `refused`: why nothing can be concluded; empty where something can.
    """

    policy: str
    reward: str
    seed: int
    counts: Counts
    judged: Judged | None
    refused: str


def nothing_judged(counts: Counts) -> str:
    """Why no decision could be judged: what most of those that drew lack."""
    why = {
        counts.not_asked: "their records do not say what it would have drawn: they were drawn by "
        "other rules (`thompson` needs `doubt` on the record), or no challenger was scored there",
        counts.too_young: "the log ends before the windows of their offers have closed",
        counts.no_label: "nothing is learned of these people, or their labels are not in the log",
        counts.offer_gone: "the reference data do not know their offers: name the log's own with "
        "--reference",
    }
    most = max(why)
    if not most:
        return "no decision of the log drew among offers"
    return f"of {most:,} decisions that drew, {why[most]}"


class Question(Struct, frozen=True):
    """What is asked of a log.

    Attributes:
        policy: the reference data of the log: margins, discounts, windows.
        judged: the policy to judge.
        reward: `used` counts uses; `margin` is their margin less discount and contact cost.
        pooled: whether a decision counts by its probability over all arms; false where nobody says
            that `policy` is the log's own.
        stood: reference data by the time since when they stood, in order; before the first of
            them, and where there are none, `policy` counts.
    """

    policy: Policy
    judged: Chooser
    reward: Reward
    pooled: bool = True
    stood: tuple[tuple[int, Policy], ...] = ()

    def policy_at(self, at_ms: int) -> Policy:
        """The reference data that stood then."""
        place = bisect_right(self.stood, at_ms, key=lambda one: one[0])
        return self.stood[place - 1][1] if place else self.policy


def read_own(
    entries: Iterable[bytes], examples: Iterable[bytes], question: Question
) -> tuple[Logged, Counts]:
    """The decisions of our own log whose outcome is known, offers and no offers alike.

    Args:
        entries: values of `decision-log`.
        examples: values of `learning-examples`.
        question: what is asked.

    Raises:
        OperatorError: a record cannot be read.
    """
    decisions = (decoded(value, DecisionLog) for value in entries)
    labels = (decoded(value, LearningExample) for value in examples)
    return read_for_each(decisions, labels, (question,))[0]


def read_for_each(
    entries: Iterable[DecisionLog],
    examples: Iterable[LearningExample],
    questions: Sequence[Question],
) -> list[tuple[Logged, Counts]]:
    """What `read_own` gives for each of several questions, by reading the log once."""
    labels = labels_of(examples)
    told = [(question, Counts(), list[Decision]()) for question in questions]
    windows, end_ms = list[int](), labels.newest_ms
    for entry in entries:
        at_ms = to_ms(entry.decided_at)
        end_ms = max(end_ms, at_ms)
        closed_ms = labels.closed_ms.get(derive_id("x", entry.decision_id, "not_used"))
        if closed_ms is not None:
            windows.append(closed_ms - at_ms)
        found = [
            c for c in entry.offers if c.terms is not None and c.why_not in (None, OFFER_HOLDOUT)
        ]
        for question, counts, decisions in told:
            one = _decision(entry, found, labels, question, counts)
            if one is not None:
                decisions.append(one)
    read = []
    for question, counts, decisions in told:
        least_ms = 0 if question.pooled or not windows else int(np.quantile(windows, SEEN))
        kept = _with_outcome(decisions, end_ms, least_ms, counts)
        rows, counts.own_arm = over_arms(kept)
        counts.judged = len(rows)
        read.append((logged_of(rows), counts))
    return read


def _with_outcome(
    decisions: Sequence[Decision], end_ms: int, least_ms: int, counts: Counts
) -> list[Decision]:
    """Those of which the log is long enough to tell the outcome, and of people it tells of.

    Whether a decision is left out must not hang on what it drew: no offer has no label to wait
    for, and needs no consent. So both wait for the same time, and who has no label at all though
    offers were sent is left out as a whole.
    """
    old = [d for d in decisions if d.at_ms + max(d.window_ms, least_ms) <= end_ms]
    counts.too_young = len(decisions) - len(old)
    silent = {d.who for d in old if d.reward is None}
    silent -= {d.who for d in old if d.sent and d.reward is not None}
    kept = [d for d in old if d.reward is not None and d.who not in silent]
    counts.no_label = len(old) - len(kept)
    return kept


def _decision(
    entry: DecisionLog,
    found: list[CandidateLog],
    labels: Labels,
    question: Question,
    counts: Counts,
) -> Decision | None:
    """A decision that drew, beside what the judged policy would have drawn."""
    at_ms = to_ms(entry.decided_at)
    policy = question.policy_at(at_ms)
    if (
        not found
        or entry.verdict not in ("offer", "no_offer")
        or entry.experiment.holdout  # only a mandatory offer is sent there
        or was_certain(
            entry, [policy.by_id[c.offer_id] for c in found if c.offer_id in policy.by_id]
        )
    ):
        counts.nothing_drawn += 1
        return None
    worth = _worth(question.reward, policy, found)
    if worth is None:
        counts.offer_gone += 1
        return None
    probabilities = question.judged.probabilities(found, entry)
    if probabilities is None or len(probabilities) != len(found) + 1:
        counts.not_asked += 1
        return None
    place = next((n for n, c in enumerate(found) if c.offer_id == entry.chosen_offer_id), None)
    taken = len(found) if place is None else place
    responses = [c.terms.response_probability for c in found if c.terms is not None]
    gains = [p * gain - cost for p, (gain, cost) in zip(responses, worth, strict=True)] + [0.0]
    reward: float | None = 0.0
    if place is not None:
        label = label_of(labels.by_id, entry.decision_id)
        reward = None if label is None else label * worth[place][0] - worth[place][1]
    logged = as_logged(found, entry)
    return Decision(
        who=entry.customer_id,
        at_ms=at_ms,
        window_ms=_window_ms(policy, found),
        sent=place is not None,
        reward=reward,
        target=(probabilities[taken], probabilities[-1]),
        taken=gains[taken],
        expected=sum(p * gain for p, gain in zip(probabilities, gains, strict=True)),
        arm=entry.experiment.arm,
        own=(entry.action_probability, logged[-1]),
        by_arm=_by_arm(policy, entry, found, taken) if question.pooled else {},
        group=(id(policy), entry.policy) if question.pooled else None,
    )


def _window_ms(policy: Policy, found: Sequence[CandidateLog]) -> int:
    """After how long the outcome of any of these offers is known."""
    most = policy.policies.arbitration.attribution_window_days
    known = (policy.by_id.get(c.offer_id) for c in found)
    days = (most if c is None else min(c.offer.redeem_within_days, most) for c in known)
    return round(max(days) * DAY_MS)


def _by_arm(
    policy: Policy, entry: DecisionLog, found: Sequence[CandidateLog], taken: int
) -> dict[str, Pair]:
    """With which probability each arm that draws takes what was taken, and no offer.

    Empty where the reference data are not those of the decision, by their version or by the
    probabilities that they give.
    """
    if policy.named != entry.policy:
        return {}
    logged = [c.terms for c in found if c.terms is not None]
    arms = [a for a in policy.policies.experiment.arms if a.chooser != "holdout"]
    by_arm = {a.name: drawn(a, policy, (found, logged), entry) for a in arms}
    if not same(as_logged(found, entry), by_arm.get(entry.experiment.arm)):
        return {}
    told = {name: (sent[taken], sent[-1]) for name, sent in by_arm.items() if sent is not None}
    return told if len(told) == len(arms) else {}


def _worth(
    reward: Reward, policy: Policy, found: Sequence[CandidateLog]
) -> list[tuple[float, float]] | None:
    """What a use of each offer brings and what its contact costs; None: an offer is not known."""
    if reward == "used":
        return [(1.0, 0.0)] * len(found)
    if any(c.offer_id not in policy.by_id for c in found):
        return None
    each = [(policy.by_id[c.offer_id].offer, _channel_cost(c, policy)) for c in found]
    return [(o.margin - o.discount, o.contact_cost + cost) for o, cost in each]


def _channel_cost(candidate: CandidateLog, policy: Policy) -> float:
    """What the channel costs that was chosen for it; 0 where there was none to choose."""
    channel = None if candidate.terms is None else candidate.terms.channel
    return 0.0 if channel is None else policy.policies.contact.channel_costs.get(channel, 0.0)


def labels_of(examples: Iterable[LearningExample]) -> Labels:
    """Labels of the response model."""
    by_id, closed_ms, newest_ms = dict[str, float](), dict[str, int](), 0
    for example in examples:
        newest_ms = max(newest_ms, example.observed_at_ms)
        if example.model == RESPONSE:
            by_id[example.example_id] = example.label
            if example.label == 0.0:
                closed_ms[example.example_id] = example.observed_at_ms
    return Labels(by_id, closed_ms, newest_ms)


def label_of(labels: dict[str, float], decision_id: str) -> float | None:
    """A use, also one that became known late, before the closing of the window."""
    ids = (derive_id("x", decision_id, outcome) for outcome in OUTCOMES)
    return next((labels[id_] for id_ in ids if id_ in labels), None)


def decoded(value: bytes, kind: type[T], where: str = "a record") -> T:
    """A record of a log.

    Raises:
        OperatorError: it is none; `where` says which.
    """
    try:
        return msgspec.json.decode(value, type=kind)
    except UNREADABLE as error:
        raise OperatorError(f"{where} is no {KINDS.get(kind, 'record')}: {error}") from error
