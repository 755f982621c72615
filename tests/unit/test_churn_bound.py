"""The bound on churn alerts: who knows the truth is judged perfect; looks know no future."""

import numpy as np

from benchmarks.churn_bound import RISKS, _reached
from benchmarks.churn_lives import GROUPS, looks_of

SEED = 6
WORLD = looks_of("drugstore", 60, 180, SEED)


def test_who_knows_the_truth_is_always_right_and_finds_nearly_all() -> None:
    """A posterior that is the truth has a precision of 1; one that says nothing alerts nobody."""
    print("seed", SEED)
    found = _reached([WORLD], [WORLD.leaves.astype(np.float64)], 0.5)
    assert found is not None
    assert found.precision == 1.0
    assert found.recall > 0.8
    assert _reached([WORLD], [np.zeros(len(WORLD.leaves))], min(RISKS)) is None


def test_every_look_has_every_number_and_silences_are_looked_at_in_order() -> None:
    """Finite, one column each, and each silence goes forward in time."""
    assert WORLD.x.shape == (len(WORLD.leaves), max(max(c) for c in GROUPS.values()) + 1)
    assert np.isfinite(WORLD.x).all()
    last: dict[tuple[str, int], float] = {}
    for silence, day in zip(WORLD.silences, WORLD.days, strict=True):
        assert day > last.get(silence, -1.0)
        last[silence] = float(day)


def test_the_same_arguments_tell_the_same_lives() -> None:
    """All is drawn from the seed."""
    again = looks_of("drugstore", 60, 180, SEED)
    assert np.array_equal(again.x, WORLD.x)
    assert not np.array_equal(looks_of("drugstore", 60, 180, SEED + 1).x, WORLD.x)
