"""A seam for crash tests: a callable that is told every step of an epoch's end."""

from collections.abc import Callable
from typing import Literal, get_args

Step = Literal[
    "before_begin",
    "after_begin",
    "after_produce",
    "after_send_offsets",
    "before_commit",
    "after_commit",
    "before_write_batch",
    "after_write_batch",
]
STEPS: tuple[Step, ...] = get_args(Step)
Failpoint = Callable[[Step], None]


def nothing_fails(step: Step) -> None:
    """The default: every step passes."""
