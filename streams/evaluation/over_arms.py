"""Decisions of several arms as one policy, each arm as often as it really decided.

People are dealt to arms by a hash, so arms are one policy together, whose weights vary less (the
balance heuristic; Veach and Guibas 1995). The arms' shares of people are not those of decisions:
who is sent an offer has to wait for the next, who is sent none decides again, so an arm that often
sends none has more decisions. Counted by shares of people the mean weight of a log was .74 where
two arms of .6 and .3 had .75 and .25 of the decisions; by the shares of decisions it is 1.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from streams.contracts.outputs.payloads import Versioned
from streams.evaluation.off_policy import Logged

STRAYS_MAX: Final = 0.01
"""The share of decisions from around a change of the policies, made by others than stood then."""
Pair = tuple[float, float]
"""Of what was taken, and of no offer."""


class Row(NamedTuple):
    """A decision as the estimators see it; the numbers are those of `Logged`."""

    action_probability: float
    target: float
    reward: float
    taken: float
    expected: float
    untaken: float
    who: str


class Decision(Struct, frozen=True, kw_only=True):
    """A decision that drew.

    Attributes:
        who: the person.
        at_ms, window_ms: when it was decided, and after how long its outcome is known.
        sent: whether an offer was.
        reward: what came of it; None: nobody knows.
        target: probabilities of the judged policy.
        taken, expected: the reward that a model expects of what was taken, and of that policy.
        arm: the person's.
        own: probabilities in this arm, as logged.
        by_arm: the same of each arm that draws; empty where they are not known.
        group: decisions with the same policies, of which arms may be counted together.
    """

    who: str
    at_ms: int
    window_ms: int
    sent: bool
    reward: float | None
    target: Pair
    taken: float
    expected: float
    arm: str
    own: Pair
    by_arm: dict[str, Pair]
    group: tuple[int, Versioned] | None


def over_arms(decisions: Sequence[Decision]) -> tuple[list[Row], int]:
    """Decisions with their probability over all arms, and how many have that of their own instead.

    Where not all decisions of a group are known by arm, all of it counts by its own arms: one kind
    for some arms and the other for the rest would be no policy at all.
    """
    groups: dict[tuple[int, Versioned], list[Decision]] = {}
    for one in decisions:
        if one.group is not None:
            groups.setdefault(one.group, []).append(one)
    shares = {
        group: _shares(each)
        for group, each in groups.items()
        if sum(not d.by_arm for d in each) <= STRAYS_MAX * len(each)
    }
    rows, own_arm = [], 0
    for one in decisions:
        arms = None if one.group is None or not one.by_arm else shares.get(one.group)
        own_arm += arms is None and one.group is not None
        rows.append(_row(one, one.own if arms is None else _mixed(one, arms)))
    return rows, own_arm


def _shares(decisions: Sequence[Decision]) -> dict[str, float]:
    """How much of all decisions each arm has."""
    many = Counter(d.arm for d in decisions if d.by_arm)
    return {arm: count / many.total() for arm, count in many.items()}


def _mixed(decision: Decision, shares: dict[str, float]) -> Pair:
    each = [(share, decision.by_arm[arm]) for arm, share in shares.items()]
    return sum(s * taken for s, (taken, _) in each), sum(s * none for s, (_, none) in each)


def _row(decision: Decision, probabilities: Pair) -> Row:
    """What no offer brings is known, also where the log never takes it: nothing."""
    taken, none = probabilities
    return Row(
        action_probability=taken,
        target=decision.target[0],
        reward=decision.reward or 0.0,
        taken=decision.taken,
        expected=decision.expected,
        untaken=0.0 if none > 0.0 else decision.target[1],
        who=decision.who,
    )


def logged_of(rows: Sequence[Row]) -> Logged:
    """Rows as columns."""
    action_probability, target, reward, taken, expected, untaken = (
        np.array([row[:6] for row in rows], np.float64).reshape(-1, 6).T
    )
    _, people = np.unique([row.who for row in rows], return_inverse=True)
    return Logged(
        action_probability, target, reward, taken, expected, untaken, people.astype(np.int64)
    )
