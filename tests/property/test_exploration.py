"""The draw: its probabilities are a distribution with a floor, and the choice is among them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.outputs.terms import Doubt
from streams.contracts.reference.structs import Arm, Exploration
from streams.decisions.exploration import Exploring, draw
from streams.decisions.posterior_draws import Posterior

POLICY = Arm(name="policy", share=1.0, chooser="policy")
UNIFORM = Arm(name="uniform", share=1.0, chooser="uniform")
MODES: st.SearchStrategy[Exploration] = st.sampled_from(["inverse_gap", "epsilon"])
PRIORITIES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
EXPLORING = st.builds(
    Exploring,
    MODES,
    st.floats(0.001, 1.0),
    st.floats(1e-6, 1e6),
    st.integers(0, 10**7),
)
SPREADS = st.floats(0.0, 3.0)


@st.composite
def believed(draw_: st.DrawFn) -> tuple[list[float], Exploring]:
    """Priorities, and what is drawn from of as many offers."""
    priorities = draw_(PRIORITIES)
    n = len(priorities)
    many = st.lists(st.floats(-1e6, 1e6), min_size=n, max_size=n).map(np.array)
    used = st.lists(st.floats(0.0, 1.0), min_size=n, max_size=n).map(np.array)
    loads = st.lists(st.floats(-3.0, 3.0), min_size=2 * n, max_size=2 * n).map(np.array)
    doubt = Doubt(
        shared=draw_(st.tuples(SPREADS, SPREADS)),
        own=tuple(draw_(st.lists(SPREADS, min_size=n, max_size=n))),
    )
    posterior = Posterior(draw_(used), draw_(many), draw_(loads).reshape(n, 2), doubt)
    return priorities, Exploring("thompson", draw_(st.floats(0.001, 1.0)), posterior=posterior)


@given(st.text(max_size=20), believed())
def test_shares_of_draws_are_a_distribution_with_a_floor(
    decision_id: str, asked: tuple[list[float], Exploring]
) -> None:
    """They add up to 1, each keeps its share of epsilon, and the same decision has the same."""
    priorities, exploring = asked
    told = draw(decision_id, priorities, POLICY, exploring)
    actions = [*told.probabilities, told.no_offer]
    assert abs(sum(actions) - 1.0) < 1e-9
    assert min(actions) >= exploring.epsilon / len(actions) - 1e-12
    assert told.probability == actions[len(priorities) if told.index is None else told.index]
    assert draw(decision_id, priorities, POLICY, exploring) == told


@given(st.text(max_size=20), PRIORITIES, EXPLORING)
def test_probabilities_are_a_distribution_with_a_floor(
    decision_id: str, priorities: list[float], exploring: Exploring
) -> None:
    """They add up to 1, each keeps its share of epsilon, and the best has the greatest."""
    told = draw(decision_id, priorities, POLICY, exploring)
    actions = [*told.probabilities, told.no_offer]
    assert abs(sum(actions) - 1.0) < 1e-9
    assert min(actions) >= exploring.epsilon / len(actions) - 1e-12
    assert told.probability == actions[len(priorities) if told.index is None else told.index]
    values = [*priorities, 0.0]
    assert actions[values.index(max(values))] > max(actions) - 1e-9 or max(priorities) <= 0.0
    if max(priorities) <= 0.0:
        assert told.no_offer > max(actions) - 1e-9


@given(st.text(max_size=20), PRIORITIES, EXPLORING)
def test_uniform_draws_any_offer_alike(
    decision_id: str, priorities: list[float], exploring: Exploring
) -> None:
    """However it is explored elsewhere, and never no offer."""
    told = draw(decision_id, priorities, UNIFORM, exploring)
    assert set(told.probabilities) == {1.0 / len(priorities)}
    assert told.no_offer == 0.0
    assert told.index is not None
