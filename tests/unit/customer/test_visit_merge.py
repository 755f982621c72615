"""Visits of two rows that become one person."""

from typing import Any

from msgspec.structs import replace

from streams.contracts.times import HOUR_MS, MINUTE_MS
from streams.customer.row import ZoneVisit
from streams.customer.visit_merge import visits_of_both

T0 = 1_770_000_000_000
ONE, TWO = 1, 2


def visit(id_: str, since_ms: int, **fields: Any) -> ZoneVisit:
    """A candidate that the phone's system began, by beacon one."""
    made: dict[str, Any] = {
        "visit_id": id_,
        "store_id": "s",
        "zone_id": "z",
        "zone_type": "",
        "first_seen_ms": since_ms,
        "last_seen_ms": since_ms,
        "held": True,
        "due_ms": since_ms + 5_000,
        "beacons": ((ONE, since_ms, True),),
    }
    return ZoneVisit(**(made | fields))


def exit_alone(at_ms: int, beacon: int = ONE) -> ZoneVisit:
    """An exit that no entry was known to."""
    word = (beacon, at_ms, False)
    return visit("gone", at_ms, exited_at_ms=at_ms, held=False, beacons=(word,))


def both(a: ZoneVisit, b: ZoneVisit) -> tuple[ZoneVisit, ...]:
    """The visits of both, which are the same whoever merges whom."""
    merged = visits_of_both((a,), (b,))
    assert merged == visits_of_both((b,), (a,))
    return merged


def test_an_exit_in_the_other_row_ends_the_visit() -> None:
    """At the same moment or later, before and after it counts; an older one ends nothing."""
    for later_ms in (0, 9_000):
        (one,) = both(visit("v", T0), exit_alone(T0 + later_ms))
        assert (one.visit_id, one.exited_at_ms, one.held) == ("v", T0 + later_ms, False)
    (one,) = both(visit("v", T0, entered_at_ms=T0 + 5_000), exit_alone(T0 + 9_000))
    assert (one.entered_at_ms, one.exited_at_ms) == (T0 + 5_000, T0 + 9_000)
    stays = next(v for v in both(visit("v", T0), exit_alone(T0 - 1)) if v.visit_id == "v")
    assert (stays.exited_at_ms, stays.held) == (None, True)


def test_the_exit_of_another_beacon_does_not_end_what_is_held() -> None:
    """Beacon one holds; the exit of beacon two says nothing."""
    (one,) = both(visit("v", T0), exit_alone(T0 + 9_000, TWO))
    assert (one.exited_at_ms, one.held) == (None, True)


def test_two_candidates_are_one_that_began_with_the_first() -> None:
    """Two phones of one person at one shelf: one visit."""
    (one,) = both(visit("a", T0), visit("b", T0 + 2_000, beacons=((TWO, T0 + 2_000, True),)))
    assert (one.visit_id, one.first_seen_ms, one.last_seen_ms) == ("a", T0, T0 + 2_000)
    assert {word[0] for word in one.beacons} == {ONE, TWO}


def test_of_two_that_were_told_the_earlier_is_left() -> None:
    """Its end is told by timer; one stays open, and only one exit ends it."""
    first = visit("a", T0, entered_at_ms=T0 + 5_000)
    second = visit("b", T0 + MINUTE_MS, entered_at_ms=T0 + MINUTE_MS + 5_000)
    left, stays = both(first, second)
    assert (left.visit_id, left.exited_at_ms, left.due_ms) == ("a", T0, T0)
    assert (stays.visit_id, stays.exited_at_ms, stays.first_seen_ms) == ("b", None, T0 + MINUTE_MS)


def test_a_sighting_of_hours_ago_is_no_part_of_it() -> None:
    """Silence had ended that visit, though its timer had not fired."""
    old = visit("a", T0 - HOUR_MS, held=False, beacons=())
    assert len(both(old, visit("b", T0))) == 2
    assert len(both(old, replace(visit("b", T0), zone_id="y"))) == 2
