"""Beacon sightings become visits to a zone: debounced, with a dwell measured on our side.

A sighting at `enter_rssi_dbm` or above opens a candidate, which is a visit (`entered_at_ms`) once
it has lasted `min_dwell_ms`. It ends with a sighting below `exit_rssi_dbm`, an exit, or
`exit_after_ms` of silence. Who comes back within `reentry_cooldown_ms` goes on with the old visit.
Between the two thresholds nothing begins and nothing ends: that is the hysteresis.
"""

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.inputs.events import Beacon
from streams.contracts.reference.structs import ZoneRules
from streams.customer.activity import counted, seen_on
from streams.customer.change import Change, EventTiming
from streams.customer.consents import is_granted
from streams.customer.places import Places
from streams.customer.row import VISITS_MAX, Customer, ZoneVisit
from streams.customer.trigger_events import TriggerEvent

STRONG_DBM = 0
WEAK_DBM = -127


class Spot(Struct, frozen=True):
    """A zone of a store, as the registry or else the event names it."""

    store_id: str
    zone_id: str
    zone_type: str


def noticed(person: Customer, event: Beacon, timing: EventTiming) -> Change:
    """The person after a beacon was sighted; nothing is kept without `location_beacon`."""
    spot = spot_of(event, timing.places)
    if spot is None or not is_granted(person, "location_beacon"):
        return Change(person)
    rules = timing.places.rules
    before = _going_on(person.visits, spot, event, timing.at_ms, rules)
    if before is None:
        before = _resumed(person.visits, spot, event, timing.at_ms, rules)
    if before is None:
        if not _begins(event, rules):
            return Change(person)
        before = _candidate(spot, event, timing.at_ms)
    after = _seen_again(before, event, timing.at_ms, rules)
    visits = _kept(person.visits, after, timing.now_ms, rules)
    if before.entered_at_ms is not None or after.entered_at_ms is None:
        return Change(replace(person, visits=visits))
    person = replace(
        person,
        visits=visits,
        channels=seen_on(person.channels, "store", after.entered_at_ms),
        counters=counted(person.counters, "zone_visits", after.entered_at_ms),
    )
    return Change(person, () if after.exited_at_ms else (_trigger_event(after, event, timing),))


def spot_of(event: Beacon, places: Places) -> Spot | None:
    """Where the beacon hangs; the registry is believed before the event."""
    place = places.find(event.beacon)
    if place is not None:
        return Spot(place.store_id, place.zone.id, place.zone.type or "")
    if event.store_id is None or event.zone is None:
        return None
    return Spot(event.store_id, event.zone.id, event.zone.type or "")


def _strength_dbm(event: Beacon) -> int:
    """The signal's strength; what the phone's own system debounced counts as strong."""
    if event.rssi_dbm is not None:
        return event.rssi_dbm
    return WEAK_DBM if event.proximity == "far" else STRONG_DBM


def _begins(event: Beacon, rules: ZoneRules) -> bool:
    return _strength_dbm(event) >= rules.enter_rssi_dbm


def _going_on(
    visits: tuple[ZoneVisit, ...], spot: Spot, event: Beacon, at_ms: int, rules: ZoneRules
) -> ZoneVisit | None:
    """The open visit or candidate of this zone that the sighting belongs to."""
    for visit in reversed(visits):
        if not _is_at(visit, spot) or visit.exited_at_ms is not None:
            continue
        if at_ms < visit.first_seen_ms - rules.exit_after_ms:
            return None
        silent = at_ms - visit.last_seen_ms > rules.exit_after_ms
        return None if silent and event.observation not in ("exit", "dwell") else visit
    return None


def _resumed(
    visits: tuple[ZoneVisit, ...], spot: Spot, event: Beacon, at_ms: int, rules: ZoneRules
) -> ZoneVisit | None:
    """The visit that was over a moment ago and goes on, as if nobody had left."""
    if not _begins(event, rules) or event.observation == "exit":
        return None
    for visit in reversed(visits):
        if not _is_at(visit, spot) or visit.entered_at_ms is None:
            continue
        left_ms = visit.exited_at_ms or visit.last_seen_ms
        near = 0 <= at_ms - left_ms < rules.reentry_cooldown_ms
        return replace(visit, exited_at_ms=None) if near else None
    return None


def _candidate(spot: Spot, event: Beacon, at_ms: int) -> ZoneVisit:
    visit_id = event.zone_visit_id or derive_id("v", event.event_id)
    first_ms = at_ms - (event.dwell_ms or 0)
    return ZoneVisit(visit_id, spot.store_id, spot.zone_id, spot.zone_type, first_ms, at_ms)


def _seen_again(visit: ZoneVisit, event: Beacon, at_ms: int, rules: ZoneRules) -> ZoneVisit:
    first_ms = min(visit.first_seen_ms, at_ms - (event.dwell_ms or 0))
    last_ms = max(visit.last_seen_ms, at_ms)
    left = event.observation == "exit" or _strength_dbm(event) < rules.exit_rssi_dbm
    stayed = last_ms - first_ms >= rules.min_dwell_ms
    entered_ms = visit.entered_at_ms
    if entered_ms is None and stayed:
        entered_ms = last_ms
    return replace(
        visit,
        first_seen_ms=first_ms,
        last_seen_ms=last_ms,
        entered_at_ms=entered_ms,
        exited_at_ms=last_ms if left else visit.exited_at_ms,
    )


def _kept(
    visits: tuple[ZoneVisit, ...], changed: ZoneVisit, now_ms: int, rules: ZoneRules
) -> tuple[ZoneVisit, ...]:
    """The newest visits: silent ones are over, candidates that came to nothing are gone."""
    kept = [_closed(v, now_ms, rules) for v in visits if v.visit_id != changed.visit_id]
    kept.append(changed)
    real = [v for v in kept if v.entered_at_ms is not None or v.exited_at_ms is None]
    return tuple(sorted(real, key=lambda v: (v.last_seen_ms, v.visit_id)))[-VISITS_MAX:]


def _closed(visit: ZoneVisit, now_ms: int, rules: ZoneRules) -> ZoneVisit:
    silent = now_ms - visit.last_seen_ms > rules.exit_after_ms
    if visit.exited_at_ms is not None or not silent:
        return visit
    return replace(visit, exited_at_ms=visit.last_seen_ms)


def _is_at(visit: ZoneVisit, spot: Spot) -> bool:
    return visit.zone_id == spot.zone_id and visit.store_id == spot.store_id


def _trigger_event(visit: ZoneVisit, event: Beacon, timing: EventTiming) -> TriggerEvent:
    return TriggerEvent(
        kind="zone_entered",
        at_ms=timing.now_ms,
        event_id=event.event_id,
        channel=event.channel,
        dwell_ms=visit.last_seen_ms - visit.first_seen_ms,
        store_id=visit.store_id,
        zone_id=visit.zone_id,
        zone_type=visit.zone_type,
        traceparent=event.traceparent,
    )
