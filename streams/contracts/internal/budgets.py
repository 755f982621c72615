"""What the treasury tells of an offer's budget, for pages and figures."""

import msgspec
from msgspec import Struct

from streams.contracts.inputs.diagnosis import diagnose
from streams.contracts.inputs.rules import Rejected
from streams.contracts.unreadable import UNREADABLE


class BudgetTold(Struct, frozen=True, kw_only=True):
    """A record of `budgets`: an offer's money as its partitions last reported it.

    A record without a value says that the offer has no budget any more.

    Sums are decimals of the shop's currency, as text.

    Attributes:
        amount: the budget in the shop's file.
        used: what uses have cost.
        reserved: what is put aside for coupons that are out.
        free: what can still be reserved.
        overdrawn: what is used and reserved beyond the budget.
        told_at_ms: of the newest report, milliseconds since 1970, UTC.
    """

    offer_id: str
    amount: str
    used: str
    reserved: str
    free: str
    overdrawn: str
    told_at_ms: int = 0


_decoder = msgspec.json.Decoder(BudgetTold)


def encode_budget(told: BudgetTold) -> bytes:
    """The value of a record of `budgets`; its key is the offer's id."""
    return msgspec.json.encode(told)


def decode_budget(value: bytes | None) -> BudgetTold | Rejected:
    """One record of `budgets`."""
    if not value:
        return Rejected("empty_value", "$", "has no value")
    try:
        return _decoder.decode(value)
    except UNREADABLE as error:
        return diagnose(value, error)
