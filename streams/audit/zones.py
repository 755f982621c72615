"""Where a person was, told anew: the sightings of one zone in order of event time.

A strong signal, or an entry that the phone's system reports, means there; an exit, or silence for
`exit_after_ms` (`exit_lost_after_ms` where the phone's system watches), means gone; what was not
measured says nothing. Who comes back within `reentry_cooldown_ms` has not left. The exit of one
beacon says nothing while another one, which the phone's system has entered, was not left.
"""

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.contracts.inputs.beacon_addresses import BeaconAddress
from streams.contracts.inputs.events import Beacon
from streams.contracts.reference.structs import BeaconPlace, ZoneRules

NOT_MEASURED_DBM = 127
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
    inside: dict[str, int] = {}  # by beacon: when the phone's system said so last
    for a in sorted(known, key=lambda a: (a.at_ms, _is_exit(a), a.place)):
        event = a.event
        if a.at_ms > at_ms or not isinstance(event, Beacon) or not is_at(event, spot, places):
            continue
        says = _says(event, rules)
        if says == "gone":
            inside.pop(_name_of(event, places), None)
            if any(
                a.at_ms - entered_ms <= rules.exit_lost_after_ms for entered_ms in inside.values()
            ):
                continue
        if says == "there":
            began_ms = a.at_ms - (event.dwell_ms or 0)
            wait_ms = rules.exit_lost_after_ms if there and inside else rules.exit_after_ms
            goes_on = last_ms and began_ms - last_ms <= max(rules.reentry_cooldown_ms, wait_ms)
            since_ms = min(since_ms, began_ms) if goes_on else began_ms
            if not goes_on:
                inside.clear()
            if _is_from_system(event):
                inside[_name_of(event, places)] = a.at_ms
        if says in ("there", "gone"):
            there, said_by = says == "there", a.event_id
        if says not in ("nothing", "weak"):
            last_ms = a.at_ms
    wait_ms = rules.exit_lost_after_ms if inside else max(rules.exit_after_ms, rules.min_dwell_ms)
    return Presence(there and at_ms - last_ms <= wait_ms, since_ms, said_by)


def _name_of(beacon: Beacon, places: dict[str, BeaconPlace]) -> str:
    """One name for a beacon: the registry's, else its address."""
    place = places.get(address_of(beacon.beacon))
    return address_of(beacon.beacon) if place is None else place.beacon_ref


def _is_exit(arrival: Arrival) -> bool:
    """At one moment an exit is later than what else was seen."""
    event = arrival.event
    return isinstance(event, Beacon) and (
        event.observation == "exit" or event.event_name == "zone_exited"
    )


def _says(event: Beacon, rules: ZoneRules) -> str:
    """`there`, `near` (begins none, goes on), `weak` (ends none yet), `gone`, or `nothing`."""
    if event.observation == "exit" or event.event_name == "zone_exited":
        return "gone"
    signal_dbm = event.rssi_dbm
    unknown = event.proximity == "unknown"
    unsure = unknown and (
        signal_dbm == 0 or (event.distance_m is not None and event.distance_m < 0)
    )
    if signal_dbm is None or signal_dbm == NOT_MEASURED_DBM or unsure:
        if unknown:
            return "there" if _is_from_system(event) else "nothing"
        return "weak" if event.proximity == "far" else "there"
    if signal_dbm < rules.exit_rssi_dbm:
        return "weak"
    return "there" if signal_dbm >= rules.enter_rssi_dbm else "near"


def _is_from_system(event: Beacon) -> bool:
    """The phone's own system says that it has seen the person come, or stay."""
    own = ("zone_entered", "zone_dwelled")
    return event.observation in ("enter", "dwell") or event.event_name in own
