"""What contacts saved, measured in four ways, and by somebody who knows the truth."""

import numpy as np
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from benchmarks.churn_play import Chance
from benchmarks.churn_saved_bound import at_best, main
from benchmarks.churn_saved_entries import (
    WAYS,
    Entry,
    adjusted,
    best_of,
    entries_of,
    luck_averaged,
    margins_around,
    pairs,
    treated_less_control,
)
from benchmarks.churn_saved_silences import main as by_silence
from benchmarks.churn_saved_silences import silences_of
from streams.simulator.worlds import World
from tests.unit.test_churn_worlds import COUPON, LEAVES, STAYS, day, effect, play


def entry(name: str, *, treated: bool, after: float, **other: float) -> Entry:
    """A case of this person."""
    told = {"foretold": 0.0, "pair": 0.0, "luck": 0.0, **other}
    return Entry(person=(1, name), treated=treated, after=after, **told)


TREATED = [entry(n, treated=True, after=a, pair=a - 2.0) for n, a in (("a", 6.0), ("b", 10.0))]
CONTROL = [entry(n, treated=False, after=a) for n, a in (("c", 1.0), ("d", 5.0))]


def test_treated_less_control_is_the_difference_of_means_with_both_errors() -> None:
    """Means 8 and 3; each has a standard error of 2."""
    found = treated_less_control([*TREATED, *CONTROL])
    assert found is not None
    assert found.value == 5.0
    assert found.error == pytest.approx(8.0**0.5)
    assert (found.low, found.high) == pytest.approx((5.0 - 1.96 * 8**0.5, 5.0 + 1.96 * 8**0.5))
    assert treated_less_control(TREATED) is None


def test_what_the_margin_before_foretells_is_taken_off() -> None:
    """After is foretold plus 5 for who was contacted: no noise is left."""
    told = [
        entry(str(n), treated=n % 2 == 0, after=3.0 * n + (5.0 if n % 2 == 0 else 0.0), foretold=n)
        for n in range(8)
    ]
    found = adjusted(told)
    assert found is not None
    assert found.value == pytest.approx(5.0)
    assert found.error == pytest.approx(0.0, abs=1e-9)


def test_cases_of_one_person_are_not_independent() -> None:
    """The same four numbers of two people say less than of four."""
    four = [
        entry(n, treated=True, after=0.0, pair=p) for n, p in zip("abcd", (1, 1, 5, 5), strict=True)
    ]
    two = [replace(e, person=(1, "x" if e.pair == 1 else "y")) for e in four]
    of_four, of_two = pairs(four), pairs(two)
    assert of_four is not None
    assert of_two is not None
    assert of_four.value == of_two.value == 3.0
    assert of_two.error > of_four.error


def test_only_who_was_contacted_saved_anything_and_the_best_contacts_who_is_worth_it() -> None:
    """A control's chance counts for nobody; of two treated one was worth it."""
    told = [
        entry("a", treated=True, after=0.0, luck=4.0),
        entry("b", treated=True, after=0.0, luck=-2.0),
        entry("c", treated=False, after=0.0, luck=100.0),
    ]
    found = luck_averaged(told)
    assert found is not None
    assert found.value == 1.0
    assert [e.person[1] for e in best_of(told)] == ["a", "c"]


def test_margin_before_and_after_a_moment_is_that_of_orders() -> None:
    """Ten euros of coffee at 32 %: three orders before day 30, four after it."""
    after, foretold = margins_around("grocery", STAYS.orders, day(30), day(100))
    assert after == pytest.approx(4 * 3.2)
    assert foretold == pytest.approx(3 * 3.2 * 70 / 25)


def test_a_case_of_a_play_has_its_coupon_and_its_cost() -> None:
    """A contact that saved 10, a coupon that cost 3 (2 on average), .01 to send."""
    chance = Chance(
        case_id="c",
        customer_id="leaves",
        contact_type="persuadable",
        treated=True,
        at_ms=day(35),
        action="offer",
        margin=6.0,
        margin_later=0.0,
        coupon=-2.0,
        cost=0.01,
    )
    sent = replace(effect(LEAVES, 10.0), action="offer", decision_id="d")
    played = replace(play(), contacts=(sent,), offers=(COUPON,), chances=(chance,))
    (found,) = entries_of(played)
    assert found.pair == pytest.approx(6.99)
    assert found.luck == pytest.approx(3.99)
    assert found.after == pytest.approx(-0.01)


def test_who_knows_the_truth_contacts_the_persuadable_alone_and_saves() -> None:
    """Nobody else has a case; what a control would have saved is told and not done."""
    world = World("drugstore", 400, 180, 1)
    entries = [e for cases in at_best(world).values() for e in cases]
    kinds = {world.person(e.person[1]).contact_type for e in entries}
    assert kinds == {"persuadable"}
    assert {e.treated for e in entries} == {True, False}
    assert all(e.luck > 0.0 for e in entries)
    assert all(e.pair == 0.0 and e.after == 0.0 for e in entries if not e.treated)
    found = pairs(entries)
    assert found is not None
    assert found.value > 0.0


def test_the_command_draws_people_and_says_each_way() -> None:
    """One small world."""
    arguments = ["--kinds", "grocery", "--seeds", "1", "--customers", "60", "--draws", "2"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert all(way in done.output for way in WAYS)
    assert "10,000" in done.output


def test_who_has_been_silent_for_longer_has_left_more_often() -> None:
    """Nobody is looked at twice in one silence at the same length, and nobody is contacted."""
    world = World("drugstore", 400, 180, 1)
    found = list(silences_of(world))
    gone = [np.mean([s.gone for s in found if s.gaps == gaps]) for gaps in (1.5, 2.5, 4.0)]
    assert gone == sorted(gone)
    assert not world.contact_effects
    assert any(s.unsubscribed for s in found)
    done = CliRunner().invoke(by_silence, ["--kinds", "wholesaler", "--customers", "60"])
    assert done.exit_code == 0, done.output
    assert "own gaps" in done.output
