"""The visits of two rows that are one person: one visit of a zone at a time.

A visitor's phone may have told of the exit before the login told of the entry, so the exit stands
in another row. What overlaps is one visit; an exit ends what was before it, whoever told it.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from streams.contracts.reference.structs import ZoneRules
from streams.customer.row import VISITS_MAX, ZoneVisit
from streams.customer.zone_holders import Words, is_held, last_left_ms, with_word

USUAL = ZoneRules()


def visits_of_both(
    mine: tuple[ZoneVisit, ...], others: tuple[ZoneVisit, ...]
) -> tuple[ZoneVisit, ...]:
    """The newest `VISITS_MAX`, newest last; those of one zone that overlap are one.

    Two that were both told as opened stay two, of which the earlier is left.
    """
    visits: list[ZoneVisit] = []
    for visit in sorted((*others, *mine), key=lambda v: (v.first_seen_ms, v.visit_id)):
        same = next((v for v in visits if _are_one(v, visit)), None)
        if same is None:
            visits.append(visit)
        else:
            visits.remove(same)
            visits.extend(_joined(same, visit))
    return tuple(sorted(visits, key=lambda v: (v.last_seen_ms, v.visit_id))[-VISITS_MAX:])


def _are_one(a: ZoneVisit, b: ZoneVisit) -> bool:
    if a.visit_id == b.visit_id:
        return True
    if (a.store_id, a.zone_id) != (b.store_id, b.zone_id) or a.told or b.told:
        return False
    return a.first_seen_ms <= _end_ms(b) and b.first_seen_ms <= _end_ms(a)


def _end_ms(visit: ZoneVisit) -> int:
    """When it is over, by what is known; silence ends it by the usual rules."""
    if visit.exited_at_ms is not None:
        return visit.exited_at_ms
    wait_ms = USUAL.exit_lost_after_ms if visit.held else USUAL.exit_after_ms
    return visit.last_seen_ms + wait_ms


def _joined(a: ZoneVisit, b: ZoneVisit) -> list[ZoneVisit]:
    """`a` began first. The one that counts already stays, else the one that has begun."""
    if a.visit_id == b.visit_id:
        return [b if b.last_seen_ms >= a.last_seen_ms else a]
    both_told = a.entered_at_ms is not None and b.entered_at_ms is not None
    later_stays = b.entered_at_ms is not None or not _is_begun(a)
    stays, goes = (b, a) if later_stays else (a, b)
    words = stays.beacons
    for word in goes.beacons:
        words = with_word(words, word)
    one = replace(
        stays,
        first_seen_ms=stays.first_seen_ms if both_told else a.first_seen_ms,
        last_seen_ms=max(a.last_seen_ms, b.last_seen_ms),
        weak_ms=_weak_ms(a, b),
        spoken_ms=max(a.spoken_ms, b.spoken_ms),
        beacons=words,
        due_ms=min((v.due_ms for v in (a, b) if v.due_ms is not None), default=None),
    )
    one = _left(one, (a, b), words)
    return [_gone(goes), one] if both_told else [one]


def _is_begun(visit: ZoneVisit) -> bool:
    """Not an exit alone."""
    return visit.exited_at_ms is None or visit.exited_at_ms > visit.first_seen_ms


def _left(one: ZoneVisit, both: Iterable[ZoneVisit], words: Words) -> ZoneVisit:
    """The visit with the last exit of both, unless a beacon holds it or it was seen later."""
    exits = [v.exited_at_ms for v in both if v.exited_at_ms is not None]
    left_ms = max([*exits, last_left_ms(words)])
    inside = any(is_inside for _, _, is_inside in words)
    if not left_ms:
        return replace(one, exited_at_ms=None, held=inside or one.held)
    if is_held(words, left_ms, USUAL.exit_lost_after_ms):
        return replace(one, exited_at_ms=None, held=True)
    open_ms = [v.last_seen_ms for v in both if v.exited_at_ms is None]
    if open_ms and max(open_ms) > left_ms:
        return replace(one, exited_at_ms=None, held=False)
    return replace(one, last_seen_ms=left_ms, exited_at_ms=left_ms, held=False, weak_ms=None)


def _weak_ms(a: ZoneVisit, b: ZoneVisit) -> int | None:
    weak_ms = max(a.weak_ms or 0, b.weak_ms or 0)
    return weak_ms if weak_ms > max(a.last_seen_ms, b.last_seen_ms) else None


def _gone(visit: ZoneVisit) -> ZoneVisit:
    """Told as opened, and goes on as the other: its end is told when its time has come."""
    if visit.exited_at_ms is not None:
        return visit
    left_ms = visit.last_seen_ms
    return replace(visit, exited_at_ms=left_ms, held=False, weak_ms=None, due_ms=left_ms)
