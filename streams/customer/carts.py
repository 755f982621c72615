"""The cart across channels, by event time: what was put in, taken out, shown, and bought.

A line keeps the newest changes of its quantity with their event times (`CartItem.moves`), so that
what comes late finds its place: the cart is the same in whatever order its events arrive, within
`CART_MOVES_MAX` changes a line and `GONE_KEPT_MS` for lines without pieces.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from streams.contracts.common import Cart as CartSeen
from streams.contracts.common import Product
from streams.contracts.times import HOUR_MS
from streams.customer.row import (
    CART_GONE_MAX,
    CART_ITEMS_MAX,
    CART_MOVES_MAX,
    Cart,
    CartItem,
)

GONE_KEPT_MS = 6 * HOUR_MS
GTIN_DIGITS = 14

Moves = tuple[tuple[int, int], ...]
Lines = tuple[CartItem, ...]


def shown(cart: Cart | None, seen: CartSeen, at_ms: int) -> Cart:
    """The cart as the shop shows it whole; only what was changed later is changed on top of it."""
    if cart is not None and at_ms < cart.whole_at_ms:
        return cart
    lines: Lines = ()
    for product in seen.items:
        lines = _with_move(lines, _line_of(product, at_ms, product.quantity))
    whole = Cart(seen.cart_id, at_ms, lines, at_ms, touched_at_ms=_touched_ms(cart))
    return _settled(_joined(whole, _later(cart, at_ms)))


def put_in(cart: Cart | None, product: Product, at_ms: int) -> Cart:
    """More of a product; nothing if the cart was emptied or shown whole since."""
    return _changed(cart, [_line_of(product, at_ms, max(product.quantity, 1))], at_ms)


def taken_out(cart: Cart | None, product: Product, at_ms: int) -> Cart:
    """Fewer of a product; a line without pieces is gone."""
    return _changed(cart, [_line_of(product, at_ms, -max(product.quantity, 1))], at_ms)


def bought(cart: Cart | None, items: Iterable[Product], at_ms: int) -> Cart:
    """The cart after an order on any channel: what the order holds is taken out of it.

    Lines are found by product id or GTIN, and lose as many pieces as were bought. An order that
    names no product takes everything that was put in up to then; one of no pieces takes nothing.
    What was put in later stays.
    """
    named = tuple(items)
    if named:
        lines = [_line_of(item, at_ms, -item.quantity) for item in named if item.quantity > 0]
        return _changed(cart, lines, at_ms)
    if cart is not None and at_ms < cart.whole_at_ms:
        return cart
    cart_id = cart.cart_id if cart is not None else ""
    empty = Cart(cart_id, at_ms, (), at_ms, touched_at_ms=_touched_ms(cart))
    return _settled(_joined(empty, _later(cart, at_ms)))


def told_more(cart: Cart | None, items: Iterable[Product | CartItem], at_ms: int) -> Cart | None:
    """The cart after more was told of an order that was made at `at_ms`.

    What the order has taken out of a line at that moment is not taken out again.
    """
    wanted: Lines = ()
    for item in items:
        if item.quantity > 0:
            wanted = _with_move(wanted, _line_of(item, at_ms, -item.quantity))
    known = (*cart.items, *cart.gone) if cart is not None else ()
    more = []
    for line in wanted:
        before = next((_taken_at(old, at_ms) for old in known if _is_same(old, line)), 0)
        pieces = _taken_at(line, at_ms) - before
        if pieces > 0:
            more.append(CartItem(*_head(line), ((at_ms, -pieces),)))
    return _changed(cart, more, at_ms) if more else cart


def touched(cart: Cart | None, at_ms: int) -> Cart:
    """The cart that somebody is busy with: as it was, but not left behind."""
    if cart is None:
        return Cart("", at_ms, touched_at_ms=at_ms)
    return replace(
        cart,
        updated_at_ms=max(cart.updated_at_ms, at_ms),
        touched_at_ms=max(cart.touched_at_ms, at_ms),
    )


def merged(a: Cart | None, b: Cart | None) -> Cart | None:
    """Two people's carts as one: all changes of both, but none older than the newest whole one."""
    if a is None or b is None:
        return a or b
    old, new = sorted((a, b), key=lambda c: (c.updated_at_ms, c.cart_id))
    whole_ms = max(old.whole_at_ms, new.whole_at_ms)
    touched_ms = max(old.touched_at_ms, new.touched_at_ms)
    cart_id = new.cart_id or old.cart_id
    both = Cart(cart_id, new.updated_at_ms, (), whole_ms, touched_at_ms=touched_ms)
    for cart in (old, new):
        both = _joined(both, _lines_since(cart, whole_ms))
    return _settled(both)


def _touched_ms(cart: Cart | None) -> int:
    return 0 if cart is None else cart.touched_at_ms


def _line_of(product: Product | CartItem, at_ms: int, pieces: int) -> CartItem:
    gtin = (product.gtin or "").zfill(GTIN_DIGITS) if product.gtin else ""
    return CartItem(
        product.product_id or "",
        product.category or "",
        max(pieces, 0),
        product.price or 0.0,
        gtin,
        ((at_ms, pieces),),
    )


def _changed(cart: Cart | None, lines: Iterable[CartItem], at_ms: int) -> Cart:
    before = cart if cart is not None else Cart("", 0)
    if at_ms < before.whole_at_ms:
        return before
    return _settled(_joined(before, lines))


def _joined(cart: Cart, more: Iterable[CartItem]) -> Cart:
    """The cart with more lines, or more changes of its lines; not settled yet."""
    lines: Lines = ()
    for line in (*cart.items, *cart.gone):
        known = CartItem(*_head(line), _moves_of(line, cart))
        lines = (*lines, known)
    for line in more:
        lines = _with_move(lines, line)
    return replace(cart, items=lines, gone=())


def _head(line: CartItem) -> tuple[str, str, int, float, str]:
    return line.product_id, line.category, line.quantity, line.price, line.gtin


def _with_move(lines: Lines, new: CartItem) -> Lines:
    """The lines with the changes of one more; who put it in last tells what it is."""
    for place, old in enumerate(lines):
        if _is_same(old, new):
            moves = tuple(sorted((*old.moves, *new.moves), key=lambda m: (m[0], -m[1])))
            first, last = (old, new) if _put_in_ms(new) >= _put_in_ms(old) else (new, old)
            line = CartItem(
                last.product_id or first.product_id,
                last.category or first.category,
                0,
                last.price or first.price,
                last.gtin or first.gtin,
                moves,
            )
            return (*lines[:place], line, *lines[place + 1 :])
    return (*lines, new)


def _is_same(a: CartItem, b: CartItem) -> bool:
    """One product: the same id, or the same GTIN."""
    if a.product_id and a.product_id == b.product_id:
        return True
    return bool(a.gtin) and a.gtin == b.gtin


def _settled(cart: Cart) -> Cart:
    """The lines counted, bounded, and parted into those with pieces and those without.

    The cart was changed when a line last got other pieces: a removal of what is not in it, or an
    order of something else, is no change.
    """
    lines = [_counted(line) for line in cart.items]
    lines.sort(key=lambda line: (_newest(line), line.product_id, line.gtin))
    changed_ms = max((_changed_ms(line) for line in lines), default=0)
    updated_ms = max(cart.touched_at_ms, cart.whole_at_ms, changed_ms)
    newest_ms = max([updated_ms, *(_newest(line) for line in lines)])
    items = tuple(line for line in lines if line.quantity > 0)[-CART_ITEMS_MAX:]
    gone = tuple(
        line for line in lines if line.quantity == 0 and _newest(line) >= newest_ms - GONE_KEPT_MS
    )[-CART_GONE_MAX:]
    left = [_changed_ms(line) for line in lines if line not in items and line not in gone]
    touched_ms = max([cart.touched_at_ms, *left])
    return Cart(cart.cart_id, updated_ms, items, cart.whole_at_ms, gone, touched_ms)


def _changed_ms(line: CartItem) -> int:
    """When the line last got other pieces."""
    pieces, changed_ms = 0, 0
    for at_ms, change in line.moves:
        after = max(pieces + change, 0)
        changed_ms = at_ms if after != pieces else changed_ms
        pieces = after
    return changed_ms


def _counted(line: CartItem) -> CartItem:
    """The line with its pieces: never below none, whatever is taken out."""
    moves = line.moves
    while len(moves) > CART_MOVES_MAX:
        (_, first), (at_ms, second), *rest = moves
        moves = ((at_ms, max(max(first, 0) + second, 0)), *rest)
    pieces = 0
    for _, change in moves:
        pieces = max(pieces + change, 0)
    return CartItem(line.product_id, line.category, pieces, line.price, line.gtin, moves)


def _taken_at(line: CartItem, at_ms: int) -> int:
    return -sum(pieces for moved_ms, pieces in line.moves if moved_ms == at_ms and pieces < 0)


def _later(cart: Cart | None, at_ms: int) -> list[CartItem]:
    return [] if cart is None else _lines_since(cart, at_ms + 1)


def _lines_since(cart: Cart, since_ms: int) -> list[CartItem]:
    """The lines with their changes at or after a moment; without those that had none."""
    lines = []
    for line in (*cart.items, *cart.gone):
        moves = tuple(m for m in _moves_of(line, cart) if m[0] >= since_ms)
        if moves:
            lines.append(CartItem(*_head(line), moves))
    return lines


def _moves_of(line: CartItem, cart: Cart) -> Moves:
    """A line of an older row has no changes: it came in when the cart was changed last."""
    return line.moves or ((cart.updated_at_ms, line.quantity),)


def _put_in_ms(line: CartItem) -> int:
    return max((at_ms for at_ms, pieces in line.moves if pieces > 0), default=0)


def _newest(line: CartItem) -> int:
    return line.moves[-1][0] if line.moves else 0
