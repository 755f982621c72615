"""What decisions stand on: the reference data, as `compiling` prepares it."""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import NamedTuple

from msgspec import Struct

from streams.contracts.common import Purpose
from streams.contracts.outputs.payloads import (
    Coupon,
    ExperimentArm,
    Texts,
    Versioned,
    WhyNot,
)
from streams.contracts.reference.structs import Offer, Policies, TriggerKind, TriggerRule
from streams.customer import Places
from streams.decisions.arbitration import Floats
from streams.decisions.cel_rules import CelRule
from streams.decisions.facts import FactNames
from streams.decisions.levers import OwnLevers
from streams.decisions.situation import Situation
from streams.features import About, FitTable, OfferTable
from streams.leases import Budget

Objection = Callable[["CompiledOffer", Situation], bool]


class CompiledOffer(Struct, frozen=True):
    """An offer, and what is known of it before anybody asks.

    `never_with`: the offers that exclude it, or that it excludes. `texts`: why it is made, by what
    triggers it; `texts_otherwise`: where that is not so of it (`claims`). `titles` are by language,
    `coupon` is as the till knows it, `categories` are those of what it is for.
    `prior_log_odds`: of its expected rate. `place`: its place among all offers. `levers`
    are those of the owner that concern it; `budget` is None where it has none.
    """

    offer: Offer
    place: int
    segment: CelRule
    from_ms: int
    until_ms: int
    never_with: frozenset[str]
    prior_log_odds: float
    texts: Mapping[TriggerKind, Texts]
    texts_otherwise: Mapping[TriggerKind, Texts]
    titles: Mapping[str, str]
    coupon: Coupon | None
    categories: frozenset[str]
    levers: OwnLevers = OwnLevers()
    budget: Budget | None = None


class Alike(NamedTuple):
    """Offers in which a rule of eligibility sees the same: one of them, and the places of all."""

    one: CompiledOffer
    places: tuple[int, ...]


class CompiledRule(Struct, frozen=True):
    """A rule of eligibility with the offers that it concerns, by what it reads of them.

    `among`: what it would have to read to object in a situation; None: it may be anything.
    """

    code: WhyNot
    objects: Objection
    among: Callable[[Situation], Collection[Hashable] | None]
    offers: Mapping[Hashable, Alike]


class CompiledTrigger(Struct, frozen=True):
    """A trigger rule with its condition compiled."""

    rule: TriggerRule
    when: CelRule


class Policy(Struct, frozen=True):
    """Everything that decisions stand on; swapped as a whole.

    `validity_ms`: how long an offer may be used after it was sent. `reach_ms`: how long a contact
    with it counts in some limit; `reach_other_ms`: the same for an offer that is no longer there;
    `contact_costs`: in the shop's currency; `holdout_shares`, `budgets`: where there are any. These
    are by offer id. `listeners` are the enabled triggers by the kind of trigger event that they
    listen to; `segments_read` and `purposes` are what the offers ask of a person.
    `by_id` are `offers` by name, `catalog` as their owners wrote them; `offer_ids` and `priors`
    (log odds, shape `[n]`) are theirs; `rules` are those of eligibility, in their order. `table`,
    `prices` and `fits` hold the numbers of the offers, each at its place; `abouts` is what they are
    about, each once.
    `has_ranks`: some offer is of a class that goes before others, or after them; `may_pass`: of one
    that passes the limits over all offers.
    `named` and `arms` (by name) are how outputs name the policy and the person's arm.
    """

    policies: Policies
    places: Places
    offers: tuple[CompiledOffer, ...]
    by_id: Mapping[str, CompiledOffer]
    catalog: tuple[Offer, ...]
    offer_ids: tuple[str, ...]
    priors: Floats
    rules: tuple[CompiledRule, ...]
    table: OfferTable
    prices: Floats
    fits: FitTable
    abouts: tuple[About, ...]
    triggers: tuple[CompiledTrigger, ...]
    listeners: Mapping[str, tuple[CompiledTrigger, ...]]
    segments_read: FactNames
    purposes: frozenset[Purpose]
    has_ranks: bool
    may_pass: bool
    stock: Mapping[tuple[str, str], int]
    validity_ms: Mapping[str, int]
    reach_ms: Mapping[str, int]
    reach_other_ms: int
    contact_costs: Mapping[str, float]
    holdout_shares: Mapping[str, float]
    budgets: Mapping[str, Budget]
    named: Versioned
    arms: Mapping[str, ExperimentArm]
    placeholders: frozenset[str]
