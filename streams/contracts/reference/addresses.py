"""One text for one beacon, however its address is written."""

from streams.contracts.inputs.beacon_addresses import (
    AltBeacon,
    BeaconAddress,
    EddystoneEid,
    EddystoneUid,
    IBeacon,
)
from streams.contracts.reference.structs import BeaconPlace


def address_key(address: BeaconAddress) -> str:
    """One text for one beacon, however its ids are written.

    An EID that rolls is known by what it was resolved to.

    >>> address_key(EddystoneEid(eid="00112233AABBCCDD"))
    'eddystone_eid:00112233aabbccdd'
    >>> address_key(EddystoneEid(eid="00112233AABBCCDD", resolved_id="b-1"))
    'resolved:b-1'
    """
    match address:
        case IBeacon():
            uuid = address.uuid.replace("-", "").lower()
            return f"ibeacon:{uuid}:{address.major}:{address.minor}"
        case EddystoneUid():
            return f"eddystone_uid:{address.namespace}:{address.instance}".lower()
        case EddystoneEid():
            if address.resolved_id is not None:
                return f"resolved:{address.resolved_id}"
            return f"eddystone_eid:{address.eid}".lower()
        case AltBeacon():
            return f"altbeacon:{address.beacon_id}".lower()


def keys_of(place: BeaconPlace) -> tuple[str, ...]:
    """All texts under which a place is found, each once.

    One whose EID rolls is found by the EIDs that the shop's resolver has given it, and by its
    `beacon_ref`, too.

    >>> from streams.contracts.inputs.events import Zone
    >>> place = BeaconPlace(beacon_ref="b", address=EddystoneEid(eid="0" * 16), store_id="s",
    ...     zone=Zone(id="z"), eids=("00AA" * 4,))
    >>> keys_of(place)
    ('eddystone_eid:0000000000000000', 'resolved:b', 'eddystone_eid:00aa00aa00aa00aa')
    """
    key = address_key(place.address)
    if not isinstance(place.address, EddystoneEid):
        return (key,)
    rolled = (address_key(EddystoneEid(eid=eid)) for eid in place.eids)
    return tuple(dict.fromkeys((key, f"resolved:{place.beacon_ref}", *rolled)))
