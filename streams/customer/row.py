"""The row: everything that we know of one customer, as one immutable, versioned struct.

A row is a `Customer` or an `Alias` (a forwarding address); beside them stands the partition's
`Lease`. Every list has a maximum; the sum of
them keeps a row under `ROW_BYTES_MAX`. Nothing here changes a row: `apply` and its kin do.
"""

from typing import Literal, get_args

from msgspec import Struct

from streams.contracts.common import (
    ChannelName,
    ConsentState,
    LifecycleStage,
    LinkMethod,
    Purpose,
    RiskBandName,
    SalesChannel,
)
from streams.contracts.internal.leases import Reservation
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer.id_history import ERASURE_REMEMBERED_MS, Encounter, Erasure
from streams.customer.parts import AlertCase as AlertCase
from streams.customer.parts import Answers as Answers
from streams.customer.parts import Cart as Cart
from streams.customer.parts import CartItem as CartItem
from streams.customer.parts import CaseFollowUp as CaseFollowUp
from streams.customer.parts import Compared as Compared
from streams.customer.parts import Comparison as Comparison
from streams.customer.parts import Contact as Contact
from streams.customer.parts import CountedOffers as CountedOffers
from streams.customer.parts import Enrollment as Enrollment
from streams.customer.parts import OfferEnrollment as OfferEnrollment
from streams.customer.parts import Redeemed as Redeemed
from streams.customer.parts import Refused as Refused
from streams.customer.parts import Reminder as Reminder
from streams.customer.parts import Said as Said
from streams.customer.parts import ScoringMoment as ScoringMoment
from streams.customer.parts import SeenSignal as SeenSignal
from streams.customer.parts import Session as Session
from streams.customer.parts import ShownCoupon as ShownCoupon
from streams.customer.parts import Track as Track
from streams.customer.parts import Value as Value
from streams.customer.parts import ZoneVisit as ZoneVisit
from streams.customer.rhythm import Rhythm
from streams.leases.lease import Lease
from streams.leases.lease import due_at_ms as lease_due_at_ms

ROW_VERSION = 3
ROW_BYTES_MAX = 16_384
RECENT_EVENTS_MAX = 32
LINKED_IDS_MAX = 16
CART_ITEMS_MAX = 20
CART_GONE_MAX = 12
CART_MOVES_MAX = 6
AFFINITIES_MAX = 16
VIEWS_MAX = 8
ORDERS_MAX = 32
LOOSE_ORDERS_MAX = 8
LOOSE_LINES_MAX = 8
ORDER_DIGESTS_MAX = 512
REFUND_MARKS_MAX = 8
VISITS_MAX = 6
CONTACTS_MAX = 32
REDEMPTIONS_MAX = 32
REFUSALS_MAX = 16
OPEN_DECISIONS_MAX = 8
CART_REMINDERS_MAX = 8
DEFERRED_MAX = 16
DEFERRED_BYTES_MAX = 6_144
REMINDERS_MAX = CART_REMINDERS_MAX + DEFERRED_MAX
COUPONS_OUT_MAX = 16
COUPONS_SHOWN_MAX = 8
OLDER_EVENTS_MAX = 224
ARMED_MAX = 16
SIGNALS_MAX = len(get_args(ChurnSignalCode))
EVIDENCE_MAX = 3
CASE_ALERTS_MAX = 4
FOLLOWED_MAX = 4
COMPARISONS_MAX = 2
OFFER_ENROLLMENTS_MAX = 8
TRAITS_MAX = 16
SERVICE_CASES_MAX = 8
CONSENT_SIGNALS_MAX = 12
DecisionStatus = Literal["open", "assisted", "used", "closed"]


class ChannelActivity(Value, frozen=True):
    """One channel (web, app, store): last event, and event counts decayed by 1, 7, 30 days."""

    last_at_ms: int
    day: float = 0.0
    week: float = 0.0
    month: float = 0.0


class Affinity(Value, frozen=True):
    """Interest in a category: a score that halves every 14 days.

    `lasting`: every view, cart line and order counts 1 and halves in a year; below 0 in a row that
    was stored before it was counted, for which the score stands.
    """

    category: str
    score: float
    at_ms: int
    lasting: float = -1.0


class View(Value, frozen=True):
    """A product that was looked at lately."""

    product_id: str
    category: str
    price: float
    at_ms: int


class Order(Value, frozen=True):
    """What is known of one order; `customer.orders` makes it of events in any order.

    `at_ms`: when it was completed. `amount`: its newest total, `refunded`: what of it came back,
    both in the shop's currency. `total_said`: when that total was said, in half milliseconds (an
    update counts half of one more). `completed`: the total at its completion, 0 before it.
    `given_back`: the sum of the returns, however much that is; `returns`: their (event time, hash),
    `marks`: hashes of older rows; `returned_at_ms`: the first. `discount`: all that was taken off,
    `coupon_discount`: by coupons; `lines`: what it is of, as updates say, until it is completed.
    """

    order_id: str
    at_ms: int
    amount: float
    channel: ChannelName | SalesChannel
    refunded: float = 0.0
    total_said: int = 0
    completed: float = 0.0
    given_back: float = 0.0
    marks: tuple[int, ...] = ()
    returned_at_ms: int | None = None
    cancelled: bool = False
    discount: float = 0.0
    coupon_discount: float = 0.0
    lines: tuple[CartItem, ...] = ()
    returns: tuple[tuple[int, int], ...] = ()

    @property
    def net(self) -> float:
        """What the person paid and did not get back."""
        return self.amount - self.refunded

    @property
    def stands(self) -> bool:
        """It was neither cancelled nor given back as a whole."""
        return not self.cancelled and self.net > 0.0


class Spend(Value, frozen=True):
    """What was bought so far: sums decayed by 1, 7, 30 days; totals; what was taken off.

    `orders`: how many, each once; `refunds`: how many of them came back, in part or whole.
    """

    at_ms: int
    day: float = 0.0
    week: float = 0.0
    month: float = 0.0
    total: float = 0.0
    discount_total: float = 0.0
    orders: int = 0
    refunds: int = 0


class Counter(Value, frozen=True):
    """One count over many windows: sparse buckets (index, width code, count), the newest last.

    A bucket is the `index`-th interval of 2^code minutes; see `customer.counters`.
    """

    buckets: tuple[tuple[int, int, int], ...] = ()


class Consent(Value, frozen=True):
    """What the person said of one purpose and when; `by_account`: said by who had signed in.

    `refusal`: before a grant without signing in, the newest refusal; an account may yet count it.
    """

    state: ConsentState
    at_ms: int
    by_account: bool = False
    refusal: "Consent | None" = None


class ConsentSignal(Value, frozen=True):
    """What one source (a banner, a browser, a phone) said last, beside the person's own words.

    `source` is a hash of its kind and device; `denied` has a bit for each purpose that it denies
    (`customer.signals`); a `firm` one is no wish but a fact, which no consent overrules.
    """

    source: int
    denied: int
    at_ms: int
    firm: bool = False


class OpenDecision(Value, frozen=True):
    """A decision that waits for its outcome: what the model saw, and until when we wait.

    `context` and `offer` are float32, little endian, in the order of the feature registry at
    `features_version`. `coupons`: the code and GCN of its coupon; where there are
    any, only showing one counts as use. The times are what was reported; `status` is what came of
    it: `open` waits; `assisted` led to a purchase without a coupon and `used` was redeemed (both
    are label 1); `closed` passed its deadline (label 0) and waits for a late report, and for its
    coupon until `redeem_until_ms`. `channel`: None once the contact counts among the `answers`;
    `reach`: of the channel that was chosen, None where there was none to choose. `reserved`: of the
    offer's budget, None where it has none; of 0 units once the use was charged, `cost` if noted.
    """

    decision_id: str
    offer_id: str
    arm: str
    decided_at_ms: int
    deadline_ms: int
    probability: float
    response_probability: float
    model_version: str
    features_version: int
    context: bytes
    offer: bytes
    categories: tuple[str, ...] = ()
    viewed_at_ms: int | None = None
    redeemed_at_ms: int | None = None
    dismissed_at_ms: int | None = None
    status: DecisionStatus = "open"
    coupons: tuple[str, ...] = ()
    redeem_until_ms: int = 0
    channel: ChannelName | None = None
    reach: float | None = None
    reserved: Reservation | None = None
    cost: int = 0


class Armed(Value, frozen=True):
    """When a trigger rule fired, and by which event (a hash of its id; 0: nothing was answered)."""

    rule_id: str
    fired_at_ms: int
    fired_by: int = 0


class Churn(Value, frozen=True):
    """What the churn engine remembers; `horizons` wait for a whole one's label, by due time.

    `risk`: the score of the last evaluation; `stated_risk`: with what the signals added. No case
    opens before `silenced_until_ms` (a false alarm), none opens or grows before `snoozed_until_ms`.
    `followed`: cases whose outcome is not known yet; `near_since_ms`: since when one has been near.
    """

    risk: float | None = None
    scored_at_ms: int | None = None
    next_tick_ms: int | None = None
    waiting: ScoringMoment | None = None
    band: RiskBandName = "low"
    case: AlertCase | None = None
    armed: bool = True
    stage: LifecycleStage | None = None
    silenced_until_ms: int = 0
    horizons: tuple[ScoringMoment, ...] = ()
    snoozed_until_ms: int = 0
    track: Track | None = None
    followed: tuple[CaseFollowUp, ...] = ()
    stated_risk: float | None = None
    near_since_ms: int | None = None

    @property
    def dues(self) -> list[int]:
        """When the next tick, the first horizon, the first case and a look at the track are due."""
        dues = [moment.label_due_at_ms for moment in self.horizons[:1]]
        dues += [case.ends_at_ms for case in self.followed[:1]]
        others = (self.next_tick_ms, self.track.look_ms if self.track else None)
        return dues + [at_ms for at_ms in others if at_ms is not None]


class Customer(Struct, frozen=True, array_like=True, tag=1, kw_only=True):
    """One person across web, app and store.

    `refused_ids` belong to somebody else, `unlinked` were; `met` is who asked for this id and
    `said_linked` is when each linked id was last said to be theirs, by a hash of the id;
    `shared` of a device, `links_on` a day and how many links were asked for on it. `timezone` was
    named at `zone_named_ms`. `enrollment`: in the comparison of arms. `compared`: what is bought
    after decisions. `offer_enrollments`: in comparisons of offers with their holdouts.
    """

    version: int
    customer_id: str
    created_at_ms: int
    last_at_ms: int
    known: bool = False
    linked_ids: tuple[str, ...] = ()
    recent_events: tuple[tuple[int, int], ...] = ()
    channels: dict[ChannelName, ChannelActivity] = {}
    session: Session | None = None
    cart: Cart | None = None
    affinities: tuple[Affinity, ...] = ()
    views: tuple[View, ...] = ()
    counters: dict[str, Counter] = {}
    orders: tuple[Order, ...] = ()
    spend: Spend | None = None
    rhythm: Rhythm | None = None
    visits: tuple[ZoneVisit, ...] = ()
    consents: dict[Purpose, Consent] = {}
    consent_version: str = ""
    contacts: tuple[Contact, ...] = ()
    redemptions: tuple[Redeemed, ...] = ()
    open_decisions: tuple[OpenDecision, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    fired: tuple[Armed, ...] = ()
    signals: tuple[SeenSignal, ...] = ()
    churn: Churn = Churn()
    traits: dict[str, str | int | float | bool | tuple[str, ...] | None] = {}
    timezone: str = "UTC"
    locale: str = "en"
    service_cases: tuple[str, ...] = ()
    nps: int | None = None
    loose_orders: tuple[Order, ...] = ()
    order_digests: bytes = b""
    links_asked: tuple[str, ...] = ()
    refusals: tuple[Refused, ...] = ()
    consent_signals: tuple[ConsentSignal, ...] = ()
    refused_ids: tuple[str, ...] = ()
    met: tuple[Encounter, ...] = ()
    shared: bool = False
    links_on: tuple[int, int] = (0, 0)
    erasure: Erasure | None = None
    coupons_out: tuple[OpenDecision, ...] = ()
    older_events: bytes = b""
    coupons_shown: tuple[ShownCoupon, ...] = ()
    unlinked: tuple[Encounter, ...] = ()
    said_linked: tuple[tuple[int, int], ...] = ()
    zone_named_ms: int | None = None
    enrollment: Enrollment | None = None
    compared: Compared | None = None
    offer_enrollments: tuple[OfferEnrollment, ...] = ()
    answers: tuple[Answers, ...] = ()
    offers_counted: CountedOffers | None = None


class Alias(Struct, frozen=True, array_like=True, tag=2, kw_only=True):
    """A forwarding address: what was known under this id belongs to `moved_to` now."""

    version: int
    alias_id: str
    moved_to: str
    moved_at_ms: int
    method: LinkMethod
    met: tuple[Encounter, ...] = ()
    erasure: Erasure | None = None


class Erased(Struct, frozen=True, array_like=True, tag=3, kw_only=True):
    """What stays where a person was erased: that nothing older may come back, for a time."""

    version: int
    erasure: Erasure


PersonRow = Customer | Alias | Erased
Row = PersonRow | Lease


def new_customer(customer_id: str, at_ms: int, *, known: bool = False) -> Customer:
    """The row of somebody whom we see for the first time."""
    return Customer(
        version=ROW_VERSION,
        customer_id=customer_id,
        created_at_ms=at_ms,
        last_at_ms=at_ms,
        known=known,
    )


def due_at_ms(row: Row | None) -> int | None:
    """When the row wants to be looked at next, by event time; `None`: never."""
    if isinstance(row, Erased):
        return row.erasure.at_ms + ERASURE_REMEMBERED_MS
    if not isinstance(row, Customer):
        return lease_due_at_ms(row) if isinstance(row, Lease) else None
    dues = row.churn.dues + (row.enrollment.dues if row.enrollment is not None else [])
    dues += [e.until_ms for e in row.offer_enrollments if not e.told]
    if row.compared is not None:
        dues += [comparison.ends_at_ms for comparison in row.compared.open]
    if not (row.reminders or row.open_decisions or row.visits or row.coupons_out):
        return min(dues, default=None)
    dues += [reminder.due_at_ms for reminder in row.reminders]
    dues += [d.deadline_ms for d in row.open_decisions]
    dues += [v.due_ms for v in row.visits if v.due_ms is not None]
    dues += [d.deadline_ms for d in row.coupons_out]
    return min(dues, default=None)
