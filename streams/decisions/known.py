"""What is known when a decision is taken, and what was chosen: the two that travel together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.common import ChannelName
from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.outputs.challenger import ChallengerLog
from streams.contracts.outputs.payloads import Terms, Trigger, Versioned
from streams.contracts.outputs.terms import EffectColumns
from streams.contracts.reference.structs import Arm, ContactPolicy, Offer
from streams.contracts.times import from_ms
from streams.customer import Customer
from streams.decisions.exploration import Draw
from streams.decisions.holdouts import held_out_of
from streams.decisions.policy import CompiledOffer, Policy
from streams.decisions.posterior_draws import Posterior
from streams.decisions.reachable import Ways, ways_of
from streams.decisions.requests import DecisionRequest
from streams.features.offer_table import Where
from streams.features.packing import Vector
from streams.leases import LeaseBook

RESPONSE, UPLIFT, FATIGUE = "response", "uplift", "fatigue"
Priors = Sequence[float] | NDArray[np.float64]
Spreads = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Loads, and standard deviations of what is shared and of what is each offer's own, in log odds."""


class Scorer(Protocol):
    """What a decision asks of the response model."""

    @property
    def version(self) -> str:
        """The snapshot's version."""

    def response_probabilities(
        self,
        context: Vector,
        offers: Vector,
        offer_ids: Sequence[str],
        priors: Priors,
        where: Where = None,
    ) -> NDArray[np.float64]:
        """P(used) of each offer; `priors` are log odds, `CompiledOffer.prior_log_odds`.

        `offers` and `priors` are of those that are asked for.
        """

    def spreads(self, context: Vector, offers: Vector, offer_ids: Sequence[str]) -> Spreads:
        """How sure it is of these, for draws from its posterior."""


class Uplift(Protocol):
    """What a decision asks of the model of what offers add."""

    @property
    def version(self) -> str:
        """The snapshot's version."""

    @property
    def order_margin(self) -> float:
        """What an order brings on the mean, in the shop's currency; 0: it is not known yet."""

    def shares(
        self, offers: Sequence[Offer], expected: Sequence[float], where: Where = None
    ) -> list[float]:
        """Of those who use each of these offers, the share that would have bought without it.

        `expected` is that share by who the person is, before anything is learned, of those that are
        asked for.
        """

    def effects(
        self, offers: Sequence[Offer], context: Vector, where: Where = None
    ) -> EffectColumns | None:
        """What sending each of these offers to the person changes; None: it is not known yet."""


class Fatigue(Protocol):
    """What a decision asks of the model of what contacts do."""

    @property
    def version(self) -> str:
        """The snapshot's version."""

    def price(self, contact: ContactPolicy) -> float:
        """Of one more contact, for each contact of the last seven days."""


class NothingLearned(Struct, frozen=True):
    """An `Uplift` and a `Fatigue` that know nothing and say what is expected."""

    version: str = "cold-start"
    order_margin: float = 0.0

    def shares(
        self, offers: Sequence[Offer], expected: Sequence[float], where: Where = None
    ) -> list[float]:
        """What is expected."""
        return list(expected)

    def effects(
        self, offers: Sequence[Offer], context: Vector, where: Where = None
    ) -> EffectColumns | None:
        """Nothing is known."""
        return None

    def price(self, contact: ContactPolicy) -> float:
        """The shop's."""
        return contact.fatigue_price


NOTHING_LEARNED = NothingLearned()


class Basis(Struct, frozen=True):
    """What decisions stand on beside the row.

    Attributes:
        scorer: the response model.
        policy: the reference data, compiled.
        processing_ms: processing time, where that matters; an answer that would be over by then
            is withheld.
        uplift: the model of what offers add.
        fatigue: the model of what contacts do.
        challenger: a response model that is scored beside it and decides nothing.
        book: what may be reserved of offers' budgets; None: nothing.
    """

    scorer: Scorer
    policy: Policy
    processing_ms: int = 0
    uplift: Uplift = NOTHING_LEARNED
    fatigue: Fatigue = NOTHING_LEARNED
    challenger: Scorer | None = None
    book: LeaseBook | None = None


class Known(Struct, frozen=True):
    """One decision to be taken: for whom, what asks for it, when, in which arm, on what basis.

    `policy`: that of the basis. `held`: the offers that the person never gets; `ways`: the channels
    that may be used. The rest names it in outputs: its id, its time, its trigger, the models'
    versions.
    """

    person: Customer
    request: DecisionRequest
    now_ms: int
    arm: Arm
    basis: Basis
    policy: Policy
    decision_id: str
    decided_at: datetime
    trigger: Trigger
    model: Versioned
    uplift: Versioned
    held: frozenset[str]
    ways: Ways


class Choice(Struct, frozen=True):
    """A draw among offers that the person may get.

    `vectors` (one row an offer) and `terms` are in the order of `eligible`. `challenger`: what the
    challenger would have drawn. `posterior`: where it was drawn by one.
    """

    eligible: list[CompiledOffer]
    vectors: Vector
    terms: TermColumns
    drawn: Draw
    challenger: ChallengerLog | None = None
    posterior: Posterior | None = None


class Chosen(Struct, frozen=True):
    """The offer that was drawn, its place in the choice, and its terms."""

    candidate: CompiledOffer
    index: int
    terms: Terms


def known_of(
    person: Customer, request: DecisionRequest, now_ms: int, arm: Arm, basis: Basis
) -> Known:
    """What is known before any offer is looked at."""
    trigger_event, rule = request.trigger_event, request.rule
    return Known(
        person=person,
        request=request,
        now_ms=now_ms,
        arm=arm,
        basis=basis,
        policy=basis.policy,
        decision_id=request.decision_id,
        decided_at=from_ms(now_ms),
        trigger=Trigger(event_id=trigger_event.event_id, kind=rule.kind, rule_id=rule.rule_id),
        model=Versioned(id=RESPONSE, version=basis.scorer.version),
        uplift=Versioned(id=UPLIFT, version=basis.uplift.version),
        ways=ways_of(person, rule, now_ms, basis.policy.policies.contact),
        held=held_out_of(basis.policy, person.customer_id),
    )


def chosen_of(choice: Choice) -> Chosen | None:
    """What the draw fell on; None: no offer."""
    index = choice.drawn.index
    return None if index is None else Chosen(choice.eligible[index], index, choice.terms.at(index))


def channel_of(known: Known, chosen: Chosen | None) -> ChannelName:
    """The channel by which the offer goes; without one, the rule's."""
    own = None if chosen is None else chosen.terms.channel
    return own or known.request.rule.channel
