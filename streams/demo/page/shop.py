"""The shop's own backend: who visits, tokens of theirs, orders at the till, cases of the CRM."""

import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import jwt
from msgspec import Struct

from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import NextBestOffer, OfferShown
from streams.contracts.reference.structs import ProductInfo, Reference
from streams.contracts.times import DAY_MS, from_ms, to_ms
from streams.demo.doors import Doors
from streams.demo.pace import Pace
from streams.demo.page.seen import VISITOR, Visit
from streams.errors import OfferstreamError
from streams.identity.arms import arm_of

TOKEN_S: Final = 4 * 3_600  # of the story: four minutes of a visit
TIMEOUT_S: Final = 15.0
STORE_ID: Final = "store-1"
KNOWN_MS: Final = 20 * DAY_MS
ORDERS_BEFORE: Final = (0.9, 0.75, 0.6)  # ago, as shares of the time that the visitor is known
CART_MAX: Final = 50


class ShopError(OfferstreamError):
    """The gateway did not take what the shop told."""


class Paid(Struct, frozen=True):
    """What the till has taken, in the shop's currency, and the code of the coupon."""

    total: str
    code: str = ""


class Shop:
    """What a shop's backend does, with the keys that only it has; the gateway is asked by HTTP."""

    def __init__(self, doors: Doors, pace: Pace, reference: Reference) -> None:
        self.doors = doors
        self.pace = pace
        self.reference = reference
        self.products = {product.product_id: product for product in reference.products}
        self._titles = {offer.offer_id: offer.title for offer in reference.offers}
        self._visitors: set[str] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def shelves(self) -> list[ProductInfo]:
        """One product of each category, to be shown in the web shop."""
        first: dict[str, ProductInfo] = {}
        for product in self.reference.products:
            first.setdefault(product.category, product)
        return list(first.values())

    def title_of(self, offer_id: str, language: LanguageTag) -> str:
        """An offer's title."""
        titles = self._titles.get(offer_id, {})
        return titles.get(language) or titles.get("en") or offer_id

    def knows(self, customer: str) -> bool:
        """Whether it is a visitor of this demo."""
        return customer in self._visitors

    def token_for(self, customer: str) -> str:
        """A token for a visitor's page and phone, in the story's time."""
        now_s = self.pace.now_ms // 1_000
        claims = {"sub": customer, "aud": "offerstream", "iat": now_s, "exp": now_s + TOKEN_S}
        return jwt.encode(claims, self.doors.keys.tokens, "HS256", headers={"kid": "demo"})

    async def new_visitor(self) -> str:
        """Somebody who used to buy here, and for whom the policy chooses; their id."""
        experiment = self.reference.policies.experiment
        while True:
            customer = f"{VISITOR}{secrets.token_hex(3)}"
            if arm_of(experiment, customer).chooser == "policy":
                break
        coffee, now_ms = self.shelves[0], self.pace.now_ms
        known_ms = min(now_ms - self.pace.start_ms, KNOWN_MS)
        before = [now_ms - round(share * known_ms) for share in ORDERS_BEFORE]
        await self._tell([self._order(customer, at_ms, [coffee]) for at_ms in before])
        self._visitors.add(customer)
        return customer

    async def pay(self, customer: str, product_ids: Sequence[str], visit: Visit) -> Paid | None:
        """The till takes the cart, with the newest coupon that fits; None for an empty cart.

        Raises:
            KeyError: there is no such product.
        """
        bought = [self.products[product_id] for product_id in product_ids[:CART_MAX]]
        if not bought:
            return None
        coupon = self._fitting(bought, visit)
        now_ms = self.pace.now_ms
        order = self._order(customer, now_ms, bought, coupon)
        events = [order]
        if coupon is not None:
            events.append(
                {
                    **self._event(customer, "offer_redeemed", now_ms),
                    "decision_id": coupon.decision_id,
                    "offer_id": coupon.offer.offer_id,
                    "reporter": "pos",
                }
            )
        await self._tell(events)
        code = "" if coupon is None or coupon.coupon is None else coupon.coupon.code or ""
        return Paid(money(order["total"]["amount"], self.reference.policies.currency), code)

    async def report(self, customer: str, alert_id: str) -> None:
        """The CRM tells that it has reached somebody."""
        await self._post(
            "/v1/outcomes",
            {
                "customer_id": customer,
                "alert_id": alert_id,
                "result": "contacted",
                "outcome_id": f"task-{alert_id}",
                "occurred_at": from_ms(self.pace.now_ms).isoformat(),
            },
        )

    async def close(self) -> None:
        """End the connections to the gateway."""
        if self._session is not None:
            await self._session.close()

    def _fitting(self, bought: Sequence[ProductInfo], visit: Visit) -> NextBestOffer | None:
        total = _sum_of(bought)
        now_ms = self.pace.now_ms
        for offer in reversed(visit.offers.values()):
            wanted = offer.offer.conditions
            fits = (
                offer.decision_id not in visit.used
                and to_ms(offer.offer.valid_until) > now_ms
                and total >= (wanted.min_spend or 0)
                and (
                    not wanted.categories
                    or any(product.category in wanted.categories for product in bought)
                )
            )
            if fits:
                return offer
        return None

    def _event(self, customer: str, name: str, at_ms: int) -> dict[str, Any]:
        return {
            "event_id": f"shop-{secrets.token_hex(12)}",
            "event_name": name,
            "occurred_at": from_ms(at_ms).isoformat(),
            "identity": {"customer_id": customer},
            "channel": "store",
            "context": {"timezone": "UTC"},
        }

    def _order(
        self,
        customer: str,
        at_ms: int,
        bought: Sequence[ProductInfo],
        coupon: NextBestOffer | None = None,
    ) -> dict[str, Any]:
        currency = self.reference.policies.currency
        discount = 0.0 if coupon is None else discount_of(coupon.offer, bought)
        total = max(0.0, _sum_of(bought) - discount)
        event = self._event(customer, "order_completed", at_ms)
        return {
            **event,
            "order_id": f"till-{event['event_id']}",
            "total": {"amount": f"{total:.2f}", "currency": currency},
            "items": [
                {
                    "product_id": product.product_id,
                    "category": product.category,
                    "quantity": 1,
                    "unit_price": product.price,
                }
                for product in bought
            ],
            "sales_channel": "store",
            "store_id": STORE_ID,
            "coupons": []
            if coupon is None
            else [
                {
                    "decision_id": coupon.decision_id,
                    "offer_id": coupon.offer.offer_id,
                    "discount": discount,
                }
            ],
        }

    async def _tell(self, events: list[dict[str, Any]]) -> None:
        await self._post("/v1/events", events)

    async def _post(self, path: str, body: object) -> None:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout)
        headers = {"authorization": f"Bearer {self.doors.keys.till}"}
        try:
            answer = await self._session.post(self.doors.url + path, json=body, headers=headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ShopError(f"the gateway does not answer: {type(error).__name__}") from error
        async with answer:
            if answer.status != HTTPStatus.ACCEPTED:
                raise ShopError(f"the gateway answered {answer.status}: {await answer.text()}")


def discount_of(offer: OfferShown, bought: Sequence[ProductInfo]) -> float:
    """What a till takes off for an offer, in the shop's currency; nothing for points and the like.

    A percentage is of the products that the offer is for, an amount of the whole basket; of two for
    one the cheaper is free.
    """
    wanted = offer.conditions.categories
    fitting = [product for product in bought if not wanted or product.category in wanted]
    if offer.kind == "percent":
        return round(_sum_of(fitting) * offer.value / 100, 2)
    if offer.kind == "amount":
        return min(offer.value, _sum_of(bought))
    if offer.kind == "bogo" and len(fitting) > 1:
        return min(product.price or 0.0 for product in fitting)
    return 0.0


def money(amount: str, currency: str) -> str:
    """An amount as people read it.

    >>> money("15.90", "EUR"), money("-0.012", "EUR"), money("15.90", "CHF")
    ('€15.90', '-€0.012', '15.90 CHF')
    """
    if currency != "EUR":
        return f"{amount} {currency}"
    return f"-€{amount[1:]}" if amount.startswith("-") else f"€{amount}"


def _sum_of(bought: Sequence[ProductInfo]) -> float:
    return sum(product.price or 0.0 for product in bought)
