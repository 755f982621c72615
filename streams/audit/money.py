"""Whether an event's amounts are in the shop's currency, or in one that has a rate by then."""

from streams.audit.arrivals import Arrival
from streams.contracts.inputs.events import App, Clickstream, InputEvent, Purchase
from streams.contracts.reference.structs import Policies
from streams.contracts.times import to_ms


def has_rates(arrival: Arrival, policies: Policies) -> bool:
    """Whether every amount counts; without a rate nothing of the event's sales and carts does."""
    return all(
        currency in (None, policies.currency)
        or any(
            rate.currency == currency and to_ms(rate.from_) <= arrival.at_ms
            for rate in policies.exchange_rates
        )
        for currency in _currencies(arrival.event)
    )


def _currencies(event: InputEvent) -> list[str | None]:
    if isinstance(event, Purchase) and event.event_name != "order_cancelled":
        lines = [item.currency for item in event.items]
        return [event.total.currency, *lines, *(coupon.currency for coupon in event.coupons)]
    if isinstance(event, Clickstream | App):
        shown = () if event.cart is None else event.cart.items
        products = [*shown, *event.products, *((event.product,) if event.product else ())]
        own = None if event.cart is None else event.cart.currency
        return [own, *(product.currency for product in products)]
    return []
