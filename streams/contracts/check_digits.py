"""GS1 check digits: the last digit of a GTIN, GLN or GCN is a function of the others.

Source: GS1 General Specifications, section 7.9 (modulo 10, weights 3 and 1 from the right).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from streams.contracts.common import Product
from streams.contracts.inputs.events import (
    App,
    Beacon,
    Clickstream,
    InputEvent,
    OfferFeedback,
    Purchase,
)

GTIN_LENGTHS = frozenset({8, 12, 13, 14})
GLN_LENGTHS = frozenset({13})


def is_valid(digits: str) -> bool:
    """Whether the last digit is the check digit of the others.

    >>> is_valid("4006381333931"), is_valid("4006381333932")
    (True, False)
    """
    codes = digits.encode()
    ones, threes = codes[-1::-2], codes[-2::-2]
    zeros = 48 * (len(ones) + 3 * len(threes))
    return (sum(ones) + 3 * sum(threes) - zeros) % 10 == 0


def is_gtin(digits: str) -> bool:
    """Whether the digits are a GTIN-8, -12, -13 or -14."""
    return len(digits) in GTIN_LENGTHS and is_valid(digits)


def is_gln(digits: str) -> bool:
    """Whether the digits are a Global Location Number."""
    return len(digits) in GLN_LENGTHS and is_valid(digits)


def is_gcn(digits: str) -> bool:
    """Whether the digits are a Global Coupon Number: 13 checked digits, then a serial number."""
    return is_valid(digits[:13])


def bad_check_digit(event: InputEvent) -> str | None:
    """The path of the first GTIN, GLN or GCN of an event whose check digit is wrong."""
    find = _FINDERS.get(type(event))
    return next(find(event), None) if find is not None else None


def _in_shopping(event: Clickstream | App) -> Iterator[str]:
    product = event.product
    if product is not None and product.gtin is not None and not is_gtin(product.gtin):
        yield "$.product.gtin"
    if event.products:
        yield from _in_products(event.products, "$.products")
    if event.cart is not None:
        yield from _in_products(event.cart.items, "$.cart.items")


def _in_purchase(event: Purchase) -> Iterator[str]:
    if event.gln is not None and not is_gln(event.gln):
        yield "$.gln"
    for index, coupon in enumerate(event.coupons):
        if coupon.gcn is not None and not is_gcn(coupon.gcn):
            yield f"$.coupons[{index}].gcn"
    yield from _in_products(event.items, "$.items")


def _in_beacon(event: Beacon) -> Iterator[str]:
    if event.gln is not None and not is_gln(event.gln):
        yield "$.gln"


def _in_feedback(event: OfferFeedback) -> Iterator[str]:
    gln = event.redemption.gln if event.redemption is not None else None
    if gln is not None and not is_gln(gln):
        yield "$.redemption.gln"


def _in_products(products: tuple[Product, ...], path: str) -> Iterator[str]:
    for index, product in enumerate(products):
        if product.gtin is not None and not is_gtin(product.gtin):
            yield f"{path}[{index}].gtin"


_FINDERS: Final[dict[type[InputEvent], Callable[[Any], Iterator[str]]]] = {
    Clickstream: _in_shopping,
    App: _in_shopping,
    Purchase: _in_purchase,
    Beacon: _in_beacon,
    OfferFeedback: _in_feedback,
}
