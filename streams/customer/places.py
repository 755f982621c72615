"""What `apply` must know of the shop: where beacons hang, how visits are made, what is late."""

from collections.abc import Mapping

from msgspec import Struct

from streams.contracts.inputs.events import (
    AltBeacon,
    BeaconAddress,
    EddystoneEid,
    EddystoneUid,
    IBeacon,
)
from streams.contracts.reference.structs import BeaconPlace, Reference, ZoneRules
from streams.contracts.times import WEEK_MS


def address_key(address: BeaconAddress) -> str:
    """One text for one beacon, however its ids are written.

    >>> address_key(EddystoneEid(eid="00112233AABBCCDD"))
    'eddystone_eid:00112233aabbccdd'
    """
    match address:
        case IBeacon():
            uuid = address.uuid.replace("-", "").lower()
            return f"ibeacon:{uuid}:{address.major}:{address.minor}"
        case EddystoneUid():
            return f"eddystone_uid:{address.namespace}:{address.instance}".lower()
        case EddystoneEid():
            return f"eddystone_eid:{address.eid}".lower()
        case AltBeacon():
            return f"altbeacon:{address.beacon_id}".lower()


class Places(Struct, frozen=True, kw_only=True):
    """The part of the reference data that changes rows.

    `beacons` is by `address_key`. An event older than the newest one by more than
    `offer_ttl_late_ms` is late. `tick_ms` is the churn engine's tick (a week or a day).
    """

    beacons: Mapping[str, BeaconPlace] = {}
    rules: ZoneRules = ZoneRules()
    offer_ttl_late_ms: int = 600_000
    tick_ms: int = WEEK_MS

    def find(self, address: BeaconAddress) -> BeaconPlace | None:
        """Where this beacon hangs, if the registry knows it."""
        return self.beacons.get(address_key(address))


def places_of(reference: Reference) -> Places:
    """The places of a shop, from its reference data."""
    return Places(
        beacons={address_key(place.address): place for place in reference.beacons},
        rules=reference.policies.zones,
        offer_ttl_late_ms=reference.policies.offer_ttl_late_ms,
        tick_ms=reference.policies.churn.tick_ms,
    )
