"""Who the people of a world are: tastes, rhythm, channels, and how a contact moves them."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from streams.simulator.worlds.catalogue import store_ids
from streams.simulator.worlds.settings import WorldSettings
from streams.simulator.worlds.shops import Shop
from streams.simulator.worlds.truth import ContactType

PURPOSES = (
    "personalization",
    "profiling",
    "marketing_push",
    "marketing_email",
    "location_beacon",
    "model_training",
)
AGREE, AGREE_BEACON, AGREE_CONTACT = 0.95, 0.6, 0.8
GAP_DAYS = (1.5, 150.0)
TASTE_LEAST = 0.005


class Manner(Struct, frozen=True):
    """What people of one contact type have in common, relative to all: it shows, a little.

    `leaves`: their rate of leaving; `deals`: how much a discount moves them; `looks`: how often
    they visit; `opts_out`: how often they unsubscribe.
    """

    leaves: float = 1.0
    deals: float = 1.0
    looks: float = 1.0
    opts_out: float = 1.0


MANNERS: Mapping[ContactType, Manner] = {
    "persuadable": Manner(leaves=1.3, deals=1.4, looks=1.3),
    "sure": Manner(leaves=0.5),
    "lost_cause": Manner(leaves=1.8, deals=0.7, looks=0.8),
    "sleeping_dog": Manner(leaves=0.8, deals=0.4, looks=0.4, opts_out=4.0),
}


class Person(Struct, frozen=True, kw_only=True):
    """One person's truth; the product sees only what it makes them do.

    Attributes:
        number: in the world; their draws are seeded by it.
        tastes: shares over the shop's departments.
        deals: how much a discount moves this person, in logits per full discount.
        channels: shares of web, app and store.
        gap_days: mean time between orders on average days.
        basket: median amount of an order.
        one_time: buys once and never meant to come back.
        fades: comes less often before leaving.
        anonymous_until_visit: visits before the first login; 0 for none.
    """

    number: int
    customer_id: str
    contact_type: ContactType
    tastes: tuple[float, ...]
    deals: float
    channels: tuple[float, float, float]
    gap_days: float
    visits_per_gap: float
    basket: float
    one_time: bool
    fades: bool
    consents: tuple[str, ...]
    timezone: str
    locale: str
    home_store: str | None
    anonymous_until_visit: int

    @property
    def manner(self) -> Manner:
        """Of the person's contact type."""
        return MANNERS[self.contact_type]

    def likes(self, department: int) -> float:
        """The taste for a department relative to an average one: 0 is average, in logs."""
        return float(np.log(self.tastes[department] * len(self.tastes)))


def contact_shares(settings: WorldSettings) -> dict[ContactType, float]:
    """How many people are of each contact type."""
    told: dict[ContactType, float] = {
        "persuadable": settings.persuadable_share,
        "lost_cause": settings.lost_cause_share,
        "sleeping_dog": settings.sleeping_dog_share,
    }
    return {**told, "sure": 1.0 - sum(told.values())}


def taste_weights(shop: Shop) -> list[float]:
    """Of the departments, in the Dirichlet distribution by which tastes are drawn."""
    usual = [d.share for d in shop.departments]
    return [4.0 * len(usual) * share / 3.0 + 0.05 for share in usual]


def draw_person(
    number: int, prefix: str, shop: Shop, settings: WorldSettings, rng: np.random.Generator
) -> Person:
    """A person, by the person's own generator."""
    shares = contact_shares(settings)
    contact_type = tuple(shares)[int(rng.choice(len(shares), p=list(shares.values())))]
    manner = MANNERS[contact_type]
    tastes = rng.dirichlet(taste_weights(shop))
    gap = settings.gap_days * float(rng.lognormal(0.0, settings.gap_spread))
    stores = store_ids(shop)
    in_store = float(rng.beta(2.0, 2.0 / settings.in_store_share - 2.0)) if stores else 0.0
    app = float(rng.beta(1.2, 1.2)) * (1.0 - in_store)
    anonymous = rng.random() < settings.anonymous_share
    return Person(
        number=number,
        customer_id=f"{prefix}{number:05d}",
        contact_type=contact_type,
        tastes=tuple(float(t) for t in np.clip(tastes, TASTE_LEAST, 1.0)),
        deals=float(rng.gamma(2.0, 0.9)) * manner.deals,
        channels=(1.0 - in_store - app, app, in_store),
        gap_days=float(np.clip(gap, *GAP_DAYS)),
        visits_per_gap=settings.visits_per_gap * float(rng.gamma(3.0, 1 / 3.0)) * manner.looks,
        basket=settings.basket * float(rng.lognormal(0.0, settings.basket_spread / 2**0.5)),
        one_time=bool(rng.random() < settings.one_time_share),
        fades=bool(rng.random() < settings.fading_share),
        consents=tuple(p for p in PURPOSES if rng.random() < _agrees(p)),
        timezone=shop.zone,
        locale=str(rng.choice(shop.locales)),
        home_store=str(rng.choice(stores)) if stores else None,
        anonymous_until_visit=int(rng.integers(1, 4)) if anonymous else 0,
    )


def _agrees(purpose: str) -> float:
    if purpose == "location_beacon":
        return AGREE_BEACON
    return AGREE_CONTACT if purpose.startswith("marketing") else AGREE
