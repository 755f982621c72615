"""Money of budgets as whole numbers: ten-thousandths of the shop's currency, so nothing drifts.

What a budget has is rounded down, what a use may cost is rounded up: by less than a ten-thousandth.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec import Struct

from streams.contracts.money import Money, decimal_text
from streams.contracts.reference.structs import Offer

UNITS = 10_000
"""How many units one of the shop's currency has."""
PLACES = 4


class Budget(Struct, frozen=True):
    """What the shop's file says of an offer's money, in units.

    Attributes:
        amount: all that may be spent.
        least: the most that one use can cost: so much is reserved for each coupon that is out.
    """

    amount: int
    least: int


def budget_of(offer: Offer) -> Budget | None:
    """The budget of an offer; None: it has none, and nothing is counted."""
    if offer.budget is None:
        return None
    most = offer.discount if offer.discount_max is None else offer.discount_max
    return Budget(_units(offer.budget, ROUND_FLOOR), max(units_of(most), 1))


def units_of(amount: float) -> int:
    """An amount in units, rounded up.

    >>> units_of(8.1), units_of(0.00001)
    (81000, 1)
    """
    return _units(amount, ROUND_CEILING)


def money_of(units: int, currency: str) -> Money:
    """Units as money.

    >>> money_of(81000, "EUR").amount
    '8.10'
    """
    return Money(amount=amount_text(units), currency=currency)


def amount_text(units: int) -> str:
    """Units as a decimal of the currency.

    >>> amount_text(123456)
    '12.3456'
    """
    return decimal_text(str(Decimal(units).scaleb(-PLACES)))


def _units(amount: float, rounding: str) -> int:
    """The decimal that the number is written as, times `UNITS`."""
    return int((Decimal(repr(amount)) * UNITS).to_integral_value(rounding))
