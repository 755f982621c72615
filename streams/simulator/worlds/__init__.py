"""worlds: shops of four kinds with people whose whole truth is known; see docs/simulator.md.

* `world` - `World`, a `Story`: what happens next, what offers and contacts change
* `settings` - the knobs; `shops`, `catalogue`, `calendar` - the four shops
* `people`, `life` - who they are, and what they would do without the product
* `course`, `responses` - what offers and contacts make of that; `truth` - how it is told
* `reports`, `browsing` - the records
"""

from streams.simulator.worlds.settings import KINDS, SETTINGS, WorldKind, WorldSettings
from streams.simulator.worlds.truth import ContactEffect, OfferEffect, PersonTruth, Response
from streams.simulator.worlds.world import World

__all__ = [
    "KINDS",
    "SETTINGS",
    "ContactEffect",
    "OfferEffect",
    "PersonTruth",
    "Response",
    "World",
    "WorldKind",
    "WorldSettings",
]
