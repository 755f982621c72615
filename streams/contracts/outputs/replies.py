"""Answers to questions, as they go out on `replies`."""

from typing import Literal

from msgspec import Struct

from streams.contracts.common import (
    Block,
    ChannelName,
    ConsentState,
    LifecycleStage,
    Purpose,
    RiskBandName,
    Zoned,
)
from streams.contracts.money import Currency
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer


class ConsentFact(Block, frozen=True, kw_only=True):
    """What holds of a purpose now, signals counted in, and when the person last spoke of it."""

    purpose: Purpose
    state: ConsentState
    said_at: Zoned | None


class ContactFact(Block, frozen=True, kw_only=True):
    """An offer that was sent, and what is known of it; `status` null where it is closed."""

    decision_id: str
    offer_id: str
    channel: ChannelName
    sent_at: Zoned
    status: str | None
    viewed_at: Zoned | None


class CaseFact(Block, frozen=True, kw_only=True):
    """The churn case that is open."""

    case_id: str
    risk_band: RiskBandName
    opened_at: Zoned
    treated: bool


class CustomerFacts(Block, frozen=True, kw_only=True):
    """What a row knows of a person, as of the question."""

    customer_id: str
    known: bool
    first_seen_at: Zoned
    last_event_at: Zoned
    stage: LifecycleStage | None
    locale: str
    timezone: str
    linked_ids: tuple[str, ...]
    channels: dict[str, Zoned]
    orders: int
    spend_total: float
    consents: tuple[ConsentFact, ...]
    risk: float | None
    case: CaseFact | None
    contacts: tuple[ContactFact, ...]
    contacts_left: int
    contact_from: Zoned | None
    arm: str
    spend_currency: Currency | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """A record of `replies`: what became of a question, to the address that waits for it.

    `reason_codes` say why there is no offer: the decision's verdict and what was in the way of the
    single offers; where nothing was decided, why not. `told` and `unknown` answer who asked about
    a person; `would_decide` is what would be decided in the placement that was asked for, and is
    no decision.
    """

    question_id: str
    reply_to: str
    customer_id: str
    verdict: Literal["offer", "no_offer", "told", "unknown"]
    reason_codes: tuple[str, ...] = ()
    decision_id: str | None = None
    offer: NextBestOffer | None = None
    customer: CustomerFacts | None = None
    would_decide: DecisionLog | None = None
