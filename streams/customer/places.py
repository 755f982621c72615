"""What `apply` must know of the shop: where beacons hang, how visits are made, what is late."""

from collections.abc import Mapping

from msgspec import Struct

from streams.contracts.inputs.events import BeaconAddress
from streams.contracts.reference.addresses import address_key, keys_of
from streams.contracts.reference.structs import BeaconPlace, Policies, Reference, ZoneRules
from streams.contracts.times import WEEK_MS


class Places(Struct, frozen=True, kw_only=True):
    """The part of the reference data that changes rows.

    `beacons` is by `address_key`. An event older than the newest one by more than
    `offer_ttl_late_ms` is late. `tick_ms` is the churn engine's tick (a week or a day).
    `dwells_ms`: the dwells that trigger rules wait for, the shortest first.
    """

    beacons: Mapping[str, BeaconPlace] = {}
    rules: ZoneRules = ZoneRules()
    offer_ttl_late_ms: int = 600_000
    tick_ms: int = WEEK_MS
    dwells_ms: tuple[int, ...] = ()

    def find(self, address: BeaconAddress) -> BeaconPlace | None:
        """Where this beacon hangs, if the registry knows it."""
        return self.beacons.get(address_key(address))


def places_of(reference: Reference) -> Places:
    """The places of a shop, from its reference data."""
    return Places(
        beacons={key: place for place in reference.beacons for key in keys_of(place)},
        rules=reference.policies.zones,
        offer_ttl_late_ms=reference.policies.offer_ttl_late_ms,
        tick_ms=reference.policies.churn.tick_ms,
        dwells_ms=_dwells_of(reference.policies),
    )


def _dwells_of(policies: Policies) -> tuple[int, ...]:
    """The dwells at which a timer asks the rules on `zone_dwelled`."""
    shortest_ms = policies.zones.min_dwell_ms
    rules = (r for r in policies.triggers if r.kind == "zone_dwelled" and r.enabled)
    return tuple(sorted({max(rule.min_dwell_ms, shortest_ms, 1) for rule in rules}))
