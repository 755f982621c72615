"""Looking and searching, on the web and in the app: views, interests, the cart, trigger events."""

from msgspec.structs import replace

from streams.contracts.common import Product
from streams.contracts.inputs.events import App, Clickstream
from streams.contracts.reference.structs import TriggerKind
from streams.customer import carts
from streams.customer.activity import counted, dwell_ms
from streams.customer.change import Change, EventTiming
from streams.customer.consents import is_refused
from streams.customer.interests import WEIGHT_ADDED, WEIGHT_VIEWED, liked, looked_at
from streams.customer.places import Places
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent

Browse = Clickstream | App
COUNTED_AS = {
    "page_viewed": "page_views",
    "screen_viewed": "page_views",
    "product_list_viewed": "list_views",
    "product_viewed": "product_views",
    "products_searched": "searches",
    "product_added": "cart_adds",
    "product_removed": "cart_removes",
    "cart_viewed": "cart_views",
    "checkout_started": "checkouts",
    "coupon_applied": "coupons_applied",
    "coupon_denied": "coupons_denied",
    "promotion_viewed": "promotion_views",
    "promotion_clicked": "promotion_clicks",
    "account_cancel_page_viewed": "cancel_page_views",
}


def looked(person: Customer, event: Browse, timing: EventTiming) -> Change:
    """Anything that is counted, with the cart where the event shows it whole."""
    return Change(_with_cart(_counted(person, event, timing), event, timing))


def checked_out(person: Customer, event: Browse, timing: EventTiming) -> Change:
    """`checkout_started`: who is about to pay has not left the cart behind."""
    person = _with_cart(_counted(person, event, timing), event, timing)
    return Change(replace(person, cart=carts.touched(person.cart, timing.at_ms)))


def viewed_product(person: Customer, event: Browse, timing: EventTiming) -> Change:
    """`product_viewed`: a view, an interest, and a trigger event."""
    person = _with_cart(_counted(person, event, timing), event, timing)
    product = event.product
    if product is None:
        return Change(person)
    if may_remember_interests(person):
        person = replace(
            person,
            views=looked_at(person.views, product, timing.at_ms),
            affinities=liked(person.affinities, product.category, WEIGHT_VIEWED, timing.at_ms),
        )
    return Change(person, (_trigger_event("product_viewed", event, timing, product),))


def searched(person: Customer, event: Browse, timing: EventTiming) -> Change:
    """`products_searched`: a search that finds nothing is a trigger event."""
    person = _with_cart(_counted(person, event, timing), event, timing)
    if event.query is None or event.query.results_count != 0:
        return Change(person)
    return Change(person, (_trigger_event("search_without_result", event, timing, event.product),))


def added_product(person: Customer, event: Browse, timing: EventTiming) -> Change:
    """`product_added`: into the cart, and a stronger interest."""
    person = _counted(person, event, timing)
    if event.product is not None:
        product = event.product
        if may_remember_interests(person):
            affinities = liked(person.affinities, product.category, WEIGHT_ADDED, timing.at_ms)
            person = replace(person, affinities=affinities)
        if event.cart is None:
            cart = carts.put_in(person.cart, with_gtin(product, timing.places), timing.at_ms)
            person = replace(person, cart=cart)
    return Change(_with_cart(person, event, timing))


def removed_product(person: Customer, event: Browse, timing: EventTiming) -> Change:
    """`product_removed`: out of the cart."""
    person = _counted(person, event, timing)
    if event.product is not None and event.cart is None:
        gone = with_gtin(event.product, timing.places)
        cart = carts.taken_out(person.cart, gone, timing.at_ms)
        person = replace(person, cart=cart)
    return Change(_with_cart(person, event, timing))


def may_remember_interests(person: Customer) -> bool:
    """Interests are kept until `personalization` is refused."""
    return not is_refused(person, "personalization")


def opened_app(person: Customer, event: App, timing: EventTiming) -> Change:
    """`application_opened`: a trigger event."""
    person = _count(person, "app_opens", timing)
    return Change(person, (_trigger_event("application_opened", event, timing, None),))


def _counted(person: Customer, event: Browse, timing: EventTiming) -> Customer:
    name = COUNTED_AS.get(event.event_name)
    return person if name is None else _count(person, name, timing)


def _count(person: Customer, name: str, timing: EventTiming) -> Customer:
    return replace(person, counters=counted(person.counters, name, timing.at_ms))


def with_gtin(product: Product, places: Places) -> Product:
    """The product with the GTIN that `ref.products` knows: a till may know nothing else of it."""
    known = places.product(product.product_id, None) if product.gtin is None else None
    if known is None or known.gtin is None:
        return product
    return replace(product, gtin=known.gtin)


def _with_cart(person: Customer, event: Browse, timing: EventTiming) -> Customer:
    if event.cart is None:
        return person
    items = tuple(with_gtin(product, timing.places) for product in event.cart.items)
    seen = replace(event.cart, items=items)
    return replace(person, cart=carts.shown(person.cart, seen, timing.at_ms))


def _trigger_event(
    kind: TriggerKind, event: Browse, timing: EventTiming, product: Product | None
) -> TriggerEvent:
    return TriggerEvent(
        kind=kind,
        at_ms=timing.now_ms,
        event_id=event.event_id,
        channel=event.channel,
        product_id=product.product_id if product else "",
        category=product.category if product else "",
        price=(product.price or 0.0) if product else 0.0,
        dwell_ms=dwell_ms(event),
        traceparent=event.traceparent,
    )
