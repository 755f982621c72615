"""The regret by term: the product's own draw with its own terms, the best with true ones."""

import math

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.full_loop_terms import (
    AMOUNTS,
    ANYWAY,
    BEST,
    MEAN_MARGIN,
    NOTHING,
    ROWS,
    USED,
    Weighed,
    cell,
    columns,
    drawn,
    main,
    mean_margins,
    played,
    shares,
)
from streams.simulator.worlds import KINDS, World, WorldKind

ONES = np.ones(1)
Play = tuple[World, list[Weighed]]


@pytest.fixture(scope="module", params=KINDS)
def play(request: pytest.FixtureRequest) -> Play:
    """A short play of each shop."""
    kind: WorldKind = request.param
    return played(kind, 1, (20, 60))


def test_with_nothing_replaced_it_is_the_draw_of_the_log(play: Play) -> None:
    """To the nanos to which the product rounds its terms; so nothing of the priority is missing."""
    world, decisions = play
    assert len(decisions) > 10
    for one in decisions:
        found = drawn(world, one, columns(one, (), ONES))
        assert found == pytest.approx(one.logged, abs=1e-5)


def test_with_all_true_a_priority_is_what_the_offer_is_worth(play: Play) -> None:
    """But for fatigue, which the truth does not know."""
    _, decisions = play
    for one in decisions:
        priorities = np.array(columns(one, (USED, ANYWAY, AMOUNTS), ONES).priority)
        assert priorities + one.fatigue == pytest.approx(one.worth, abs=1e-9)


def test_a_term_that_is_true_leaves_the_others_as_they_were(play: Play) -> None:
    """Each of them moves some priority, and only by itself."""
    _, decisions = play
    means = mean_margins(decisions)
    assert means.keys() <= {offer_id for one in decisions for offer_id in one.offer_ids}
    assert min(means.values()) > 0.0
    for replaced in (USED, ANYWAY, AMOUNTS, MEAN_MARGIN):
        moved = 0
        for one in decisions:
            more = np.full(len(one.offer_ids), 2.0)
            before, after = columns(one, (), more), columns(one, (replaced,), more)
            moved += before.priority != after.priority
            assert replaced == USED or before.response_probability == after.response_probability
            assert replaced == ANYWAY or before.bought_anyway == after.bought_anyway
            assert replaced != MEAN_MARGIN or before.cost == after.cost
        assert moved > 10


def test_the_truth_comes_nearly_all_of_the_way(play: Play) -> None:
    """What is missing is the draw, and that contacts cost fatigue."""
    found = shares(*play)
    print(found)
    assert found.keys() == ROWS.keys()
    assert 0.85 < found["all three"] <= 1.0
    assert found["all three"] > max(found[NOTHING], found[BEST])


def test_an_error_is_that_of_the_difference() -> None:
    """Worlds that differ much may differ alike."""
    worlds = [{NOTHING: 0.5, "P(used)": 0.6}, {NOTHING: 0.7, "P(used)": 0.8}]
    assert cell(worlds, NOTHING) == "0.600 (0.100)"
    assert cell(worlds, "P(used)") == "0.700 (0.000)"
    assert cell(worlds[:1], NOTHING) == f"0.500 ({math.nan})"


def test_the_table_is_printed() -> None:
    """One column for each shop."""
    told = ["--kinds", "fashion", "--seeds", "1,2", "--customers", "10", "--days", "40"]
    done = CliRunner().invoke(main, told)
    assert done.exit_code == 0, done.output
    assert all(row in done.output for row in ROWS)
    assert "2 worlds" in done.output
