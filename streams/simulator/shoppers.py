"""Shoppers: who they are in truth. Tastes, habits, a rhythm of buying, and perhaps a last day."""

import numpy as np
from msgspec import Struct

from streams.contracts.times import DAY_MS

CATEGORIES = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "UTC")
LOCALES = ("en-GB", "de-DE", "ja-JP", "zh-CN")
STORES = ("store-1", "store-2")
CHANNELS = ("web", "app", "store")
PURPOSES = (
    "personalization",
    "profiling",
    "location_beacon",
    "marketing_push",
    "model_training",
)


class Shopper(Struct, frozen=True, kw_only=True):
    """One person's truth; offerstream sees only what it makes them do.

    `tastes` are shares over `CATEGORIES`; `gap_days` is the mean time between purchases; after
    `leaves_at_ms` nothing comes any more. `deals` is how much a discount moves this person, in
    logits per full discount. `anonymous_until_visit`: visits before the first login.
    """

    customer_id: str
    tastes: tuple[float, ...]
    deals: float
    channels: tuple[float, ...]
    visits_per_day: float
    gap_days: float
    basket: float
    leaves_at_ms: int
    consents: tuple[str, ...]
    timezone: str
    locale: str
    home_store: str
    anonymous_until_visit: int

    def likes(self, category: str) -> float:
        """The taste for a category relative to an average one: 0 is average, in logs."""
        share = self.tastes[CATEGORIES.index(category)]
        return float(np.log(share * len(CATEGORIES)))


def population(count: int, start_ms: int, days: float, rng: np.random.Generator) -> list[Shopper]:
    """Shoppers drawn from `rng`; about a third leave for good within `days`.

    Purchase rates are gamma over people and chances to leave beta, as in the BG/NBD model.
    """
    return [_shopper(f"s{n:05d}", start_ms, days, rng) for n in range(count)]


def _shopper(customer_id: str, start_ms: int, days: float, rng: np.random.Generator) -> Shopper:
    gap_days = float(np.clip(1.0 / rng.gamma(2.0, 0.12), 1.0, 14.0))
    leaves = rng.random() < 0.35
    life_days = float(rng.uniform(0.15, 0.85)) * days if leaves else days * 10.0
    agreed = tuple(p for p in PURPOSES if rng.random() < (0.93 if p != "location_beacon" else 0.8))
    return Shopper(
        customer_id=customer_id,
        tastes=tuple(float(t) for t in np.clip(rng.dirichlet([0.45] * 8), 0.002, 1.0)),
        deals=float(rng.gamma(2.0, 0.8)),
        channels=tuple(float(c) for c in rng.dirichlet([1.5, 1.5, 1.0])),
        visits_per_day=float(np.clip(rng.gamma(3.0, 0.25), 0.15, 3.0)),
        gap_days=gap_days,
        basket=float(np.clip(rng.lognormal(3.1, 0.45), 6.0, 150.0)),
        leaves_at_ms=start_ms + round(life_days * DAY_MS),
        consents=agreed,
        timezone=str(rng.choice(ZONES, p=[0.6, 0.15, 0.15, 0.1])),
        locale=str(rng.choice(LOCALES)),
        home_store=str(rng.choice(STORES)),
        anonymous_until_visit=int(rng.integers(1, 4)) if rng.random() < 0.3 else 0,
    )
