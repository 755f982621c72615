"""The store that a decision is about: that of the moment, else the person's home store."""

from streams.audit.verdicts import Unknown
from streams.audit.views import DecisionView
from streams.audit.zones import spot_of
from streams.contracts.inputs.events import Beacon, Profile, Purchase


def store_of(at: DecisionView) -> str | Unknown:
    """The store's id, empty for none; unknown where only its global location number was said."""
    event = None if at.trigger is None else at.trigger.event
    if isinstance(event, Beacon):
        spot = spot_of(event, at.world.beacons)
        if spot is not None:
            return spot[0]
    if isinstance(event, Purchase):
        if event.store_id is not None:
            return event.store_id
        if event.gln is not None:
            return Unknown("the store is named by its global location number only")
    return _home_of(at)


def _home_of(at: DecisionView) -> str | Unknown:
    said = [
        (a.at_ms, a.place, a.event.traits.get("home_store_id"))
        for a in at.known
        if isinstance(a.event, Profile) and a.event.traits and "home_store_id" in a.event.traits
    ]
    if not said:
        return ""
    if len({home for _, _, home in said}) > 1 or any(not isinstance(h, str) for _, _, h in said):
        return Unknown("the home store was said to be several")
    return str(said[-1][2])
