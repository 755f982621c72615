"""What a beacon event means to the visits of a zone; docs/store.md tells the rules.

Evidence of being there begins a visit or goes on with it, an exit ends it, a weak signal only
doubts it. When a visit counts, dwells and is over is told by time, in `visit_times`.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.inputs.events import Beacon
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import ZoneRules
from streams.customer.change import Change, EventTiming
from streams.customer.consents import is_granted
from streams.customer.places import Places
from streams.customer.row import VISITS_MAX, Customer, ZoneVisit
from streams.customer.visit_times import advanced, closed, taken_in, was_told_of
from streams.customer.zone_holders import (
    beacon_mark,
    is_held,
    last_left_ms,
    left_ms_of,
    with_word,
)

RSSI_UNKNOWN_DBM = 127
Signal = Literal["strong", "middle", "weak", "unknown", "exit"]


class Spot(Struct, frozen=True):
    """A zone of a store, as the registry or else the event names it."""

    store_id: str
    zone_id: str
    zone_type: str


def noticed(person: Customer, event: Beacon, timing: EventTiming) -> Change:
    """The person after a beacon was noticed; nothing is kept without `location_beacon`."""
    spot = spot_of(event, timing.places)
    signal = signal_of(event, timing.places.rules)
    if spot is None or signal == "unknown" or not is_granted(person, "location_beacon"):
        return Change(person)
    rules = timing.places.rules
    known = _visit_of(person.visits, spot, timing.at_ms, rules)
    after = _with_evidence(known, spot, signal, event, timing, rules)
    if after is None or after == known:
        return Change(person)
    others = tuple(v for v in person.visits if v.visit_id != after.visit_id)
    told = advanced(after, timing.now_ms, timing.places)
    visits, pushed_out = _bounded((*_without_ended_candidates(others, after), told.visit))
    person = taken_in(replace(person, visits=visits), told)
    effects: tuple[Effect, ...] = (
        *told.effects(person.customer_id),
        *(closed(v, person.customer_id) for v in pushed_out),
    )
    return Change(person, told.trigger_events(timing.now_ms, event.traceparent), effects=effects)


def spot_of(event: Beacon, places: Places) -> Spot | None:
    """Where the beacon hangs; the registry is believed before the event."""
    place = places.find(event.beacon)
    if place is not None:
        return Spot(place.store_id, place.zone.id, place.zone.type or "")
    if event.store_id is None or event.zone is None:
        return None
    return Spot(event.store_id, event.zone.id, event.zone.type or "")


def signal_of(event: Beacon, rules: ZoneRules) -> Signal:
    """What the event says of being there. What could not be measured says nothing.

    What the phone's own system has debounced (`enter`, `dwell`) counts as strong where it was not
    measured.
    """
    if event.observation == "exit" or event.event_name == "zone_exited":
        return "exit"
    rssi_dbm = event.rssi_dbm
    if rssi_dbm == RSSI_UNKNOWN_DBM or (rssi_dbm == 0 and event.proximity == "unknown"):
        rssi_dbm = None
    if event.distance_m is not None and event.distance_m < 0.0 and event.proximity == "unknown":
        rssi_dbm = None
    if rssi_dbm is None or rssi_dbm == 0:
        return _by_proximity(event)
    if rssi_dbm >= rules.enter_rssi_dbm:
        return "strong"
    return "middle" if rssi_dbm >= rules.exit_rssi_dbm else "weak"


def _by_proximity(event: Beacon) -> Signal:
    if event.proximity in ("immediate", "near"):
        return "strong"
    if event.proximity == "far":
        return "weak"
    return "strong" if _is_from_system(event) else "unknown"


def _is_from_system(event: Beacon) -> bool:
    names = ("zone_entered", "zone_dwelled")
    return event.observation in ("enter", "dwell") or event.event_name in names


def _visit_of(
    visits: tuple[ZoneVisit, ...], spot: Spot, at_ms: int, rules: ZoneRules
) -> ZoneVisit | None:
    """The visit of this zone that evidence of `at_ms` belongs to: the newest that is near it."""
    here = [v for v in visits if v.zone_id == spot.zone_id and v.store_id == spot.store_id]
    for visit in sorted(here, key=lambda v: v.first_seen_ms, reverse=True):
        if visit.told:
            continue
        begins_unknown = visit.entered_at_ms is None and visit.exited_at_ms == visit.first_seen_ms
        before_ms = rules.exit_lost_after_ms if begins_unknown else rules.exit_after_ms
        if at_ms >= visit.first_seen_ms - before_ms:
            return visit
    return None


def _with_evidence(
    visit: ZoneVisit | None,
    spot: Spot,
    signal: Signal,
    event: Beacon,
    timing: EventTiming,
    rules: ZoneRules,
) -> ZoneVisit | None:
    """The visit after the evidence; None where it begins none."""
    at_ms = timing.at_ms
    if signal == "exit":
        return _left(visit, spot, event, timing)
    if signal == "weak":
        return _doubted(visit, at_ms)
    if visit is None or _is_over(visit, at_ms, rules):
        return _begun(visit, spot, event, timing) if signal == "strong" else None
    if visit.exited_at_ms is not None and at_ms > visit.exited_at_ms:
        if signal != "strong":
            return None
        visit = replace(visit, exited_at_ms=None, weak_ms=None)
    return _seen_again(visit, event, timing)


def _is_over(visit: ZoneVisit, at_ms: int, rules: ZoneRules) -> bool:
    """Whether who is seen now has begun another visit: back too late, or it never was one."""
    left_ms = visit.exited_at_ms
    if left_ms is None or at_ms <= left_ms:
        return False
    return visit.entered_at_ms is None or at_ms - left_ms >= rules.reentry_cooldown_ms


def _begun(earlier: ZoneVisit | None, spot: Spot, event: Beacon, timing: EventTiming) -> ZoneVisit:
    """A visit that begins; what is known of its beacons' later exits ends it."""
    visit = _candidate(spot, event, timing.at_ms)
    if earlier is not None:
        later = tuple(word for word in earlier.beacons if word[1] > timing.at_ms)
        visit = replace(visit, beacons=later)
    return _held_by(visit, event, timing)


def _candidate(spot: Spot, event: Beacon, at_ms: int) -> ZoneVisit:
    return ZoneVisit(
        visit_id=event.zone_visit_id or derive_id("v", event.event_id),
        store_id=spot.store_id,
        zone_id=spot.zone_id,
        zone_type=spot.zone_type,
        first_seen_ms=at_ms - (event.dwell_ms or 0),
        last_seen_ms=at_ms,
        event_id=event.event_id,
        channel=event.channel,
        traceparent=event.traceparent,
    )


def _seen_again(visit: ZoneVisit, event: Beacon, timing: EventTiming) -> ZoneVisit:
    at_ms, weak_ms = timing.at_ms, visit.weak_ms
    seen = replace(
        visit,
        first_seen_ms=min(visit.first_seen_ms, at_ms - (event.dwell_ms or 0)),
        last_seen_ms=max(visit.last_seen_ms, at_ms),
        weak_ms=None if weak_ms is not None and at_ms >= weak_ms else weak_ms,
        event_id=visit.event_id or event.event_id,
    )
    return _held_by(seen, event, timing)


def _held_by(visit: ZoneVisit, event: Beacon, timing: EventTiming) -> ZoneVisit:
    """The visit with what the phone's system says: open while the beacon holds it.

    Where the beacon's exit is known already, the visit was left then, unless another one holds.
    """
    if not _is_from_system(event):
        return visit
    mark = beacon_mark(event, timing.places)
    words = with_word(visit.beacons, (mark, timing.at_ms, True))
    visit = replace(visit, beacons=words)
    left_ms = left_ms_of(words, mark)
    if left_ms is None:
        return replace(visit, held=True, exited_at_ms=None)
    if is_held(words, left_ms, timing.places.rules.exit_lost_after_ms):
        return visit
    return _left_at(visit, max(left_ms, visit.exited_at_ms or 0))


def _left(visit: ZoneVisit | None, spot: Spot, event: Beacon, timing: EventTiming) -> ZoneVisit:
    """An exit: it ends the visit, unless another beacon holds it or the person was seen later.

    An exit alone is remembered.
    """
    at_ms, mark = timing.at_ms, beacon_mark(event, timing.places)
    word = (mark, at_ms, False)
    alone = replace(
        _candidate(spot, event, at_ms), exited_at_ms=at_ms, first_seen_ms=at_ms, beacons=(word,)
    )
    if visit is None:
        return alone
    words = with_word(visit.beacons, word)
    marked = replace(visit, beacons=words)
    if visit.first_seen_ms > at_ms:
        is_new = left_ms_of(words, mark) == at_ms
        return marked if is_new and (visit.held or visit.entered_at_ms is None) else alone
    if visit.exited_at_ms is not None and visit.entered_at_ms is None:
        return marked
    if is_held(words, at_ms, timing.places.rules.exit_lost_after_ms):
        return marked
    return _left_at(marked, max(at_ms, last_left_ms(words)))


def _left_at(visit: ZoneVisit, at_ms: int) -> ZoneVisit:
    """The visit when no beacon holds it any longer; who was seen later has not left."""
    if at_ms < visit.last_seen_ms:
        return replace(visit, held=False)
    return replace(visit, last_seen_ms=at_ms, exited_at_ms=at_ms, held=False, weak_ms=None)


def _doubted(visit: ZoneVisit | None, at_ms: int) -> ZoneVisit | None:
    """A weak signal: while it is the newest evidence nothing is said, and silence runs."""
    if visit is None or visit.exited_at_ms is not None or at_ms <= visit.last_seen_ms:
        return visit
    return replace(visit, weak_ms=max(visit.weak_ms or 0, at_ms))


def _without_ended_candidates(
    visits: tuple[ZoneVisit, ...], new: ZoneVisit
) -> tuple[ZoneVisit, ...]:
    """The others, without what came to nothing in the same zone."""
    return tuple(
        v
        for v in visits
        if v.entered_at_ms is not None
        or v.exited_at_ms is None
        or (v.store_id, v.zone_id) != (new.store_id, new.zone_id)
    )


def _bounded(visits: tuple[ZoneVisit, ...]) -> tuple[tuple[ZoneVisit, ...], list[ZoneVisit]]:
    """The newest visits, and those that have to go though their end was not told."""
    ordered = sorted(visits, key=lambda v: (v.last_seen_ms, v.visit_id))
    kept, gone = ordered[-VISITS_MAX:], ordered[:-VISITS_MAX]
    return tuple(kept), [v for v in gone if was_told_of(v)]
