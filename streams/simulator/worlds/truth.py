"""What only the simulator knows: who leaves when, and what each offer and contact changed."""

from typing import Literal

from msgspec import Struct

from streams.contracts.outputs.payloads import NextStep

ContactType = Literal["persuadable", "sure", "lost_cause", "sleeping_dog"]
IncidentKind = Literal["out_of_stock", "poor_quality", "complaint", "price_rise"]
NoticeKind = Literal["cancel_page", "uninstall", "unsubscribe", "complaint", "low_nps"]
OfferDid = Literal["nothing", "discounted", "pulled_forward", "added"]
ContactDid = Literal["nothing", "kept", "won_back", "driven_away"]
NEVER_MS = 2**53


class Incident(Struct, frozen=True):
    """A bad experience: it raises the rate of leaving. Some people complain of it."""

    at_ms: int
    kind: IncidentKind
    strength: float
    complained: bool = False


class Notice(Struct, frozen=True):
    """Something that looks like leaving, whether it means it or not."""

    at_ms: int
    kind: NoticeKind


class PlannedOrder(Struct, frozen=True, kw_only=True):
    """An order as it comes, or came; amounts are in the shop's currency, before the coupon.

    `organic` is its number in the person's organic life, None for an order that only an offer
    brought. `returned` is the share of what was paid that comes back later.
    """

    at_ms: int
    amount: float
    department: int
    in_store: bool
    organic: int | None
    discount: float = 0.0
    returned: float = 0.0
    decision_id: str | None = None
    offer_id: str | None = None

    def margin(self, margin_share: float) -> float:
        """What the shop keeps of it: see "Margin by arm" in docs/orders.md."""
        return (self.amount * margin_share - self.discount) * (1.0 - self.returned)


class OfferEffect(Struct, frozen=True, kw_only=True):
    """What one offer changed: against the same world without it, all else as it was.

    `margin` is the change of the margin of orders until the end of the play, without
    `contact_cost`.
    """

    decision_id: str
    customer_id: str
    offer_id: str
    arm: str
    at_ms: int
    did: OfferDid
    margin: float
    contact_cost: float


class ContactEffect(Struct, frozen=True, kw_only=True):
    """What the contact of one case changed: against the same world without it.

    `leaves_before_ms` is when the person would have left without it, `leaves_after_ms` when with
    it (`NEVER_MS`: not within what is known). `margin` as in `OfferEffect`; `margin_later` is what
    it changed after the end of the play, for as long as the truth is known. `decision_id` names the
    offer that was the contact; what its coupon changed stands in its own effect.
    """

    case_id: str
    customer_id: str
    contact_type: ContactType
    action: NextStep = "contact"
    decision_id: str | None = None
    at_ms: int
    did: ContactDid
    leaves_before_ms: int
    leaves_after_ms: int
    margin: float
    margin_later: float


class PersonTruth(Struct, frozen=True, kw_only=True):
    """A person's life by the truth.

    `leaves_ms` is as things stand, `organic_leaves_ms` without any offer or contact; `orders` as
    they came and will come, `organic_orders` as they would have. Orders go beyond the end of the
    play for as long as the truth is known; margins are of the play alone.
    """

    customer_id: str
    contact_type: ContactType
    one_time: bool
    gap_days: float
    leaves_ms: int
    organic_leaves_ms: int
    drifts_ms: int | None
    drift_factor: float
    silences: tuple[tuple[int, int], ...]
    incidents: tuple[Incident, ...]
    orders: tuple[PlannedOrder, ...]
    organic_orders: tuple[PlannedOrder, ...]
    margin: float
    organic_margin: float


class Response(Struct, frozen=True):
    """What an offer would do if it were made now, on the average of its luck.

    `used` is P(the offer is used), `added` P(it brings an order that would not have come);
    `margin` is the expected change of the margin of orders, without the contact cost.
    """

    used: float
    added: float
    margin: float
