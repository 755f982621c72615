"""The life table of silences: what it learns of a shop, and what it says of a customer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import StateError
from streams.models.churn import ChurnLearner
from streams.models.silences import EDGES, RETURNS_MIN, LifeTable, Silences, SilencesState

REPEATS, KNOWN = 4.0, 16.0  # an own gap of four ticks


def learned(gaps: np.ndarray, ticks_max: int = 60) -> LifeTable:
    """Customers of an own gap of four ticks, looked at each tick of a silence as long as given."""
    table = LifeTable()
    for gap in gaps:
        for tick in range(ticks_max):
            returned = tick + 1 > gap
            table.learn(REPEATS, KNOWN, float(tick), returned=returned, weight=1.0)
            if returned:
                break
    return table


def view_of(table: LifeTable) -> Silences:
    """What it says, once it says anything."""
    view = table.view()
    assert view is not None
    return view


def test_gaps_by_chance_are_found_to_be_by_chance() -> None:
    """Exponential gaps of four ticks: at any silence, P(four more) is 1 / e."""
    view = view_of(learned(np.random.default_rng(3).exponential(4.0, 4_000)))
    assert view.gap_ticks == pytest.approx(4.0)
    for silence in (0.0, 3.0, 8.0, 14.0):
        said = view.p_silent(REPEATS, KNOWN, silence, 4.0)
        assert said == pytest.approx(math.exp(-1.0), abs=0.04)


def test_a_shop_whose_customers_come_back_from_holidays_waits_longer() -> None:
    """After three own gaps, who has left and who is away are told by what the shop has seen."""
    random = np.random.default_rng(4)
    steady = random.gamma(16.0, 0.25, 2_000)
    away, gone = steady.copy(), steady.copy()
    away[:200] += random.uniform(8.0, 20.0, 200)
    gone[:200] = 1e9
    said = [view_of(learned(g)).p_silent(REPEATS, KNOWN, 12.0, 13.0) for g in (away, gone)]
    assert said[0] < 0.15
    assert said[1] > 0.85


def test_silences_are_measured_in_own_gaps() -> None:
    """Who comes four times as seldom is silent four times as long before it says the same."""
    view = view_of(learned(np.random.default_rng(5).gamma(4.0, 1.0, 500)))
    often = view.p_silent(400.0, 400.0, 0.8, 0.5)
    seldom = view.p_silent(400.0, 1_600.0, 3.2, 2.0)
    assert 0.2 < often < 0.8
    assert often == pytest.approx(seldom, abs=0.005)
    assert view.p_silent(1.0, 0.0, 0.0, 13.0) >= 0.0, "a gap of no length divides by nothing"


def test_it_says_nothing_of_few_and_learns_nothing_of_who_bought_once() -> None:
    """Thirty returns of people with a gap."""
    table = LifeTable()
    for _ in range(100):
        table.learn(0.0, 0.0, 3.0, returned=True, weight=1.0)
    assert table.dump() == SilencesState()
    for n in range(RETURNS_MIN):
        assert table.view() is None, n
        table.learn(1.0, 4.0, 3.0, returned=True, weight=1.0)
    assert table.view() is not None


def test_time_at_risk_is_shared_out_among_the_stretches_it_passes() -> None:
    """A tick of .8 own gaps from a silence of .8 on: to 1.6, or 1.2 where somebody came back."""
    table = LifeTable(SilencesState(gaps=1e9, gap_ticks=1.25e9))
    table.learn(1e9, 1.25e9, 1.0, returned=False, weight=1.0)
    assert sum(table.exposed) == pytest.approx(0.8)
    assert table.exposed[3] == pytest.approx(0.2)
    assert table.exposed[EDGES.index(1.5)] == pytest.approx(0.1)
    table.learn(1e9, 1.25e9, 1.0, returned=True, weight=2.0)
    assert sum(table.exposed) == pytest.approx(0.8 + 2.0 * 0.4)
    assert table.returns[EDGES.index(1.0)] == 2.0


def test_what_was_learned_fades_with_time() -> None:
    """Half in 208 ticks; what is said stays, until something else is seen."""
    table = learned(np.random.default_rng(6).exponential(4.0, 500))
    before, many = view_of(table), sum(table.returns)
    table.forget(208.0)
    assert sum(table.returns) == pytest.approx(many / 2.0)
    after = view_of(table)
    assert after.gap_ticks == pytest.approx(before.gap_ticks)
    assert after.rates[2] == pytest.approx(before.rates[2], rel=0.05)


def test_it_goes_on_from_its_dump() -> None:
    """Bit for bit."""
    table = learned(np.random.default_rng(7).exponential(4.0, 100))
    again = LifeTable(table.dump())
    for one in (table, again):
        one.learn(3.0, 9.0, 2.0, returned=True, weight=1.0)
    assert again.dump() == table.dump()
    assert again.view() == table.view()


STRETCHES = (1.0,) * len(EDGES)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"returns": STRETCHES[1:]},
        {"exposed": STRETCHES[1:]},
        {"returns": (), "exposed": ()},
        {"returns": (*STRETCHES, 1.0), "exposed": (*STRETCHES, 1.0)},
        {"returns": (-1.0, *STRETCHES[1:])},
        {"exposed": (*STRETCHES[1:], -1e-9)},
        {"gaps": -1.0},
        {"gap_ticks": -1.0},
        {"gap_ticks": math.inf},
        {"exposed": (math.nan, *STRETCHES[1:])},
    ],
)
def test_a_damaged_table_is_no_state(spoilt: dict[str, object]) -> None:
    """A learner and a worker refuse it when they read it, with the words that they have for it."""
    state = {"returns": STRETCHES, "exposed": STRETCHES, "gaps": 9.0, "gap_ticks": 9.0}
    whole = ChurnLearner().dump()
    assert ChurnLearner.load({**whole, "silences": state}).view("v").silences is None
    with pytest.raises(StateError, match="life table"):
        ChurnLearner.load({**whole, "silences": {**state, **spoilt}})


def test_returns_in_no_time_say_nothing() -> None:
    """Of a table whose time at risk was lost no rate is known."""
    nothing = SilencesState(returns=(100.0,) * len(EDGES), gaps=9.0, gap_ticks=9.0)
    assert LifeTable(nothing).view() is None


@given(
    st.lists(st.floats(0.0, 500.0), min_size=len(EDGES), max_size=len(EDGES)),
    st.lists(st.floats(0.0, 500.0), min_size=len(EDGES), max_size=len(EDGES)),
    st.floats(1.0, 1_000.0),
    st.floats(0.0, 4_000.0),
    st.floats(0.0, 500.0),
    st.floats(0.0, 200.0),
)
def test_silence_is_a_probability_that_falls_with_the_horizon(
    returns: list[float],
    exposed: list[float],
    repeats: float,
    known: float,
    silence: float,
    ticks: float,
) -> None:
    """Whatever was seen, of whomever."""
    returns[0] += RETURNS_MIN
    exposed[0] += 1.0
    view = view_of(LifeTable(SilencesState(tuple(returns), tuple(exposed), 10.0, 40.0)))
    here = view.p_silent(repeats, known, silence, ticks)
    later = view.p_silent(repeats, known, silence, ticks + 1.0)
    assert 0.0 <= later <= here <= 1.0
    both = here * view.p_silent(repeats, known, silence + ticks, 1.0)
    assert later == pytest.approx(both, rel=1e-6, abs=1e-12)
