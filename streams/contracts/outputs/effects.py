"""Effects: what `process` asks of the world, as values; only a shell carries them out."""

from typing import Literal

from msgspec import Struct

from streams.contracts.internal.learning import LearningExample
from streams.contracts.internal.leases import LeaseReported, Reservation
from streams.contracts.internal.routing import Routable
from streams.contracts.outputs.payloads import (
    CaseOutcome,
    ChurnAlert,
    DecisionLog,
    IdentityChange,
    NextBestOffer,
    PrivacyReceipt,
    SegmentChange,
    ZoneVisitChange,
)
from streams.contracts.outputs.replies import Reply

OutcomeName = Literal[
    "delivered", "undelivered", "viewed", "clicked", "dismissed", "redeemed", "expired"
]


class OfferDecided(Struct, frozen=True):
    """An offer goes to the person's app."""

    offer: NextBestOffer


class DecisionLogged(Struct, frozen=True):
    """A decision, also one that ends in no offer, is written down with all its candidates."""

    entry: DecisionLog


class AlertRaised(Struct, frozen=True):
    """A person is about to leave, or no longer."""

    alert: ChurnAlert


class CaseWeighed(Struct, frozen=True):
    """A case could open in a shop with a weekly capacity: what a contact gains, and if it did.

    `gain`: in the shop's currency, less the cost of the contact.
    """

    gain: float
    opened: bool


class CustomerWatched(Struct, frozen=True):
    """Who is watched for churn was looked at: so long after the look before."""

    elapsed_ms: int


class CaseFollowed(Struct, frozen=True):
    """It is known what became of a churn case."""

    outcome: CaseOutcome


class OutcomeLabeled(Struct, frozen=True):
    """A label became known; the learner is told."""

    example: LearningExample


class OutcomeSeen(Struct, frozen=True):
    """A decision's offer was viewed, redeemed, ignored: for the counters, by arm."""

    decision_id: str
    arm: str
    outcome: OutcomeName
    offer_id: str
    amount: float = 0.0


class PurchaseSeen(Struct, frozen=True):
    """What an order brought, by arm: for the incremental value against the holdout.

    Below zero: it was given back. `is_new`: it is an order that had not been counted, not a
    correction of one.
    """

    arm: str
    holdout: bool
    amount: float
    margin: float
    is_new: bool = False


class EventRouted(Struct, frozen=True):
    """The record belongs to another key: it goes through `customer-events`."""

    key: str
    message: Routable


class EventIgnored(Struct, frozen=True):
    """An accepted event changed nothing, and why."""

    reason: Literal[
        "duplicate", "id_conflict", "unreadable_row", "erased", "too_many_hops", "not_applicable"
    ]
    event_id: str


class EventRefused(Struct, frozen=True):
    """An event that could be read contradicts the reference data: a dead letter, if it came so."""

    reason: Literal["wrong_currency"]
    path: str
    detail: str
    event_id: str


class EventLate(Struct, frozen=True):
    """An event came after later ones; it corrected counts and fired nothing."""

    event_id: str
    late_ms: int


class TimeZoneUnknown(Struct, frozen=True):
    """An event named a time zone that is none; the person's last known zone stays."""

    event_id: str


class DataDropped(Struct, frozen=True):
    """A part of an accepted event was not taken in: it is counted, never kept or repeated."""

    what: Literal["unknown_purpose", "unknown_state", "personal_data", "odd_shape"]
    event_id: str
    count: int = 1


class IdentityChanged(Struct, frozen=True):
    """Two ids are one person now, or are in conflict."""

    change: IdentityChange


class SegmentChanged(Struct, frozen=True):
    """The person's life-cycle stage changed."""

    change: SegmentChange


class ZoneVisitChanged(Struct, frozen=True):
    """A visit to a zone of a store was opened, or is over for good."""

    change: ZoneVisitChange


class ReceiptIssued(Struct, frozen=True):
    """A privacy request was carried out."""

    receipt: PrivacyReceipt


class QuestionAnswered(Struct, frozen=True):
    """A question is answered, to whoever waits."""

    reply: Reply
    at_ms: int


class BudgetUsed(Struct, frozen=True):
    """An offer that has a budget was used, and what that cost, in units (`streams.leases`).

    `reservation` None: nothing was reserved for this use.
    """

    offer_id: str
    cost: int
    at_ms: int
    reservation: Reservation | None = None


class LeaseTold(Struct, frozen=True):
    """The treasury is told how a partition's part of a budget stands, and what is wanted."""

    report: LeaseReported


Effect = (
    OfferDecided
    | DecisionLogged
    | AlertRaised
    | CaseWeighed
    | CaseFollowed
    | CustomerWatched
    | OutcomeLabeled
    | OutcomeSeen
    | PurchaseSeen
    | EventRouted
    | EventIgnored
    | EventRefused
    | EventLate
    | TimeZoneUnknown
    | DataDropped
    | IdentityChanged
    | SegmentChanged
    | ReceiptIssued
    | ZoneVisitChanged
    | QuestionAnswered
    | BudgetUsed
    | LeaseTold
)
