"""Where a person was, told anew: the sightings of one zone in order of event time.

A strong signal, or an entry that the phone's system reports, means there; an exit, or no signal
above `exit_rssi_dbm` for `exit_after_ms`, means gone; what was not measured begins nothing. Who
comes back within `reentry_cooldown_ms` has not left.
"""

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.contracts.inputs.events import Beacon, BeaconAddress
from streams.contracts.reference.structs import BeaconPlace, ZoneRules

Spot = tuple[str, str, str]  # store, zone, and the zone's type


class Presence(Struct, frozen=True):
    """Whether the person was in a zone, since when at the earliest, and which event says so."""

    there: bool
    since_ms: int
    said_by: str


def address_of(address: BeaconAddress) -> str:
    """One text for one beacon, however its ids are written."""
    fields = address.__struct_fields__
    parts = [type(address).__name__, *(str(getattr(address, f)) for f in fields if f != "mfg_id")]
    return ":".join(parts).replace("-", "").lower()


def spot_of(beacon: Beacon, places: dict[str, BeaconPlace]) -> Spot | None:
    """The store and the zone of a sighting: the registry's word before the event's."""
    place = places.get(address_of(beacon.beacon))
    if place is not None:
        return place.store_id, place.zone.id, place.zone.type or ""
    if beacon.store_id is None or beacon.zone is None:
        return None
    return beacon.store_id, beacon.zone.id, beacon.zone.type or ""


def is_at(beacon: Beacon, spot: Spot, places: dict[str, BeaconPlace]) -> bool:
    """Whether a sighting is of this zone of this store."""
    found = spot_of(beacon, places)
    return found is not None and found[:2] == spot[:2]


def presence_of(
    known: list[Arrival],
    spot: Spot,
    places: dict[str, BeaconPlace],
    rules: ZoneRules,
    at_ms: int,
) -> Presence:
    """Whether the person was at a spot at a moment, by all that had come."""
    there, since_ms, last_ms, said_by = False, 0, 0, ""
    for a in sorted(known, key=lambda a: (a.at_ms, a.place)):
        event = a.event
        if a.at_ms > at_ms or not isinstance(event, Beacon) or not is_at(event, spot, places):
            continue
        says = _says(event, rules)
        if says == "there":
            began_ms = a.at_ms - (event.dwell_ms or 0)
            goes_on = last_ms and began_ms - last_ms <= max(
                rules.reentry_cooldown_ms, rules.exit_after_ms
            )
            since_ms = min(since_ms, began_ms) if goes_on else began_ms
        if says in ("there", "gone"):
            there, said_by = says == "there", a.event_id
        if says != "nothing":
            last_ms = a.at_ms
    silent = at_ms - last_ms > max(rules.exit_after_ms, rules.min_dwell_ms)
    return Presence(there and not silent, since_ms, said_by)


def _says(event: Beacon, rules: ZoneRules) -> str:
    """`there`, `near` (ends nothing, begins nothing), `gone` by the system's word, or `nothing`."""
    if event.observation == "exit":
        return "gone"
    if event.observation in ("enter", "dwell"):
        return "there"
    if event.rssi_dbm is None:
        return "nothing" if event.proximity == "far" else "there"
    if event.rssi_dbm >= 0 and event.proximity == "unknown":
        return "near"  # not measured
    if event.rssi_dbm < rules.exit_rssi_dbm:
        return "nothing"
    return "there" if event.rssi_dbm >= rules.enter_rssi_dbm else "near"
