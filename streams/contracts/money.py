"""Money as events carry it: read in three forms, kept in one.

A decimal string (`"12.50"`), a number (`12.5`) and `{"amount", "currency"}` mean the same. What
has no currency has that of its order, else the shop's. Numbers are kept as the double next to
their decimal, which has at most 15 digits here: that double is written as the same decimal again.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

AMOUNT_PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?(?!\n)$"
PRICE_PATTERN = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?(?!\n)$"
CURRENCY_PATTERN = r"^[A-Z]{3}(?!\n)$"
DECIMALS_MAX = 6

Currency = Annotated[str, Meta(pattern=CURRENCY_PATTERN)]
Amount = Annotated[float, Meta(ge=-1e9, le=1e9)]
"""Of an event, or a margin: it may be below 0, as what a return gives back."""
Cost = Annotated[float, Meta(ge=0, le=1e9)]
"""What somebody sets as a price, a worth or a cost: never below 0."""
Decimals = Annotated[str, Meta(pattern=AMOUNT_PATTERN)]
PriceText = Annotated[str, Meta(pattern=PRICE_PATTERN)]

TOO_LARGE = "Amount out of range"
AMOUNT_MAX = 1e9
TWO_CURRENCIES = "Currencies differ"


class Money(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An amount of money: a decimal string, and an ISO 4217 code where it is said."""

    if TYPE_CHECKING:
        amount: str | float
    else:
        amount: Decimals | Amount
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Bring the amount into its one form."""
        amount = self.amount
        if not isinstance(amount, str) or amount[-3:-2] != ".":
            force_setattr(self, "amount", decimal_text(amount))

    @property
    def value(self) -> float:
        """The amount as a number, in units of the currency."""
        return float(self.amount)


# Whoever reads an event finds a number and a `Money`; the decoder also takes the other forms,
# and `keep_price` and `keep_total` bring them into that one when the struct is made.
if TYPE_CHECKING:
    Price = float
    Total = Money
else:
    Price = PriceText | Amount | Money
    Total = Decimals | Amount | Money


def decimal_text(amount: str | float) -> str:
    """The amount with two decimals, more only where it has more.

    >>> decimal_text(12.5), decimal_text("3"), decimal_text("0.125000")
    ('12.50', '3.00', '0.125')
    """
    number = Decimal(amount if isinstance(amount, str) else repr(float(amount)))
    whole, _, decimals = f"{round(number, DECIMALS_MAX):f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def keep_price(block: Any, name: str) -> None:
    """Keep a price as a number, and its currency in the block's own field.

    Raises:
        ValueError: it is too large, or the block names another currency.
    """
    price = getattr(block, name)
    if price is None or type(price) is float:
        return
    if isinstance(price, Money):
        if price.currency is not None:
            if block.currency not in (None, price.currency):
                raise ValueError(TWO_CURRENCIES)
            force_setattr(block, "currency", price.currency)
        price = price.amount
    number = round(float(price), DECIMALS_MAX)
    if abs(number) > AMOUNT_MAX:
        raise ValueError(TOO_LARGE)
    force_setattr(block, name, number)


def keep_total(block: Any) -> None:
    """Keep an order's total as `Money` in the order's currency, if either is said.

    Raises:
        ValueError: total and order name two currencies.
    """
    total, currency = block.total, block.currency
    if not isinstance(total, Money):
        total = Money(amount=total)
    if total.currency is None and currency is not None:
        total = Money(amount=total.amount, currency=currency)
    elif currency not in (None, total.currency):
        raise ValueError(TWO_CURRENCIES)
    if total is not block.total:
        force_setattr(block, "total", total)
