"""The market: what all shoppers do next, in the order of time, and how they answer offers.

Pure of any broker: `step` hands out the records up to a moment, `receive` takes an offer, whose
answer comes out of later steps. Everything is drawn from one seed.
"""

import heapq
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from streams import topics
from streams.contracts.reference.structs import Offer, ProductInfo, Reference
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.simulator.records import Bought, Fields, Origin, Reporter, Sent
from streams.simulator.shoppers import CATEGORIES, CHANNELS, STORES, Shopper, population
from streams.simulator.stories import Received
from streams.simulator.truth import redeem_probability

SECOND_MS = 1_000
VIEW_SHARE = 0.85
CLICK_SHARE = 0.3
DISMISS_SHARE = 0.15
CART_SHARE = 0.2
SEARCH_SHARE = 0.15
NO_RESULT_SHARE = 0.4
SURVEY_SHARE = 0.02
SERVICE_CASE_SHARE = 0.01
FAREWELL_SHARE = 0.4

Action = Callable[[Shopper, int], list[Sent]]


class Answer(Struct, frozen=True):
    """What a shopper did with an offer."""

    decision_id: str
    customer_id: str
    arm: str
    redeemed: bool


class Market:
    """A shop's people; see the module."""

    def __init__(
        self, reference: Reference, shoppers: int, days: float, start_ms: int, seed: int
    ) -> None:
        """`days`: how long the story is; it bounds when people leave."""
        self.rng = np.random.default_rng(seed)
        self.reference = reference
        self.start_ms = start_ms
        self.end_ms = start_ms + round(days * DAY_MS)
        self.shoppers = {s.customer_id: s for s in population(shoppers, start_ms, days, self.rng)}
        self.answers: list[Answer] = []
        self._offers = {offer.offer_id: offer for offer in reference.offers}
        self._products = _by_category(reference)
        self._reporter = Reporter(f"sim{seed}")
        self._due: list[tuple[int, int, Action, Shopper]] = []
        self._scheduled = 0
        self._visits: dict[str, int] = {}
        self._answered: set[str] = set()
        for shopper in self.shoppers.values():
            self._open(shopper)

    def step(self, until_ms: int) -> list[Sent]:
        """Everything that happens up to `until_ms`, in the order of time."""
        sent: list[Sent] = []
        while self._due and self._due[0][0] <= until_ms:
            at_ms, _, action, shopper = heapq.heappop(self._due)
            sent.extend(action(shopper, at_ms))
        return sent

    def receive(self, offer: Received, now_ms: int) -> None:
        """An offer reaches a phone at `now_ms`; a second delivery of the same is not noticed.

        The answer comes after `now_ms`, by the market's clock. Nobody answers an offer that the
        market does not know, as one that was published since.
        """
        shopper, decision_id = self.shoppers.get(offer.customer_id), offer.decision_id
        known = self._offers.get(offer.offer_id)
        if shopper is None or known is None or decision_id in self._answered:
            return
        self._answered.add(decision_id)
        chance = redeem_probability(shopper, known, now_ms)
        redeemed = bool(self.rng.random() < chance)
        self.answers.append(Answer(decision_id, shopper.customer_id, offer.arm, redeemed))
        if now_ms < shopper.leaves_at_ms:
            self._react(shopper, decision_id, known, redeemed, now_ms)

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Everybody there is."""
        return tuple(self.shoppers)

    @property
    def events_begin(self) -> bytes:
        """How every record that `step` hands out begins, and no other event."""
        return self._reporter.events_begin

    def knows(self, offer_id: str) -> bool:
        """Whether the truth about this offer is known here."""
        return offer_id in self._offers

    def is_gone(self, customer_id: str, at_ms: int) -> bool:
        """Whether this shopper has left for good by then."""
        return at_ms >= self.shoppers[customer_id].leaves_at_ms

    def probability(self, customer_id: str, offer_id: str, at_ms: int) -> float:
        """The truth about an offer and a shopper."""
        return redeem_probability(self.shoppers[customer_id], self._offers[offer_id], at_ms)

    def _at(self, at_ms: float, action: Action, shopper: Shopper) -> None:
        self._scheduled += 1
        heapq.heappush(self._due, (round(at_ms), self._scheduled, action, shopper))

    def _open(self, shopper: Shopper) -> None:
        first = self.start_ms + float(self.rng.uniform(0, 2 * DAY_MS))
        self._at(first, self._agree, shopper)
        self._at(first + self._gap(1.0 / shopper.visits_per_day), self._visit, shopper)
        self._at(first + self._gap(shopper.gap_days), self._buy, shopper)
        if self.rng.random() < FAREWELL_SHARE:
            self._at(shopper.leaves_at_ms - HOUR_MS, self._farewell, shopper)

    def _gap(self, mean_days: float) -> float:
        """A gap of gamma shape 2: more regular than chance, as shopping is."""
        return float(self.rng.gamma(2.0, mean_days / 2.0)) * DAY_MS

    def _agree(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        agreed = dict.fromkeys(shopper.consents, "granted")
        return [self._reporter.consents(shopper, at_ms, agreed)]

    def _farewell(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        """Some who leave say so on the way out."""
        if self.rng.random() < 0.5:
            return [
                self._reporter.record(
                    topics.CLICKSTREAM, "account_cancel_page_viewed", Origin(shopper, at_ms, "web"),
                    page={"path": "/account/cancel"},
                )
            ]  # fmt: skip
        return [
            self._reporter.record(topics.APP, "application_uninstalled", Origin(shopper, at_ms))
        ]

    def _visit(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        if at_ms >= shopper.leaves_at_ms:
            return []
        self._at(at_ms + self._gap(1.0 / shopper.visits_per_day), self._visit, shopper)
        visit = self._visits[shopper.customer_id] = self._visits.get(shopper.customer_id, 0) + 1
        channel = str(self.rng.choice(CHANNELS, p=shopper.channels))
        if channel == "store":
            return self._walk(shopper, at_ms)
        return self._browse(shopper, at_ms, channel, visit)

    def _browse(self, shopper: Shopper, at_ms: int, channel: str, visit: int) -> list[Sent]:
        who, sent = self._identity(shopper, channel, visit), []
        if channel == "app":
            sent.append(
                self._reporter.record(topics.APP, "application_opened", Origin(shopper, at_ms))
            )
        for n in range(int(self.rng.integers(1, 4))):
            at = at_ms + (n + 1) * 40 * SECOND_MS
            sent.append(self._view(shopper, at, channel, who))
        if channel == "web" and self.rng.random() < SEARCH_SHARE:
            sent.append(self._search(shopper, at_ms + 3 * MINUTE_MS, who))
        if self.rng.random() < CART_SHARE and who is None:
            sent.append(self._fill_cart(shopper, at_ms + 4 * MINUTE_MS))
        return sent

    def _identity(self, shopper: Shopper, channel: str, visit: int) -> dict[str, str] | None:
        """Anonymous on the web at first; the login names both ids; known from then on."""
        anonymous = {"anonymous_id": f"anon-{shopper.customer_id}"}
        if channel != "web" or visit > shopper.anonymous_until_visit:
            return None
        if visit < shopper.anonymous_until_visit:
            return anonymous
        return {"customer_id": shopper.customer_id, **anonymous}

    def _view(self, shopper: Shopper, at_ms: int, channel: str, who: dict[str, str] | None) -> Sent:
        product, dwell_ms = self._product(shopper), int(self.rng.integers(2_000, 40_000))
        place = (
            {"screen": {"name": "product", "dwell_ms": dwell_ms}}
            if channel == "app"
            else {"page": {"path": f"/p/{product['product_id']}", "dwell_ms": dwell_ms}}
        )
        topic = topics.APP if channel == "app" else topics.CLICKSTREAM
        return self._reporter.record(
            topic, "product_viewed", Origin(shopper, at_ms, channel, who), product=product, **place
        )

    def _search(self, shopper: Shopper, at_ms: int, who: dict[str, str] | None) -> Sent:
        found = 0 if self.rng.random() < NO_RESULT_SHARE else int(self.rng.integers(1, 30))
        return self._reporter.record(
            topics.CLICKSTREAM, "products_searched", Origin(shopper, at_ms, "web", who),
            page={"path": "/search"}, query={"text": "something", "results_count": found},
        )  # fmt: skip

    def _fill_cart(self, shopper: Shopper, at_ms: int) -> Sent:
        product = self._product(shopper)
        cart = {"cart_id": f"k-{shopper.customer_id}", "items": [product]}
        return self._reporter.record(
            topics.CLICKSTREAM, "product_added", Origin(shopper, at_ms, "web"),
            page={"path": "/cart"}, product=product, cart=cart,
        )  # fmt: skip

    def _walk(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        """A few sightings near a department's beacon, then out of reach."""
        store = STORES.index(shopper.home_store) + 1
        zone = CATEGORIES.index(self._category(shopper)) + 2
        strong = [(n * 6 * SECOND_MS, int(self.rng.integers(-75, -55))) for n in range(3)]
        return [
            self._reporter.sighting(shopper, at_ms + after, store, zone, rssi)
            for after, rssi in (*strong, (60 * SECOND_MS, -97))
        ]

    def _buy(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        if at_ms >= shopper.leaves_at_ms:
            return []
        self._at(at_ms + self._gap(shopper.gap_days), self._buy, shopper)
        if self.rng.random() < SURVEY_SHARE:
            self._at(at_ms + DAY_MS, self._answer_survey, shopper)
        if self.rng.random() < SERVICE_CASE_SHARE:
            self._at(at_ms + DAY_MS, self._complain, shopper)
        in_store = self.rng.random() < shopper.channels[2]
        bought = Bought(self._product(shopper), self._amount(shopper))
        order = self._reporter.order(shopper, at_ms, bought, in_store=in_store)
        return [order]

    def _answer_survey(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        nps = int(self.rng.integers(3, 11))
        return [
            self._reporter.record(
                topics.PROFILE,
                "survey_answered",
                Origin(shopper, at_ms, "email"),
                survey={"nps": nps},
            )
        ]

    def _complain(self, shopper: Shopper, at_ms: int) -> list[Sent]:
        case = {"case_id": f"case-{shopper.customer_id}-{at_ms}", "severity": "low"}
        return [
            self._reporter.record(
                topics.PROFILE,
                "service_case_opened",
                Origin(shopper, at_ms, "call_center"),
                case=case,
            )
        ]

    def _react(
        self, shopper: Shopper, decision_id: str, offer: Offer, redeemed: bool, now_ms: int
    ) -> None:
        """Delivered, seen by most, used within hours or not."""

        def report(name: str) -> Action:
            return lambda who, at_ms: [
                self._reporter.feedback(name, who, at_ms, decision_id, offer.offer_id)
            ]

        self._at(now_ms + 2 * SECOND_MS, report("offer_delivered"), shopper)
        if redeemed or self.rng.random() < VIEW_SHARE:
            self._at(now_ms + 20 * SECOND_MS, report("offer_viewed"), shopper)
            if redeemed or self.rng.random() < CLICK_SHARE:
                self._at(now_ms + 40 * SECOND_MS, report("offer_clicked"), shopper)
            elif self.rng.random() < DISMISS_SHARE:
                self._at(now_ms + 40 * SECOND_MS, report("offer_dismissed"), shopper)
        if redeemed:
            after = float(self.rng.uniform(0.1, 0.6)) * offer.redeem_within_days * DAY_MS
            self._at(now_ms + after, self._redeem(decision_id, offer), shopper)

    def _redeem(self, decision_id: str, offer: Offer) -> Action:
        """The coupon at the till: reported by the till, and on the order."""

        def act(shopper: Shopper, at_ms: int) -> list[Sent]:
            categories = offer.conditions.categories
            category = categories[0] if categories else self._category(shopper)
            product = self._product(shopper, category)
            coupon: Fields = {
                "decision_id": decision_id,
                "offer_id": offer.offer_id,
                "discount": offer.discount,
            }
            amount = max(self._amount(shopper), offer.conditions.min_spend)
            in_store = bool(self.rng.random() < shopper.channels[2])
            return [
                self._reporter.feedback(
                    "offer_redeemed", shopper, at_ms, decision_id, offer.offer_id
                ),
                self._reporter.order(
                    shopper, at_ms, Bought(product, amount, coupon), in_store=in_store
                ),
            ]

        return act

    def _category(self, shopper: Shopper) -> str:
        shares = np.array(shopper.tastes)
        return str(self.rng.choice(CATEGORIES, p=shares / shares.sum()))

    def _product(self, shopper: Shopper, category: str | None = None) -> Fields:
        products = self._products[category or self._category(shopper)]
        product = products[int(self.rng.integers(len(products)))]
        return {
            "product_id": product.product_id,
            "category": product.category,
            "price": product.price,
            "quantity": 1,
        }

    def _amount(self, shopper: Shopper) -> float:
        return float(shopper.basket * self.rng.lognormal(0.0, 0.3))


def _by_category(reference: Reference) -> dict[str, list[ProductInfo]]:
    """The products of each category that shoppers know.

    Raises:
        ValueError: a category has none; shoppers would have nothing to buy.
    """
    found: dict[str, list[ProductInfo]] = {category: [] for category in CATEGORIES}
    for product in reference.products:
        if product.category in found:
            found[product.category].append(product)
    if empty := [category for category, products in found.items() if not products]:
        raise ValueError(f"no products in {', '.join(empty)}")
    return found
