"""Parts of the row with a life of their own: the cart, visits to zones, churn cases, as stored."""

from typing import Literal

from msgspec import Struct

from streams.contracts.common import ChannelName, RiskBandName, Stance, TrackName
from streams.contracts.outputs.payloads import ChurnSignalCode, CrmResult
from streams.contracts.reference.structs import Chooser
from streams.contracts.sums import sum_of
from streams.customer.rhythm import Rhythm

SignalStrength = tuple[ChurnSignalCode, float]


class Value(Struct, frozen=True, array_like=True, omit_defaults=True):
    """A part of the row: stored by position, so new fields go to the end with a default."""


class CartItem(Value, frozen=True):
    """A line of the cart.

    `moves` are the newest changes of its quantity, (event time, pieces), the oldest first: with
    them a change that comes late finds its place. `price` is 0 where nobody said one.
    """

    product_id: str
    category: str
    quantity: int
    price: float
    gtin: str = ""
    moves: tuple[tuple[int, int], ...] = ()


class Cart(Value, frozen=True):
    """The cart as last seen; without items after a purchase.

    `whole_at_ms` is when it was last shown whole or emptied: nothing older changes it. `gone` are
    lines without pieces that a change which comes late may still concern. `touched_at_ms` is when
    somebody was last busy with it beside changing it: `updated_at_ms` is the newest of all.
    """

    cart_id: str
    updated_at_ms: int
    items: tuple[CartItem, ...] = ()
    whole_at_ms: int = 0
    gone: tuple[CartItem, ...] = ()
    touched_at_ms: int = 0

    @property
    def value(self) -> float:
        """The sum of the cart in the shop's currency."""
        return sum_of(item.price * item.quantity for item in self.items)


class Session(Value, frozen=True):
    """The visit that is going on; it ends after 30 minutes of silence."""

    session_id: str
    channel: ChannelName
    started_at_ms: int
    last_at_ms: int
    views: int = 0
    searches: int = 0
    dwell_ms: int = 0


class ShownCoupon(Value, frozen=True):
    """A coupon on an order, or the report of a use, whose decision the row does not hold (yet).

    `shares`: how many coupons the order had. `counted`: the offer counts as used already, only the
    decision's outcome is still to be told. `charged`: to the offer's budget, `cost` of it, in units
    of `leases.amounts`; `discount`: the most that it took off.
    """

    order_id: str
    at_ms: int
    shares: int = 1
    code: str = ""
    gcn: str = ""
    offer_id: str = ""
    decision_id: str = ""
    counted: bool = False
    charged: bool = False
    discount: float = 0.0
    cost: int = 0


class Contact(Value, frozen=True):
    """An offer that was sent to this person.

    `channel_cost`: of the channel that was chosen, in the shop's currency, beside the offer's own
    contact cost; None where there was none to choose.
    """

    at_ms: int
    offer_id: str
    channel: ChannelName
    decision_id: str
    channel_cost: float | None = None


class Redeemed(Value, frozen=True):
    """An offer that this person used, and with which order, if one is known.

    `again`: with a coupon that was used before; it was charged, and counts for nothing else.
    `cost`: what it was charged to the offer's budget, in units of `leases.amounts`; 0: nothing, or
    a program that did not note it.
    """

    offer_id: str
    at_ms: int
    order_id: str = ""
    again: bool = False
    cost: int = 0


class Refused(Value, frozen=True):
    """An offer that this person has said is of no interest to them; the newest word of each."""

    offer_id: str
    at_ms: int


class Reminder(Value, frozen=True):
    """A wish to be looked at: a cart that may be abandoned, a decision that has to wait.

    `ref` is the trigger event of a decision that waits, as JSON.
    """

    kind: Literal["cart_abandoned", "deferred", "linking"]
    due_at_ms: int
    rule_id: str
    event_id: str
    ref: str = ""

    @property
    def size(self) -> int:
        """About how many bytes it takes in the row."""
        return len(self.ref.encode()) + len(self.rule_id) + len(self.event_id) + 24


class ZoneVisit(Value, frozen=True):
    """A visit to a zone of a store, made of what beacons and the phone's system tell.

    `entered_at_ms`: since when it counts. `held`: the phone's system has said that the person came,
    and not that they left. `weak_ms`: a weak signal that is newer than every good one. `spoken_ms`:
    the dwell that was told to trigger rules. `told`: its end was published. `event_id`, `channel`
    and `traceparent` are those of the event that began it. `beacons`: what the phone's system said
    last of each beacon of the zone, as `customer.zone_holders` has it.
    """

    visit_id: str
    store_id: str
    zone_id: str
    zone_type: str
    first_seen_ms: int
    last_seen_ms: int
    entered_at_ms: int | None = None
    exited_at_ms: int | None = None
    held: bool = False
    weak_ms: int | None = None
    spoken_ms: int = 0
    due_ms: int | None = None
    told: bool = False
    event_id: str = ""
    channel: ChannelName = "app"
    traceparent: str | None = None
    beacons: tuple[tuple[int, int, bool], ...] = ()


class SeenSignal(Value, frozen=True):
    """A churn signal and the newest events that show it."""

    code: ChurnSignalCode
    strength: float
    at_ms: int
    event_ids: tuple[str, ...] = ()


class Enrollment(Value, frozen=True):
    """A person who takes part in the comparison of arms, since the first decision that could offer.

    `experiment`: a hash of its id and salt. `shares`: of the people that policy, uniform and
    holdout choose for, as they were dealt then. At `until_ms` it is told what the shop earned.
    """

    experiment: int
    decision_id: str
    chooser: Chooser
    shares: tuple[float, ...]
    since_ms: int
    until_ms: int
    told: bool = False

    @property
    def dues(self) -> list[int]:
        """When the window is over, if that is still to come."""
        return [] if self.told else [self.until_ms]


class OfferEnrollment(Value, frozen=True):
    """A person on whom the draw of an offer with a holdout has fallen: sent, or withheld.

    `experiment`: a hash of its id and salt; `share`: of the people in the offer's holdout, as it
    was then. At `until_ms` it is told what the shop earned.
    """

    experiment: int
    offer_id: str
    decision_id: str
    withheld: bool
    share: float
    since_ms: int
    until_ms: int
    told: bool = False


class CountedOffers(Value, frozen=True):
    """Offers whose first draw in an experiment is past, as hashes (`customer.offer_counts`)."""

    experiment: int
    offers: tuple[int, ...]


class Answers(Value, frozen=True):
    """Contacts by one channel whose time is over, and how many were answered; both fade."""

    channel: ChannelName
    contacts: float
    answered: float
    at_ms: int


class Comparison(Value, frozen=True):
    """What is bought after one decision, with its offer or without one, until `ends_at_ms`.

    `offer_id`, `class_`: of the offer that was sent; empty for none. `offered`: P(any offer was
    sent) at this decision, over the arms of the experiment. `uses`: of any offer in this time,
    `own_uses` of them of this decision's, of which the share `expected` was thought to be bought
    anyway; below 0 it is not known.
    """

    decision_id: str
    opened_at_ms: int
    ends_at_ms: int
    offer_id: str
    class_: str
    offered: float
    uses: int = 0
    own_uses: int = 0
    expected: float = -1.0


class Compared(Value, frozen=True):
    """A person who is compared with others: who they were before any offer, and what is open.

    `context` as of `since_ms`, float32 in the order of the feature registry at `features_version`:
    what comes later is moved by the offers themselves. `orders_before`: in the time before that is
    as long as a comparison, and in four times as long.
    """

    since_ms: int
    features_version: int
    context: bytes
    open: tuple[Comparison, ...] = ()
    orders_before: tuple[int, int] = (0, 0)


class Track(Value, frozen=True):
    """The purchase that a new customer has still to make.

    `since_ms`: since when it is waited for; `look_ms`: when it is looked at next, None when the
    horizon is over; `told`: it was said that its time has come.
    """

    name: TrackName
    since_ms: int
    look_ms: int | None = None
    told: bool = False


class Said(Value, frozen=True):
    """What was said of a person at a scoring moment.

    `score`: by the models, before any correction; `risk`: as stated; `own_gaps`: the silence in
    units of the person's usual gap; `signals` that nothing was bought after, with their strength.
    """

    score: float
    risk: float
    own_gaps: float
    signals: tuple[SignalStrength, ...] = ()


class ScoringMoment(Value, frozen=True):
    """A scoring moment that waits for its label: a tick later, or a horizon later.

    `said`: None for a tick, of a person whose case is treated, and before own data carry the score.
    """

    scored_at_ms: int
    label_due_at_ms: int
    rhythm: Rhythm
    said: Said | None = None


class AlertCase(Value, frozen=True):
    """The one open case of a person who is about to leave.

    `spent`: codes of the signals that it was opened or escalated with; `score_max`: the greatest
    score then; `lifted`: the greatest factor on the odds of each of these signals then (none of
    cases that were opened before it was kept); `alert_ids`: of earlier alerts, the first and the
    newest, in their order.
    """

    case_id: str
    alert_id: str
    band: RiskBandName
    opened_at_ms: int
    treated: bool = True
    spent: tuple[ChurnSignalCode, ...] = ()
    score_max: float = 0.0
    alert_ids: tuple[str, ...] = ()
    lifted: tuple[tuple[ChurnSignalCode, float], ...] = ()


class CaseFollowUp(Value, frozen=True):
    """A case whose outcome is waited for, as the alert said that entered it.

    `ends_at_ms`: when its horizon is over and its outcome is known. `lapses_at_ms`: when the person
    counts as lost if nothing is bought: the last moment at which a contact could help. `alert_ids`:
    of its alerts, the first and the newest. `said` at its opening, of a treated case that own data
    carry, with consent to `model_training`. `reported`: the CRM's words on it, in alphabetical
    order. `stance` at its opening, with consent to `model_training`.
    """

    case_id: str
    entered_at_ms: int
    ends_at_ms: int
    lapses_at_ms: int
    treated: bool
    band: RiskBandName
    risk: float
    value_at_risk: float
    alert_ids: tuple[str, ...] = ()
    said: Said | None = None
    reported: tuple[CrmResult, ...] = ()
    stance: Stance | None = None
