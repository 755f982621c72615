"""What comes in: one struct a topic, its event names, and its required blocks.

A new event name is one entry in a `Literal` here, one line in `required.REQUIRED_BY_NAME` where it
needs a block of its own, and one line in `customer.applying.APPLIERS`.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from msgspec import Meta
from msgspec.structs import force_setattr

from streams.contracts.common import (
    GCN_PATTERN,
    Block,
    Cart,
    ChannelName,
    Context,
    Count,
    CouponText,
    Currency,
    Digits,
    DurationMs,
    FreeName,
    FreeValue,
    Id,
    Identity,
    LineItem,
    LinkMethod,
    Product,
    SalesChannel,
    Text,
    Zoned,
)
from streams.contracts.coupons import code_text
from streams.contracts.inputs.beacon_addresses import BeaconAddress
from streams.contracts.money import Price, Total, keep_price, keep_total

ShoppingName = Literal[
    "products_searched",
    "product_list_viewed",
    "product_viewed",
    "product_added",
    "product_removed",
    "cart_viewed",
    "checkout_started",
    "coupon_entered",
    "coupon_applied",
    "coupon_denied",
    "coupon_removed",
    "promotion_viewed",
    "promotion_clicked",
]
ClickstreamName = Literal["page_viewed", "account_cancel_page_viewed"] | ShoppingName
AppName = (
    Literal[
        "screen_viewed",
        "application_opened",
        "application_backgrounded",
        "application_installed",
        "application_updated",
        "application_uninstalled",
        "push_received",
        "push_opened",
        "push_dismissed",
        "permission_changed",
        "deep_link_opened",
    ]
    | ShoppingName
)
BeaconName = Literal["beacon_sighted", "zone_entered", "zone_exited", "zone_dwelled"]
PurchaseName = Literal["order_completed", "order_updated", "order_refunded", "order_cancelled"]
FeedbackName = Literal[
    "offer_delivered",
    "offer_presented",
    "offer_viewed",
    "offer_clicked",
    "offer_dismissed",
    "offer_accepted",
    "offer_redeemed",
    "offer_expired",
    "offer_refused_not_relevant",
    "delivery_failed",
]
ProfileName = Literal[
    "profile_updated",
    "identity_linked",
    "identity_unlinked",
    "consent_updated",
    "service_case_opened",
    "service_case_closed",
    "survey_answered",
    "retention_outcome",
]
PrivacyName = Literal["erasure_requested", "access_requested"]
QuestionName = Literal["offer_requested", "customer_requested"]


class Event(Block, frozen=True, kw_only=True):
    """What every event carries; `occurred_at` is the event time.

    `odd_parts`: how many parts could not be read and were left out (`inputs.repair` sets it).
    """

    event_id: Id
    occurred_at: Zoned
    identity: Identity
    channel: ChannelName
    sent_at: Zoned | None = None
    context: Context = Context()
    traceparent: Annotated[str, Meta(max_length=64)] | None = None
    odd_parts: Count = 0

    @property
    def at_ms(self) -> int:
        """The event time in milliseconds since the epoch, UTC."""
        return round(self.occurred_at.timestamp() * 1000)


class Page(Block, frozen=True, kw_only=True):
    """A web page that was looked at."""

    path: Annotated[str, Meta(min_length=1, max_length=2048)]
    referrer_host: Text | None = None
    title: Text | None = None
    dwell_ms: DurationMs | None = None
    scroll_pct: Annotated[float, Meta(ge=0, le=100)] | None = None


class Query(Block, frozen=True, kw_only=True):
    """A search in the shop."""

    text: Text
    results_count: Count | None = None


class Promotion(Block, frozen=True, kw_only=True):
    """A promotion on a page."""

    promotion_id: Id
    name: Text | None = None
    position: Count | None = None


class Screen(Block, frozen=True, kw_only=True):
    """A screen of the app."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    dwell_ms: DurationMs | None = None


class Push(Block, frozen=True, kw_only=True):
    """A push message on a phone."""

    message_id: Id
    decision_id: Id | None = None


class Permission(Block, frozen=True, kw_only=True):
    """A permission that the person gave to the app, or took away."""

    kind: Literal["push", "location", "bluetooth", "camera", "tracking"]
    status: Literal["granted", "denied", "not_determined"]


class Clickstream(Event, frozen=True, kw_only=True):
    """A record of `events.clickstream`."""

    event_name: ClickstreamName
    page: Page
    query: Query | None = None
    product: Product | None = None
    products: Annotated[tuple[Product, ...], Meta(max_length=200)] = ()
    cart: Cart | None = None
    promotion: Promotion | None = None
    coupon_code: CouponText | None = None
    session_id: Id | None = None


class App(Event, frozen=True, kw_only=True):
    """A record of `events.app`."""

    event_name: AppName
    screen: Screen | None = None
    push: Push | None = None
    permission: Permission | None = None
    query: Query | None = None
    product: Product | None = None
    products: Annotated[tuple[Product, ...], Meta(max_length=200)] = ()
    cart: Cart | None = None
    promotion: Promotion | None = None
    coupon_code: CouponText | None = None
    session_id: Id | None = None


class Zone(Block, frozen=True, kw_only=True):
    """A part of a store."""

    id: Id
    type: Annotated[str, Meta(max_length=64)] | None = None
    floor: Annotated[str, Meta(max_length=16)] | None = None


class Beacon(Event, frozen=True, kw_only=True):
    """A record of `events.beacon`; store, zone and visit may be filled from the registry."""

    event_name: BeaconName
    beacon: BeaconAddress
    observation: Literal["sighting", "enter", "exit", "dwell"]
    rssi_dbm: Annotated[int, Meta(ge=-127, le=127)] | None = None
    proximity: Literal["immediate", "near", "far", "unknown"] = "unknown"
    distance_m: Annotated[float, Meta(ge=-1, le=1000)] | None = None
    dwell_ms: DurationMs | None = None
    app_state: Literal["foreground", "background", "terminated"] | None = None
    store_id: Id | None = None
    gln: Digits | None = None
    zone: Zone | None = None
    zone_visit_id: Id | None = None


class CouponUse(Block, frozen=True, kw_only=True):
    """A coupon on an order; an odd code is kept as text, or as none, and loses nothing else."""

    discount: Price = 0.0
    if TYPE_CHECKING:
        code: str | None = None
    else:
        code: Any = None
    gcn: Annotated[str, Meta(pattern=GCN_PATTERN)] | None = None
    offer_id: Id | None = None
    decision_id: Id | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Bring discount and code into their one form."""
        keep_price(self, "discount")
        if self.code is not None:
            force_setattr(self, "code", code_text(self.code))


class Loyalty(Block, frozen=True, kw_only=True):
    """Points on an order."""

    points_earned: Count = 0
    points_redeemed: Count = 0


class Purchase(Event, frozen=True, kw_only=True):
    """A record of `events.purchase`."""

    event_name: PurchaseName
    order_id: Id
    total: Total
    items: Annotated[tuple[LineItem, ...], Meta(max_length=500)]
    sales_channel: SalesChannel | None = None
    store_id: Id | None = None
    gln: Digits | None = None
    receipt_id: Id | None = None
    coupons: Annotated[tuple[CouponUse, ...], Meta(max_length=50)] = ()
    loyalty: Loyalty | None = None
    original_order_id: Id | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Bring the total into its one form."""
        keep_total(self)


class Redemption(Block, frozen=True, kw_only=True):
    """Where and how an offer was used."""

    channel: SalesChannel | None = None
    gln: Digits | None = None
    order_id: Id | None = None
    code: CouponText | None = None


class OfferFeedback(Event, frozen=True, kw_only=True):
    """A record of `events.offer-feedback`."""

    event_name: FeedbackName
    decision_id: Id
    offer_id: Id
    placement: Id | None = None
    reward: Price | None = None
    redemption: Redemption | None = None
    reason: Text | None = None
    reporter: Literal["app", "web", "pos", "crm", "email_provider", "push_provider"] | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Bring the reward into its one form."""
        keep_price(self, "reward")


class Link(Block, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Two ids that are one person."""

    from_: Id
    to: Id
    method: LinkMethod
    evidence_event_id: Id | None = None


class ServiceCase(Block, frozen=True, kw_only=True):
    """A case of customer service."""

    case_id: Id
    topic: Annotated[str, Meta(max_length=64)] | None = None
    severity: Literal["low", "medium", "high"] = "medium"


class Survey(Block, frozen=True, kw_only=True):
    """An answer to a survey."""

    nps: Annotated[int, Meta(ge=0, le=10)] | None = None
    score: Annotated[float, Meta(ge=0, le=100)] | None = None


class RetentionOutcome(Block, frozen=True, kw_only=True):
    """What became of an alert; `snooze_until` goes with `snoozed`."""

    alert_id: Id
    result: Literal["contacted", "saved", "lost", "false_alarm", "no_answer", "snoozed"]
    snooze_until: Zoned | None = None


TraitText = Annotated[str, Meta(max_length=4096)]
TraitList = Annotated[list[TraitText], Meta(max_length=256)]
TraitValue = FreeValue | TraitList
SaidOfPurpose = Annotated[str, Meta(max_length=64)] | bool | None


class Profile(Event, frozen=True, kw_only=True):
    """A record of `events.profile`."""

    event_name: ProfileName
    op: Literal["set", "unset", "increment", "append"] = "set"
    traits: Annotated[dict[FreeName, TraitValue], Meta(max_length=64)] | None = None
    link: Link | None = None
    purposes: Annotated[dict[FreeName, SaidOfPurpose], Meta(max_length=64)] | None = None
    collected_at: Zoned | None = None
    policy_version: Annotated[str, Meta(max_length=64)] | None = None
    case: ServiceCase | None = None
    survey: Survey | None = None
    outcome: RetentionOutcome | None = None


class PrivacyRequest(Event, frozen=True, kw_only=True):
    """A record of `privacy.requests`: `requested_at` counts as the event time."""

    event_name: PrivacyName
    request_id: Id
    requested_at: Zoned


class Question(Event, frozen=True, kw_only=True):
    """A record of `questions`: somebody waits for the answer, at `reply_to`, until `answer_by`."""

    event_name: QuestionName
    placement: Id | None = None
    reply_to: Id | None = None
    answer_by: Zoned | None = None
    asked_by: Id | None = None
    product: Product | None = None
    store_id: Id | None = None


InputEvent = (
    Clickstream | App | Beacon | Purchase | OfferFeedback | Profile | PrivacyRequest | Question
)


def names_of(kind: object) -> tuple[str, ...]:
    """All names inside a `Literal`, or a union of them, in their order.

    >>> names_of(PrivacyName)
    ('erasure_requested', 'access_requested')
    """
    names: list[str] = []
    for arg in get_args(kind):
        names.extend([arg] if isinstance(arg, str) else names_of(arg))
    return tuple(names)
