"""The cart across channels: what was put in, taken out, shown, and bought."""

from streams.contracts.common import Cart as CartSeen
from streams.contracts.common import Product
from streams.customer.row import CART_ITEMS_MAX, Cart, CartItem


def shown(cart: Cart | None, seen: CartSeen, at_ms: int) -> Cart:
    """The cart as the shop shows it whole; an older picture than ours changes nothing."""
    if cart is not None and at_ms < cart.updated_at_ms:
        return cart
    items: tuple[CartItem, ...] = ()
    for product in seen.items:
        items = _with(items, product, product.quantity)
    return Cart(seen.cart_id, at_ms, items[-CART_ITEMS_MAX:], at_ms)


def put_in(cart: Cart | None, product: Product, at_ms: int) -> Cart:
    """One more product; nothing if the cart was emptied or shown whole since."""
    return _changed(cart, product, max(product.quantity, 1), at_ms)


def taken_out(cart: Cart | None, product: Product, at_ms: int) -> Cart:
    """One product fewer; a line without pieces is gone."""
    return _changed(cart, product, -max(product.quantity, 1), at_ms)


def emptied(cart: Cart | None, at_ms: int) -> Cart:
    """The cart after a purchase on any channel; what was put in later stays."""
    if cart is None:
        return Cart("", at_ms, (), at_ms)
    if cart.updated_at_ms > at_ms:
        return cart
    return Cart(cart.cart_id, at_ms, (), at_ms)


def _changed(cart: Cart | None, product: Product, quantity: int, at_ms: int) -> Cart:
    if cart is None:
        cart = Cart("", at_ms)
    if at_ms < cart.whole_at_ms:
        return cart
    items = _with(cart.items, product, quantity)
    updated_at_ms = max(cart.updated_at_ms, at_ms)
    return Cart(cart.cart_id, updated_at_ms, items[-CART_ITEMS_MAX:], cart.whole_at_ms)


def _with(items: tuple[CartItem, ...], product: Product, quantity: int) -> tuple[CartItem, ...]:
    """The lines with so many pieces more (or fewer) of a product."""
    for place, old in enumerate(items):
        if old.product_id == product.product_id:
            pieces = old.quantity + quantity
            price = product.price if product.price is not None else old.price
            line = (CartItem(old.product_id, product.category, pieces, price),)
            return items[:place] + (line if pieces > 0 else ()) + items[place + 1 :]
    if quantity <= 0:
        return items
    return (*items, CartItem(product.product_id, product.category, quantity, product.price or 0.0))
