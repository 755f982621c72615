"""The features in their order: which families there are, and the vectors that they make.

The order is a contract with open decisions and with models: whoever changes it, or what a number
means, raises `FEATURES_VERSION`. Examples and snapshots go by name, so an added feature costs no
history: what was learned of the others stays.
"""

from collections.abc import Sequence

from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.affinity import AFFINITY
from streams.features.buying import BUYING
from streams.features.contacts import CONTACTS
from streams.features.context import CONTEXT
from streams.features.lifecycle import LIFECYCLE
from streams.features.offer_table import OfferTable, numbers_of
from streams.features.offers import OFFER_NAMES, Taste
from streams.features.packing import Vector, vector_of
from streams.features.places import PLACES
from streams.features.visiting import VISITING

FEATURES_VERSION = 3
FAMILIES = (BUYING, VISITING, AFFINITY, PLACES, CONTEXT, CONTACTS, LIFECYCLE)
CONTEXT_FEATURES: tuple[str, ...] = tuple(name for family in FAMILIES for name in family.names)
OFFER_FEATURES: tuple[str, ...] = OFFER_NAMES
_COMPUTES = tuple(family.compute for family in FAMILIES)
MOVED_BY_OFFERS = (*CONTACTS.names, "deal_share")
ARM_FREE_FEATURES = tuple(name for name in CONTEXT_FEATURES if name not in MOVED_BY_OFFERS)
"""Those that do not tell by themselves whether a person gets offers."""


def context_vector(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> Vector:
    """Who the person is at this moment: shape `[len(CONTEXT_FEATURES)]`, each within [-3, 3]."""
    numbers: list[float] = []
    for compute in _COMPUTES:
        numbers += compute(person, trigger_event, now_ms)
    return vector_of(numbers)


def offer_matrix(table: OfferTable, places: Sequence[int], taste: Taste) -> Vector:
    """What offers are to this person: shape `[len(places), len(OFFER_FEATURES)]`, in [-3, 3].

    Args:
        table: all offers of the catalog.
        places: which of them, by their place in it.
        taste: the person's, at the moment of the decision (`taste_of`).
    """
    return numbers_of(table, places, taste)
