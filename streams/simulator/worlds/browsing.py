"""What people look at: visits to the web, the app and the store, by the person's own generator."""

from collections.abc import Iterator

import numpy as np

from streams import topics
from streams.contracts.reference.structs import ProductInfo, Reference
from streams.simulator.records import Fields, Origin, Sent
from streams.simulator.worlds.catalogue import store_ids
from streams.simulator.worlds.people import Person
from streams.simulator.worlds.reports import Reports
from streams.simulator.worlds.settings import WorldSettings
from streams.simulator.worlds.shops import Shop

SECOND_MS = 1_000
VIEWS_MAX = 3
FAVORITE_SHARE = 0.85
SIGHTINGS = ((0, -62), (6, -66), (12, -60), (60, -97))
DWELL_MS = (2_000, 40_000)


class Browsing:
    """One person's visits; the generator serves nothing else."""

    def __init__(
        self,
        person: Person,
        shop: Shop,
        products: dict[str, list[ProductInfo]],
        settings: WorldSettings,
        rng: np.random.Generator,
    ) -> None:
        self._person = person
        self._shop = shop
        self._products = products
        self._settings = settings
        self._rng = rng
        self._stores = store_ids(shop)
        self._web_visits = 0
        self.uninstalled = False

    def visit(self, reports: Reports, at_ms: int) -> Iterator[tuple[int, Sent]]:
        """A visit without an order, as (time, record)."""
        channel = str(self._rng.choice(("web", "app", "store"), p=self._person.channels))
        if channel == "store" and self._rng.random() < self._settings.heard_share:
            yield from self._walk(reports, at_ms)
        elif channel != "store":
            yield from self.look(reports, at_ms, channel, 1 + int(self._rng.integers(VIEWS_MAX)))

    def look(
        self, reports: Reports, at_ms: int, channel: str, views: int
    ) -> Iterator[tuple[int, Sent]]:
        """Products on the web or in the app, 40 seconds each."""
        channel = "web" if self.uninstalled else channel
        identity = self._identity() if channel == "web" else None
        if channel == "app":
            opened = reports.record(topics.APP, "application_opened", Origin(self._person, at_ms))
            yield at_ms, opened
        for n in range(views):
            after_ms = at_ms + (n + 1) * 40 * SECOND_MS
            product = self.product(self._department())
            dwell_ms = int(self._rng.integers(*DWELL_MS))
            view = reports.view(
                Origin(self._person, after_ms, channel, identity), product, dwell_ms
            )
            yield after_ms, view

    def product(self, department: int) -> Fields:
        """A product of a department, as events name it."""
        known = self._products[self._shop.departments[department].name]
        product = known[int(self._rng.integers(len(known)))]
        return {
            "product_id": product.product_id,
            "category": product.category,
            "price": product.price,
            "quantity": 1,
        }

    def _department(self) -> int:
        """Mostly by taste; sometimes anything."""
        tastes = np.array(self._person.tastes)
        if self._rng.random() < FAVORITE_SHARE:
            return int(self._rng.choice(len(tastes), p=tastes / tastes.sum()))
        return int(self._rng.integers(len(tastes)))

    def _identity(self) -> dict[str, str] | None:
        """Anonymous on the web at first; the login names both ids; known from then on."""
        self._web_visits += 1
        anonymous = {"anonymous_id": f"anon-{self._person.customer_id}"}
        if self._web_visits > self._person.anonymous_until_visit:
            return None
        if self._web_visits < self._person.anonymous_until_visit:
            return anonymous
        return {"customer_id": self._person.customer_id, **anonymous}

    def _walk(self, reports: Reports, at_ms: int) -> Iterator[tuple[int, Sent]]:
        """A few sightings near a department's beacon, then out of reach."""
        if self.uninstalled or self._person.home_store is None:
            return
        store = self._stores.index(self._person.home_store) + 1
        zone = self._department() + 1
        for after_s, rssi_dbm in SIGHTINGS:
            moment_ms = at_ms + after_s * SECOND_MS
            yield moment_ms, reports.sighting(self._person, moment_ms, store, zone, rssi_dbm)


def products_by_category(reference: Reference) -> dict[str, list[ProductInfo]]:
    """The products of each category."""
    found: dict[str, list[ProductInfo]] = {}
    for product in reference.products:
        found.setdefault(product.category, []).append(product)
    return found
