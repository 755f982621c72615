"""Reference data that people write: offers, products, stock, beacons, and the policies.

Each is a YAML or JSON file of a list, published record by record on its compacted topic (`ref.*`);
`Policies` is one document. Shares are 0 to 1, money is in the shop's currency.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from streams.contracts.common import (
    COUPON_CODE_PATTERN,
    GCN_PATTERN,
    PLACE_PATTERN,
    Amount,
    Block,
    ChannelName,
    Count,
    Currency,
    Digits,
    DurationMs,
    FreeName,
    FreeNumber,
    Id,
    LanguageTag,
    Purpose,
    RiskBandName,
    Text,
    Zoned,
)
from streams.contracts.inputs.beacon_addresses import BeaconAddress, Eid
from streams.contracts.inputs.events import Zone
from streams.contracts.money import Cost
from streams.contracts.reference.wallet import WalletPass

Share = Annotated[float, Meta(ge=0, le=1)]
PartShare = Annotated[float, Meta(ge=0, lt=1)]
TriggerKind = Literal[
    "product_viewed",
    "cart_abandoned",
    "zone_entered",
    "zone_dwelled",
    "application_opened",
    "search_without_result",
    "order_completed",
    "churn_band_entered",
    "first_purchase_due",
    "second_purchase_due",
    "offer_requested",
]
Exploration = Literal["inverse_gap", "thompson", "epsilon"]
CouponCode = Annotated[str, Meta(min_length=1, max_length=64, pattern=COUPON_CODE_PATTERN)]
Version = Annotated[int, Meta(ge=1, le=10**9)]
RssiDbm = Annotated[int, Meta(ge=-127, le=127)]
Channels = tuple[ChannelName, ...]
Chooser = Literal["policy", "uniform", "holdout"]
Hour = Annotated[int, Meta(ge=0, le=24)]
Days = Annotated[float, Meta(gt=0, le=730)]
Positive = Annotated[float, Meta(gt=0, le=1e9)]
SNOOZE_DAYS_MAX = 90


class Conditions(Block, frozen=True, kw_only=True):
    """What a basket must hold for the offer to count; empty lists do not restrict."""

    min_spend: Cost = 0.0
    product_ids: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()
    categories: Annotated[tuple[Text, ...], Meta(max_length=50)] = ()
    store_ids: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()


class FrequencyCap(Block, frozen=True, kw_only=True):
    """At most `count` contacts in a rolling window of `days`."""

    count: Annotated[int, Meta(ge=1, le=100)]
    days: Days


class Offer(Block, frozen=True, kw_only=True, rename={"class_": "class"}):
    """An offer that may be shown to a person, and everything that decides to whom and when."""

    offer_id: Id
    version: Version = 1
    class_: Annotated[str, Meta(min_length=1, max_length=64)] = "standard"
    kind: Literal["percent", "amount", "bogo", "points", "content", "service"]
    value: Cost = 0.0
    currency: Currency = "EUR"
    title: dict[LanguageTag, Text]
    conditions: Conditions = Conditions()
    valid_from: Zoned
    valid_until: Zoned
    redeem_within_days: Days = 7.0
    channels: Annotated[Channels, Meta(min_length=1, max_length=16)] = ("app", "web")
    triggers: Annotated[tuple[TriggerKind, ...], Meta(max_length=16)] = ()
    purpose: Purpose = "personalization"
    segment: Annotated[str, Meta(max_length=2000)] = "true"
    cap: FrequencyCap | None = None
    once_per_person: bool = True
    never_with: Annotated[tuple[Id, ...], Meta(max_length=1_000)] = ()
    not_after: Annotated[dict[Id, Days], Meta(max_length=1_000)] = field(default_factory=dict)
    margin: Amount
    discount: Cost = 0.0
    contact_cost: Cost = 0.0
    expected_rate: Share | None = None
    features: Annotated[dict[FreeName, FreeNumber], Meta(max_length=64)] = field(
        default_factory=dict
    )
    template_id: Id = "default"
    coupon_code: CouponCode | None = None
    gcn: Annotated[str, Meta(pattern=GCN_PATTERN)] | None = None
    stock_product_id: Id | None = None
    holdout_share: PartShare = 0.0
    paused: bool = False
    wallet: WalletPass | None = None
    budget: Positive | None = None
    discount_max: Positive | None = None

    @property
    def coupons(self) -> tuple[str, ...]:
        """The code and the GCN of its coupon; without one, a purchase that it led to is its use."""
        return tuple(filter(None, (self.coupon_code, self.gcn)))


class ProductInfo(Block, frozen=True, kw_only=True):
    """What the shop knows of a product."""

    product_id: Id
    category: Text
    name: Text | None = None
    brand: Text | None = None
    gtin: Digits | None = None
    price: Amount | None = None
    margin: Amount | None = None
    own_brand: bool = False


class StockLevel(Block, frozen=True, kw_only=True):
    """How many pieces of a product a store holds; store `*` is the web shop's warehouse."""

    product_id: Id
    store_id: Annotated[str, Meta(pattern=PLACE_PATTERN)]
    quantity: Count
    updated_at: Zoned | None = None


class BeaconPlace(Block, frozen=True, kw_only=True):
    """Where a beacon hangs. `eids`: what a beacon whose id rolls shows now, and shows next."""

    beacon_ref: Id
    address: BeaconAddress
    store_id: Id
    zone: Zone
    gln: Digits | None = None
    eids: Annotated[tuple[Eid, ...], Meta(max_length=512)] = ()


class TriggerRule(Block, frozen=True, kw_only=True):
    """When a moment in a person's day asks for a decision, and how soon it may ask again."""

    rule_id: Id
    kind: TriggerKind
    channel: ChannelName
    channels: Annotated[Channels, Meta(max_length=7)] = ()
    placement: Id
    rearm_ms: DurationMs = 3_600_000
    min_dwell_ms: DurationMs = 0
    after_ms: DurationMs = 0
    when: Annotated[str, Meta(max_length=2000)] = "true"
    valid_for_ms: DurationMs = 3_600_000
    enabled: bool = True


class QuietHours(Block, frozen=True, kw_only=True):
    """No push between `from_hour` and `to_hour` in the person's own zone; equal means never."""

    from_hour: Hour = 22
    to_hour: Hour = 8


class ContactPolicy(Block, frozen=True, kw_only=True):
    """How often a person hears from us, over all offers and channels."""

    caps: Annotated[tuple[FrequencyCap, ...], Meta(max_length=8)] = (
        FrequencyCap(count=3, days=1.0),
        FrequencyCap(count=8, days=7.0),
    )
    calendar_day_max: Annotated[int, Meta(ge=1, le=100)] = 3
    min_gap_ms: DurationMs = 1_800_000
    deferred_gap_ms: DurationMs = 300_000
    refused_class_days: Annotated[float, Meta(ge=0, le=730)] = 30.0
    quiet_hours: QuietHours = QuietHours()
    quiet_channels: Annotated[Channels, Meta(max_length=16)] = ("push", "sms", "email")
    fatigue_price: Cost = 0.05
    learn_fatigue: bool = False
    reachable_value: Cost = 0.0
    channel_costs: dict[ChannelName, Cost] = field(default_factory=dict)
    answer_rates: dict[ChannelName, Share] = field(default_factory=dict)


class Arm(Block, frozen=True, kw_only=True):
    """One arm of the experiment: who chooses, and for which share of the people."""

    name: Id
    share: Share
    chooser: Chooser


class Experiment(Block, frozen=True, kw_only=True):
    """People are given an arm by a salted hash of their id, for good."""

    id: Id = "global"
    salt: Annotated[str, Meta(min_length=1, max_length=64)] = "offerstream"
    arms: Annotated[tuple[Arm, ...], Meta(min_length=1, max_length=8)] = (
        Arm(name="policy", share=0.95, chooser="policy"),
        Arm(name="holdout", share=0.05, chooser="holdout"),
    )
    window_days: Days = 28.0


class Lever(Block, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What the owner adds to a priority by hand, in the shop's currency, until when, and why.

    It counts for all that it names together: an offer, a class of offers, a channel.
    """

    lever_id: Id
    amount: Annotated[float, Meta(ge=-1e6, le=1e6)]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    valid_from: Zoned | None = None
    valid_until: Zoned
    offer_id: Id | None = None
    class_: Annotated[str, Meta(max_length=64)] | None = None
    channel: ChannelName | None = None


class ChallengerPolicy(Block, frozen=True, kw_only=True):
    """How the challenger draws, beside the response model or after it was promoted."""

    exploration: Exploration = "inverse_gap"
    epsilon: Annotated[float, Meta(ge=0.001, le=1)] = 0.01


class Arbitration(Block, frozen=True, kw_only=True):
    """How eligible offers are weighed against each other and against no offer at all."""

    policy_id: Id = "value-explored"
    version: Version = 1
    exploration: Exploration = "inverse_gap"
    epsilon: Annotated[float, Meta(ge=0.001, le=1)] = 0.01
    attribution_window_days: Days = 7.0
    redeemed_at_base_rate: Share = 0.3
    compared_at_limits: Share = 1.0
    lever_max: Annotated[float, Meta(ge=0, le=1e6)] = 1.0
    challenger: ChallengerPolicy | None = None


class ZoneRules(Block, frozen=True, kw_only=True):
    """How beacon sightings become visits to a zone."""

    enter_rssi_dbm: RssiDbm = -80
    exit_rssi_dbm: RssiDbm = -90
    min_dwell_ms: DurationMs = 5_000
    exit_after_ms: DurationMs = 30_000
    exit_lost_after_ms: DurationMs = 14_400_000
    reentry_cooldown_ms: DurationMs = 300_000


class RiskBand(Block, frozen=True, kw_only=True):
    """A band of churn risk: everyone at or above `from_risk`."""

    name: RiskBandName
    from_risk: Share


class ChurnDefinition(Block, frozen=True, kw_only=True):
    """What leaving means in this shop, when to warn, and what a saved customer is worth."""

    definition_id: Id = "no-purchase-13-weeks"
    tick: Literal["week", "day"] = "week"
    horizon_ticks: Annotated[int, Meta(ge=1, le=104)] = 13
    bands: Annotated[tuple[RiskBand, ...], Meta(min_length=1, max_length=3)] = (
        RiskBand(name="medium", from_risk=0.5),
        RiskBand(name="high", from_risk=0.75),
    )
    hysteresis: Share = 0.15
    save_rate: Share = 0.1
    margin_share: Share = 0.3
    contact_cost: Cost = 0.2
    control_share: Share = 0.1
    min_purchases: Annotated[int, Meta(ge=1, le=100)] = 2
    signal_window_days: Days = 30.0
    false_alarm_days: Days = 90.0
    snooze_days: Annotated[float, Meta(gt=0, le=SNOOZE_DAYS_MAX)] = 14.0
    cases_per_week: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None

    @property
    def tick_ms(self) -> int:
        """The length of a tick in milliseconds."""
        return 604_800_000 if self.tick == "week" else 86_400_000

    @property
    def horizon_ms(self) -> int:
        """The horizon in milliseconds."""
        return self.horizon_ticks * self.tick_ms


class IdentityRules(Block, frozen=True, kw_only=True):
    """Which ids are nobody's, and how far ids are linked."""

    placeholders: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=200)
    ] = ()
    ids_per_person_max: Annotated[int, Meta(ge=1, le=16)] = 16
    links_per_day_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    shared_device_people: Annotated[int, Meta(ge=1, le=8)] = 5
    shared_device_days: Days = 30.0

    @property
    def words(self) -> frozenset[str]:
        """The shop's own placeholders as they are compared: in lower case, without outer spaces."""
        return frozenset(word.strip().lower() for word in self.placeholders)


class ExchangeRate(Block, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What one of a currency is in the shop's, from a moment until the next rate."""

    currency: Currency
    from_: Zoned
    rate: Annotated[float, Meta(gt=0, le=1e6)]


class Policies(Block, frozen=True, kw_only=True):
    """The one document on `ref.policies`: every rule that is not an offer."""

    policy_version: Annotated[str, Meta(max_length=64)] = "1"
    currency: Currency = "EUR"
    triggers: Annotated[tuple[TriggerRule, ...], Meta(max_length=50)] = ()
    contact: ContactPolicy = ContactPolicy()
    experiment: Experiment = Experiment()
    arbitration: Arbitration = Arbitration()
    levers: Annotated[tuple[Lever, ...], Meta(max_length=200)] = ()
    zones: ZoneRules = ZoneRules()
    churn: ChurnDefinition = ChurnDefinition()
    offer_ttl_late_ms: DurationMs = 600_000
    identity: IdentityRules = IdentityRules()
    exchange_rates: Annotated[tuple[ExchangeRate, ...], Meta(max_length=5_000)] = ()
    stores: Annotated[dict[Id, Digits], Meta(max_length=10_000)] = field(default_factory=dict)
    coupon_after_cancel: Literal["used", "free"] = "used"


class Reference(Block, frozen=True, kw_only=True):
    """All reference data at one moment, as it stands in a folder or on the `ref.*` topics."""

    policies: Policies = Policies()
    offers: tuple[Offer, ...] = ()
    products: tuple[ProductInfo, ...] = ()
    inventory: tuple[StockLevel, ...] = ()
    beacons: tuple[BeaconPlace, ...] = ()
