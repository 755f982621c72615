"""What the words before an offer claim of it, and whether that is so: else others stand there.

`wording` has the words. A kind of trigger without a row here claims nothing of the offer.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from streams.contracts.outputs.payloads import Texts
from streams.contracts.reference.structs import TriggerKind
from streams.contracts.times import DAY_MS
from streams.customer import Customer, Places, TriggerEvent
from streams.customer.offer_goods import counts_in_cart
from streams.decisions.policy import CompiledOffer

AWAY_MS: Final = 7 * DAY_MS


class Occasion(Struct, frozen=True):
    """For whom an offer is, what triggered it, when, and what the shop knows of its products."""

    person: Customer
    event: TriggerEvent
    now_ms: int
    places: Places


Claim = Callable[[CompiledOffer, Occasion], bool]


def words_before(compiled: CompiledOffer, kind: TriggerKind, at: Occasion) -> Texts:
    """The offer's text: why it is made, in words that are true of it."""
    claim = CLAIMS.get(kind)
    if claim is None or claim(compiled, at):
        return compiled.texts[kind]
    return compiled.texts_otherwise[kind]


def _is_like_it(compiled: CompiledOffer, at: Occasion) -> bool:
    """It is for the product that was looked at, or for its category."""
    viewed, categories = at.event, compiled.categories
    known = at.places.products.get(viewed.product_id)
    return (
        viewed.product_id in compiled.offer.conditions.product_ids
        or viewed.category in categories
        or (known is not None and known.category in categories)
    )


def _fits_cart(compiled: CompiledOffer, at: Occasion) -> bool:
    """It counts for something in the cart."""
    return counts_in_cart(compiled.offer.conditions, at.person, at.places)


def _is_of_zone(compiled: CompiledOffer, at: Occasion) -> bool:
    """It is for what the zone is of."""
    return at.event.zone_type in compiled.categories


def _was_away(_: CompiledOffer, at: Occasion) -> bool:
    """Nothing was heard of the person for a week, on any channel, and nothing bought."""
    seen = [activity.last_at_ms for activity in at.person.channels.values()]
    bought = [order.at_ms for order in at.person.orders]
    return at.now_ms - max([*seen, *bought], default=at.person.created_at_ms) >= AWAY_MS


def _orders(count: int) -> Claim:
    """The person has ordered so often."""

    def has_ordered(_: CompiledOffer, at: Occasion) -> bool:
        return (at.person.spend.orders if at.person.spend is not None else 0) == count

    return has_ordered


CLAIMS: Final[Mapping[TriggerKind, Claim]] = {
    "product_viewed": _is_like_it,
    "cart_abandoned": _fits_cart,
    "zone_entered": _is_of_zone,
    "zone_dwelled": _is_of_zone,
    "churn_band_entered": _was_away,
    "first_purchase_due": _orders(0),
    "second_purchase_due": _orders(1),
}
