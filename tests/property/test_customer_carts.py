"""The cart is a function of what happened when, not of the order in which it is told."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.common import Cart as CartSeen
from streams.contracts.common import LineItem, Product
from streams.customer import carts
from streams.customer.row import CART_MOVES_MAX, Cart, CartItem

T0 = 1_770_000_000_000
Step = tuple[int, Callable[[Cart | None, int], Cart]]
GTINS = {"tv": "04006381333931", "tea": "00012345678905"}
NAMES = ("tv", "tea", "hat")


def product(name: str, quantity: int = 1) -> Product:
    """A product as pages name it; a hat has no GTIN, and nothing has a price."""
    return Product(product_id=name, category="c", gtin=GTINS.get(name), quantity=quantity)


def till_line(name: str, quantity: int) -> LineItem:
    """A line of the till, which knows a television by GTIN alone, written without leading zeros."""
    gtin = GTINS.get(name)
    own = name if gtin is None else f"plu-{name}"
    return LineItem(
        product_id=own,
        category="c",
        gtin=gtin.lstrip("0") if gtin else None,
        unit_price=1.0,
        quantity=quantity,
    )


def step_of(kind: str, held: list[tuple[str, int]]) -> Callable[[Cart | None, int], Cart]:
    """One change of a cart."""
    name, quantity = held[0]
    if kind == "add":
        return lambda cart, at: carts.put_in(cart, product(name, quantity), at)
    if kind == "remove":
        return lambda cart, at: carts.taken_out(cart, product(name, quantity), at)
    if kind == "show":
        items = tuple(product(n, q) for n, q in held)
        return lambda cart, at: carts.shown(cart, CartSeen(cart_id="k", items=items), at)
    if kind == "checkout":
        return carts.touched
    lines = [till_line(n, q) for n, q in held] if kind == "buy" else []
    return lambda cart, at: carts.bought(cart, lines, at)


held = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(1, 3)),
    min_size=1,
    max_size=3,
    unique_by=lambda h: h[0],
)
steps = st.builds(
    step_of,
    st.sampled_from(["add", "add", "add", "remove", "show", "buy", "buy all", "checkout"]),
    held,
)
histories = st.lists(steps, min_size=1, max_size=CART_MOVES_MAX).map(
    lambda made: [(T0 + 60_000 * n, step) for n, step in enumerate(made)]
)


def run(history: list[Step]) -> Cart:
    """The cart after these changes, in this order of arrival."""
    cart: Cart | None = None
    for at_ms, step in history:
        cart = step(cart, at_ms)
    assert cart is not None
    return cart


def pieces(cart: Cart) -> dict[str, int]:
    """What it holds."""
    return {item.product_id: item.quantity for item in cart.items}


def test_a_cart_that_is_shown_late_changed_when_it_would_have_in_time() -> None:
    """What is taken out later, and was not in the cart as shown, is no change in any order."""
    history = [
        (T0 + 60_000 * n, step_of(kind, [(name, 1)]))
        for n, (kind, name) in enumerate(
            (("add", "tv"), ("add", "tv"), ("add", "tea"), ("show", "tv"), ("remove", "tea"))
        )
    ]
    for order in ((0, 1, 2, 3, 4), (0, 1, 2, 4, 3)):
        assert run([history[n] for n in order]).updated_at_ms == T0 + 180_000


@settings(max_examples=300)
@given(histories.flatmap(lambda h: st.tuples(st.just(h), st.permutations(h))))
def test_the_order_of_arrival_does_not_matter(told: tuple[Any, Any]) -> None:
    """Every order of arrival gives the cart, and the time of its last change, of the true order."""
    true, arrived = told
    assert pieces(run(list(arrived))) == pieces(run(true))
    if pieces(run(true)):
        assert run(list(arrived)).updated_at_ms == run(true).updated_at_ms


@given(histories.flatmap(lambda h: st.tuples(st.just(h), st.sets(st.integers(0, len(h) - 1)))))
def test_a_merge_is_the_cart_of_both(told: tuple[Any, set[int]]) -> None:
    """Two rows that each saw a part merge into the cart of somebody who did all of it."""
    history, mine = told
    parts = [[s for n, s in enumerate(history) if (n in mine) is own] for own in (True, False)]
    halves = [run(part) if part else None for part in parts]
    assert pieces(carts.merged(halves[0], halves[1]) or Cart("", 0)) == pieces(run(history))


def test_bread_at_the_till_leaves_the_television() -> None:
    """An order takes out what it holds, so many pieces of it, and nothing else."""
    cart = carts.put_in(None, product("tv", 3), T0)
    cart = carts.bought(cart, [till_line("hat", 1)], T0 + 1)
    assert (pieces(cart), cart.updated_at_ms) == ({"tv": 3}, T0)
    cart = carts.bought(cart, [till_line("tv", 2)], T0 + 2)
    assert (pieces(cart), cart.updated_at_ms) == ({"tv": 1}, T0 + 2)


def test_a_row_of_before_keeps_its_lines() -> None:
    """Lines that were stored without their changes count as changed with the cart."""
    old = Cart("k", T0, (CartItem("tv", "c", 2, 500.0),), T0 - 5)
    assert pieces(carts.bought(old, [till_line("tv", 1)], T0 + 1)) == {"tv": 2}
    assert pieces(carts.taken_out(old, product("tv"), T0 + 1)) == {"tv": 1}
    assert pieces(carts.bought(old, [], T0 + 1)) == {}


def test_an_order_of_no_pieces_takes_nothing_out() -> None:
    """It names a product, so it is not one of those that empty the cart."""
    tv = Product(product_id="tv", category="tv", quantity=1)
    cart = carts.put_in(None, tv, 1_000)
    assert carts.bought(cart, [replace(tv, quantity=0)], 2_000) == cart
    assert carts.bought(cart, [], 2_000).items == ()
