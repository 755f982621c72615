"""Which experiment a label is of: the running one, one that is over, or one that begins."""

from typing import Final, Literal

EXPERIMENTS_MAX: Final = 16
Seen = tuple[float, ...]
"""Experiments in the order in which their first label came; all but the last are over."""


def standing(seen: Seen, experiment: float) -> Literal["running", "over", "new"]:
    """How an experiment stands among those that were seen.

    >>> [standing((1.0, 2.0), experiment) for experiment in (1.0, 2.0, 3.0)]
    ['over', 'running', 'new']
    """
    if experiment not in seen:
        return "new"
    return "running" if experiment == seen[-1] else "over"


def begun(seen: Seen, experiment: float) -> Seen:
    """With one that begins; the oldest are forgotten."""
    return (*seen, experiment)[-EXPERIMENTS_MAX:]
