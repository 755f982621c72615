"""What is said before an offer is true of this offer and this person, whatever triggers it."""

from collections.abc import Callable
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.outputs.effects import OfferDecided
from streams.contracts.reference.structs import (
    Conditions,
    Offer,
    ProductInfo,
    Reference,
    TriggerKind,
)
from streams.contracts.times import DAY_MS
from streams.customer import Customer, TriggerEvent
from streams.customer.row import Affinity, Cart, CartItem, ChannelActivity, Spend
from streams.decisions import Basis, DecisionRequest, compile_policy, decide
from streams.decisions.wording import OFFER_REASONS, OTHERWISE
from tests.unit.decisions.people import T0, Fixed, offer, rule, shop, someone

PRODUCTS = {"latte": "coffee", "beans": "coffee", "spade": "garden", "brie": "dairy"}
ZONES = ("", "entrance", "coffee", "garden")
GTINS = {"latte": "04006381333931", "brie": "00012345678905"}
REFERENCE = tuple(
    ProductInfo(product_id=p, category=c, gtin=GTINS.get(p)) for p, c in PRODUCTS.items()
)
NAMES, CATEGORIES = st.sampled_from(sorted(PRODUCTS)), st.sampled_from(("coffee", "garden"))
OFFERS = st.builds(
    lambda categories, product_ids: offer(
        "o",
        conditions=Conditions(categories=tuple(categories), product_ids=tuple(product_ids)),
        channels=("app", "push", "web", "store"),
    ),
    st.sets(CATEGORIES),
    st.sets(NAMES, max_size=2),
)
LIKES_COFFEE = (Affinity("coffee", 1.0, T0),)
ITEMS = st.lists(NAMES, min_size=1, max_size=3, unique=True)
KINDS = st.sampled_from(get_args(TriggerKind))
Checked = Callable[[Offer, Customer, TriggerEvent], bool]


def categories_of(made: Offer) -> set[str]:
    """All categories of what an offer counts for."""
    wanted = made.conditions
    if not wanted.product_ids:
        return set(wanted.categories)
    own = {PRODUCTS[p] for p in wanted.product_ids}
    return {c for c in own if not wanted.categories or c in wanted.categories}


def counts_for(made: Offer, item: CartItem) -> bool:
    """Whether a line of a cart is one that the offer is for."""
    wanted = made.conditions
    names = {gtin: product for product, gtin in GTINS.items()}
    product = item.product_id or names[item.gtin]
    right_category = not wanted.categories or PRODUCTS[product] in wanted.categories
    return right_category and (not wanted.product_ids or product in wanted.product_ids)


def holds_what_counts(made: Offer, person: Customer) -> bool:
    """A line of the cart is one that the offer is for."""
    return person.cart is not None and any(counts_for(made, item) for item in person.cart.items)


def has_cart(_: Offer, person: Customer, __: TriggerEvent) -> bool:
    """Something is in the cart."""
    return person.cart is not None and bool(person.cart.items)


# What a reader takes each sentence to say; a sentence that is not here fails.
SAID: dict[str, Checked] = {
    "You looked at something like it": lambda o, _, e: (
        e.kind == "product_viewed"
        and (e.product_id in o.conditions.product_ids or PRODUCTS[e.product_id] in categories_of(o))
    ),
    "Something waits in your cart": lambda o, p, _: holds_what_counts(o, p),
    "Your cart is waiting. Also for you": lambda o, p, e: (
        has_cart(o, p, e) and not holds_what_counts(o, p)
    ),
    "You are right beside it": lambda o, _, e: e.zone_type in categories_of(o),
    "Something for what you are looking at": lambda o, _, e: e.zone_type in categories_of(o),
    "While you are in the store": lambda _, __, e: e.store_id != "",
    "Good to see you": lambda _, __, e: e.kind == "application_opened",
    "Your search found nothing. Perhaps this": lambda _, __, e: e.kind == "search_without_result",
    "For your next purchase": lambda _, __, e: e.kind == "order_completed",
    "We have missed you": lambda _, p, __: p.channels["web"].last_at_ms <= T0 - 7 * DAY_MS,
    "A welcome for your first order": lambda _, p, __: p.spend is None or p.spend.orders == 0,
    "A welcome back for your second order": lambda _, p, __: (
        p.spend is not None and p.spend.orders == 1
    ),
    "For you": lambda _, __, ___: True,
}


@st.composite
def lines(draw: Any) -> tuple[CartItem, ...]:
    """A cart whose lines say all, no category, or nothing but their GTIN."""
    said = []
    for product in draw(ITEMS):
        line = CartItem(product, PRODUCTS[product], 1, 5.0, GTINS.get(product, ""))
        less = [line, replace(line, category="")]
        if line.gtin:
            less.append(replace(line, product_id="", category=""))
        said.append(draw(st.sampled_from(less)))
    return tuple(said)


@st.composite
def situations(draw: Any) -> tuple[Customer, TriggerEvent]:
    """Somebody, and what triggers a decision about them; of the kinds, each may come."""
    kind, viewed = draw(KINDS), draw(NAMES)
    event: dict[str, Any] = {"kind": kind, "at_ms": T0, "event_id": "e-1", "channel": "app"}
    if kind == "product_viewed":
        event |= {"product_id": viewed, "category": draw(st.sampled_from(["", PRODUCTS[viewed]]))}
    if kind.startswith("zone_"):
        event |= {"store_id": "s-1", "zone_id": "z-1", "zone_type": draw(st.sampled_from(ZONES))}
    cart = None
    if kind == "cart_abandoned" or draw(st.booleans()):
        cart = Cart("c", T0, draw(lines()))
    person = someone(
        cart=cart,
        channels={"web": ChannelActivity(T0 - draw(st.integers(0, 20)) * DAY_MS)},
        spend=draw(st.sampled_from([None, Spend(T0, orders=1), Spend(T0, orders=4)])),
        affinities=draw(st.sampled_from([(), LIKES_COFFEE])),
    )
    return replace(person, created_at_ms=T0 - 90 * DAY_MS), TriggerEvent(**event)


@settings(max_examples=400, deadline=None)
@given(made=OFFERS, situation=situations())
def test_whatever_is_said_of_an_offer_is_so(
    made: Offer, situation: tuple[Customer, TriggerEvent]
) -> None:
    """All triggers, offers for anything or something, people of every kind."""
    person, event = situation
    by = rule("r", kind=event.kind)
    policies = shop(made, rules=(by,)).policies
    policy = compile_policy(Reference(policies=policies, offers=(made,), products=REFERENCE))
    _, effects = decide(person, DecisionRequest(by, event), T0, Basis(Fixed(), policy))
    (sent,) = [effect.offer for effect in effects if isinstance(effect, OfferDecided)]
    english = sent.text["en"].removesuffix(": o")
    assert SAID[english](made, person, event), english
    is_for_some = made.conditions.categories or made.conditions.product_ids
    in_cart = bool(is_for_some) and holds_what_counts(made, person)
    assert ("IN_CART" in sent.reason_codes) == in_cart
    liked = {"coffee"} & categories_of(made) if person.affinities else set()
    assert ("CATEGORY_AFFINITY" in sent.reason_codes) == bool(liked)
    assert [text[-2:] for text in sent.text.values()] == [" o", "：o", "：o"]


def test_no_sentence_is_left_unread() -> None:
    """Each that may be said has its check above."""
    said = {words["en"] for words in (*OFFER_REASONS.values(), *OTHERWISE.values())}
    assert said == set(SAID)
