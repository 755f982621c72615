"""What a rule may answer: broken, with the events that prove it; cannot be told; or fine."""

from msgspec import Struct


class Broken(Struct, frozen=True):
    """The rule was broken. `why` is a sentence; `proof` the ids of events that show it."""

    why: str
    proof: tuple[str, ...] = ()


class Unknown(Struct, frozen=True):
    """The rule could not be checked, and why; this is counted and never taken for good."""

    why: str


class Fine(Struct, frozen=True):
    """The rule was checked and holds."""


FINE = Fine()
Answer = Broken | Unknown | Fine | None
"""None: the rule does not concern this output."""


def holds(good: bool, why: str, *proof: str) -> Answer:
    """Fine where `good`, else broken.

    >>> holds(False, "too early", "e-1").proof
    ('e-1',)
    """
    return FINE if good else Broken(why, proof)
