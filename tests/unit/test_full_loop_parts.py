"""The loss part by part: the product's own draw with nothing replaced, and whose word counts."""

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.full_loop_bound import Watched
from benchmarks.full_loop_guess import PARTS
from benchmarks.full_loop_parts import (
    ALL,
    ROWS,
    SETS,
    TASTE,
    Thinker,
    Thought,
    main,
    mixture,
    thoughts,
)
from benchmarks.full_loop_terms import NOTHING, columns, drawn
from streams.simulator.worlds import World

Play = tuple[World, list[Thought]]


@pytest.fixture(scope="module")
def play() -> Play:
    """A short play of a drugstore, thought about."""
    world, told = thoughts("drugstore", 1, (12, 60))
    found = list(told)
    assert len(found) > 10
    return world, found


def test_with_nothing_replaced_it_is_the_draw_of_the_log(play: Play) -> None:
    """So what a row changes is what it replaces."""
    world, decisions = play
    for thought in decisions:
        one = ROWS[NOTHING](thought)
        terms = columns(one, (), np.ones(len(one.worth)))
        assert drawn(world, one, terms) == pytest.approx(one.logged, abs=1e-5)


def test_while_nothing_is_learned_it_says_what_is_believed(play: Play) -> None:
    """The first decisions are taken by nothing else."""
    first = play[1][0]
    assert ROWS["believed"](first).estimated.used == pytest.approx(first.one.estimated.used)


def test_of_offers_that_want_no_category_taste_says_nothing(play: Play) -> None:
    """They are used as often whatever is liked; of the others some are used more, some less."""
    world, decisions = play
    wanted = {o.offer_id: o.conditions.categories for o in world.reference.offers}
    moved = []
    for thought in decisions:
        ratio = thought.told[frozenset({TASTE})].used / thought.told[SETS[0]].used
        for offer_id, times in zip(thought.one.offer_ids, ratio, strict=True):
            if wanted[offer_id]:
                moved.append(times)
            else:
                assert times == pytest.approx(1.0)
    assert min(moved) < 0.8 < 1.2 < max(moved)


def test_who_thinks_expects_what_offers_bring(play: Play) -> None:
    """All three terms by Bayes: the expected worth is, on the mean, the true one."""
    thought, true = 0.0, 0.0
    for one in play[1]:
        by_bayes = ROWS["all three"](one)
        priority = columns(by_bayes, (), np.ones(len(one.one.worth))).priority
        thought += sum(priority) + one.one.fatigue * len(priority)
        true += float(one.one.worth.sum())
    print(thought, true)
    assert thought == pytest.approx(true, rel=0.5)


def test_a_part_is_taken_from_who_is_known(play: Play) -> None:
    """The rest is as of anybody."""
    world, _ = play
    thinker = Thinker(Watched(world))
    anybody = thinker.anybody
    known = anybody._replace(deals=anybody.deals + 1.0, basket=anybody.basket + 1.0)
    mixed = mixture(known, anybody, frozenset({"deals"}))
    assert (mixed.deals == known.deals).all()
    assert (mixed.basket == anybody.basket).all()
    assert frozenset(PARTS) == ALL == SETS[-1]


def test_the_table_is_printed() -> None:
    """One column for each shop."""
    told = ["--kinds", "fashion", "--seeds", "1", "--customers", "10", "--days", "40"]
    done = CliRunner().invoke(main, told)
    assert done.exit_code == 0, done.output
    assert all(row in done.output for row in ROWS)
