"""What the rules of eligibility may look at, found once for all offers."""

from collections.abc import Mapping

from msgspec import Struct

from streams.contracts.common import Purpose
from streams.customer import Customer
from streams.decisions.requests import DecisionRequest
from streams.leases import LeaseBook


class Situation(Struct, frozen=True):
    """A person and a request at a moment, as offers are checked against it.

    `facts`: the context that CEL rules are asked with. `agreed`: the purposes for which an offer
    may reach the person over this channel. `sent`: offers whose time to be used has not passed, or
    whose outcome is waited for; `usable`: those of them that were not redeemed since. `redeemed`:
    offers that were ever used; `refused`: offers, and classes of offers, that the person does not
    want. `stock` is by product and store. `channels`: those that may be used now, where the rule
    lets choose. `book`: what is free of offers' budgets; None: nothing.
    """

    person: Customer
    request: DecisionRequest
    now_ms: int
    stock: Mapping[tuple[str, str], int]
    facts: object
    agreed: frozenset[Purpose]
    sent: frozenset[str]
    usable: frozenset[str]
    redeemed: frozenset[str]
    refused: frozenset[tuple[str, str]]
    channels: frozenset[str] = frozenset()
    book: LeaseBook | None = None
