"""An event in the shop's own terms: its currency, its products, its stores.

Amounts in another currency are converted at the rate of their day, or the event is refused: they
are never added as they are. Lines of an order get what `ref.products` knows of them; a GLN finds
its store. docs/orders.md tells the rules.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import LineItem, Product
from streams.contracts.inputs.events import (
    App,
    Beacon,
    Clickstream,
    CouponUse,
    InputEvent,
    OfferFeedback,
    Purchase,
)
from streams.contracts.money import DECIMALS_MAX, Money, decimal_text
from streams.contracts.outputs.effects import EventRefused
from streams.customer.places import Places

Told = TypeVar("Told", bound=Struct)


class _WrongCurrencyError(Exception):
    """An amount has no rate; `path` is where it stands."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def in_shop_terms(event: InputEvent, places: Places) -> InputEvent | EventRefused:
    """The event as the shop would tell it, or why it cannot.

    Total: never an exception. An event without amounts, lines and GLN comes back as it is.
    """
    told = _TELLING.get(type(event))
    if told is None:
        return event
    try:
        result: InputEvent = told(event, places)
    except _WrongCurrencyError as wrong:
        detail = f"is not {places.currency}, and policies.exchange_rates has no rate of that day"
        return EventRefused("wrong_currency", wrong.path, detail, event.event_id)
    return result


def _purchase(event: Purchase, places: Places) -> Purchase:
    if event.event_name == "order_cancelled":
        return _cancellation(event, places)
    at_ms, currency = event.at_ms, event.total.currency or places.currency
    rate = _rate(places, currency, at_ms, "$.total.currency")
    store_id = event.store_id or places.stores.get(event.gln or "")
    items = tuple(
        _line(item, f"$.items[{index}]", currency, at_ms, places)
        for index, item in enumerate(event.items)
    )
    coupons = tuple(
        _coupon(coupon, f"$.coupons[{index}]", currency, at_ms, places)
        for index, coupon in enumerate(event.coupons)
    )
    total = event.total
    if rate != 1:
        total = Money(amount=decimal_text(f"{Decimal(total.amount) * rate:f}"))
    if total.currency != places.currency and places.currency:
        total = Money(amount=total.amount, currency=places.currency)
    return replace(
        event, total=total, items=items, coupons=coupons, store_id=store_id, currency=None
    )


def _cancellation(event: Purchase, places: Places) -> Purchase:
    """All of the order is taken back, at any rate: no amount of the event is looked at."""
    nothing = Money(amount="0", currency=places.currency or event.total.currency)
    store_id = event.store_id or places.stores.get(event.gln or "")
    return replace(event, total=nothing, items=(), coupons=(), store_id=store_id, currency=None)


def _line(item: LineItem, path: str, currency: str, at_ms: int, places: Places) -> LineItem:
    if not (item.product_id and item.category and item.gtin):
        item = _filled(item, places)
    rate = _rate(places, item.currency or currency, at_ms, f"{path}.currency")
    if rate == 1:
        return item if item.currency is None else replace(item, currency=None)
    return replace(
        item,
        price=_times(item.price, rate),
        unit_price=_times(item.unit_price, rate) or 0.0,
        discount=_times(item.discount, rate) or 0.0,
        currency=None,
    )


def _filled(item: LineItem, places: Places) -> LineItem:
    """The line with what `ref.products` knows; as it is, where it knows nothing."""
    known = places.product(item.product_id, item.gtin)
    if known is None:
        return item
    return replace(
        item,
        product_id=item.product_id or known.product_id,
        category=item.category or known.category,
        gtin=item.gtin or known.gtin,
    )


def _coupon(coupon: CouponUse, path: str, currency: str, at_ms: int, places: Places) -> CouponUse:
    rate = _rate(places, coupon.currency or currency, at_ms, f"{path}.currency")
    if rate == 1 and coupon.currency is None:
        return coupon
    return replace(coupon, discount=_times(coupon.discount, rate) or 0.0, currency=None)


def _shopping(event: Clickstream | App, places: Places) -> Clickstream | App:
    product, products, cart = event.product, event.products, event.cart
    if product is not None and product.currency is not None:
        event = replace(event, product=_seen(product, "$.product", event.at_ms, places))
    if products and any(p.currency is not None for p in products):
        event = replace(event, products=_all_seen(products, "$.products", event.at_ms, places))
    if cart is None or not (cart.currency or any(p.currency is not None for p in cart.items)):
        return event
    rate = _rate(places, cart.currency or places.currency, event.at_ms, "$.cart.currency")
    items = _all_seen(cart.items, "$.cart.items", event.at_ms, places, cart.currency)
    value = _times(cart.value, rate) or 0.0
    return replace(event, cart=replace(cart, value=value, items=items, currency=None))


def _all_seen(
    products: tuple[Product, ...],
    path: str,
    at_ms: int,
    places: Places,
    currency: str | None = None,
) -> tuple[Product, ...]:
    return tuple(
        _seen(product, f"{path}[{index}]", at_ms, places, currency)
        for index, product in enumerate(products)
    )


def _seen(
    product: Product, path: str, at_ms: int, places: Places, currency: str | None = None
) -> Product:
    own = product.currency or currency or places.currency
    rate = _rate(places, own, at_ms, f"{path}.currency")
    return replace(product, price=_times(product.price, rate), currency=None)


def _feedback(event: OfferFeedback, places: Places) -> OfferFeedback:
    if event.currency is None:
        return event
    rate = _rate(places, event.currency, event.at_ms, "$.currency")
    return replace(event, reward=_times(event.reward, rate), currency=None)


def _beacon(event: Beacon, places: Places) -> Beacon:
    store_id = places.stores.get(event.gln) if event.gln and not event.store_id else None
    return event if store_id is None else replace(event, store_id=store_id)


def _rate(places: Places, currency: str, at_ms: int, path: str) -> Decimal:
    rate = places.rate(currency, at_ms)
    if rate is None:
        raise _WrongCurrencyError(path)
    return rate


def _times(amount: float | None, rate: Decimal) -> float | None:
    if amount is None or rate == 1:
        return amount
    return float(round(Decimal(repr(amount)) * rate, DECIMALS_MAX))


_TELLING: dict[type[InputEvent], Callable[[Any, Places], InputEvent]] = {
    Purchase: _purchase,
    Clickstream: _shopping,
    App: _shopping,
    OfferFeedback: _feedback,
    Beacon: _beacon,
}
