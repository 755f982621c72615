"""What goes out: the payloads of every output topic; what we write is closed.

Payload times are RFC 3339, money is `Money`, `text` has English, Japanese and Chinese.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import (
    Block,
    ChannelName,
    LanguageTag,
    LifecycleStage,
    Money,
    RiskBandName,
    TrackName,
    Zoned,
)
from streams.contracts.outputs.candidates import CandidateLog as CandidateLog
from streams.contracts.outputs.candidates import Candidates
from streams.contracts.outputs.candidates import WhyNot as WhyNot
from streams.contracts.outputs.challenger import ChallengerLog
from streams.contracts.outputs.terms import Doubt
from streams.contracts.outputs.terms import Terms as Terms
from streams.contracts.outputs.wallet import Wallet
from streams.contracts.reference.structs import Conditions

Texts = dict[LanguageTag, str]
Verdict = Literal[
    "offer",
    "no_offer",
    "nothing_eligible",
    "holdout",
    "deferred",
    "overtaken",
    "stale",
    "person_cap",
    "min_gap",
    "no_consent",
]
ChurnSignalCode = Literal[
    "purchase_overdue",
    "visit_drop",
    "basket_drop",
    "category_loss",
    "complaint",
    "low_nps",
    "cancel_page",
    "uninstall",
    "unsubscribe",
    "offer_ignored",
    "return_heavy",
]
NextStep = Literal["contact", "offer", "service_recovery"]
CaseResult = Literal["left", "bought", "not_followed"]
CaseArm = Literal["treated", "control"]
CrmResult = Literal["saved", "lost", "false_alarm"]
AlertTransition = Literal["entered", "escalated", "deescalated", "resolved"]
ParkedReason = Literal["refused", "gave_up", "too_old", "bad_template", "unreadable"]
ResolvedBy = Literal[
    "bought", "lapsed", "risk_fell", "merged", "consent_withdrawn", "closed_by_crm"
]


class Trigger(Block, frozen=True, kw_only=True):
    """What asked for a decision."""

    event_id: str
    kind: str
    rule_id: str


class OfferShown(Block, frozen=True, kw_only=True, rename={"class_": "class"}):
    """The chosen offer, as the app shows it."""

    offer_id: str
    version: int
    class_: str
    kind: str
    value: float
    currency: str
    conditions: Conditions
    valid_until: Zoned


class Coupon(Block, frozen=True, kw_only=True):
    """How the till knows the offer."""

    code: str | None = None
    gcn: str | None = None


class Creative(Block, frozen=True, kw_only=True):
    """What to draw."""

    template_id: str
    params: dict[str, str | float]
    locale: str


class Alternative(Block, frozen=True, kw_only=True):
    """An offer that could have been shown, and how probable it was."""

    offer_id: str
    priority: float
    probability: float


class Versioned(Block, frozen=True, kw_only=True):
    """A policy or a model by name and version."""

    id: str
    version: str


class ExperimentArm(Block, frozen=True, kw_only=True):
    """The arm of the experiment that the person is in."""

    id: str
    arm: str
    holdout: bool


class ConsentProof(Block, frozen=True, kw_only=True):
    """The consent that the decision stands on."""

    purposes: dict[str, str]
    policy_version: str


class ConstraintProof(Block, frozen=True, kw_only=True):
    """What was left of the limits when it was decided."""

    cap_remaining: int
    budget_reserved: Money | None = None
    in_stock: bool | None = None


class NextBestOffer(Struct, frozen=True, kw_only=True):
    """A record of `next-best-offers`."""

    decision_id: str
    customer_id: str
    decided_at: Zoned
    valid_until: Zoned
    trigger: Trigger
    channel: ChannelName
    placement: str
    deliver_not_before: Zoned
    offer: OfferShown
    coupon: Coupon | None
    creative: Creative
    reason_codes: tuple[str, ...]
    terms: Terms
    alternatives: tuple[Alternative, ...]
    text: Texts
    policy: Versioned
    model: Versioned
    action_probability: float
    experiment: ExperimentArm
    consent: ConsentProof
    constraints: ConstraintProof
    traceparent: str | None
    wallet: Wallet | None = None


class ChurnSignal(Block, frozen=True, kw_only=True):
    """A churn signal beside the model, with the events that show it.

    `lift`: how many times the odds of leaving are what they were without it, 1 where it adds
    nothing. `cases`: from how many moments of this shop the signal's worth was learned; null where
    it is a judgment, and measured nowhere.
    """

    code: ChurnSignalCode
    strength: float
    lift: float = 1.0
    observed_at: Zoned
    evidence_event_ids: tuple[str, ...]
    cases: int | None = None


class Recommended(Block, frozen=True, kw_only=True):
    """What the CRM may do.

    `offer`: nothing of its own, for the offer `offer_id` of decision `decision_id` goes out by this
    channel. `service_recovery`: settle the complaint (`service_case_ids` are open, where it is one
    of those); no offer is made beside it. `say`: what may be said to the person, who is told
    nothing of risk; the offer's own words where one goes out.
    """

    action: NextStep = "contact"
    channel: ChannelName
    act_before: Zoned
    offer_id: str | None = None
    decision_id: str | None = None
    service_case_ids: tuple[str, ...] = ()
    say: Texts | None = None


class ChurnAlert(Struct, frozen=True, kw_only=True):
    """A record of `churn-alerts`.

    `risk` is what is stated, `score` what the model alone says; `resolved_by` tells how a case
    ended, and is None for one that goes on. `save_rate` is what the case was weighed with.
    """

    alert_id: str
    case_id: str
    customer_id: str
    raised_at: Zoned
    transition: AlertTransition
    resolved_by: ResolvedBy | None = None
    expires_at: Zoned
    risk: float | None
    score: float | None = None
    risk_band: RiskBandName
    previous_band: RiskBandName | None
    horizon_days: float
    definition_id: str
    days_since_last_purchase: float | None
    expected_next_purchase_at: Zoned | None
    overdue_ratio: float | None
    reason_codes: tuple[str, ...]
    signals: tuple[ChurnSignal, ...]
    value_at_risk: Money
    save_rate: float | None = None
    recommended: Recommended | None
    text: Texts
    model: Versioned
    experiment: ExperimentArm
    consent: ConsentProof
    traceparent: str | None


class CaseOutcome(Struct, frozen=True, kw_only=True):
    """A record of `case-outcomes`: what became of a churn case, told when its horizon is over.

    `result`: `left` where nothing was bought within the horizon, so the alert came true; `bought`;
    `not_followed` where the person had more cases than are followed at once. What the alert that
    entered the case said stands beside it, and what the CRM `reported` of it, each word once, in
    alphabetical order.
    """

    case_id: str
    customer_id: str
    known_at: Zoned
    result: CaseResult
    entered_at: Zoned
    horizon_days: float
    arm: CaseArm
    risk_band: RiskBandName
    risk: float
    value_at_risk: Money
    days_to_purchase: float | None
    lead_days: float
    reported: tuple[CrmResult, ...] = ()


class DecisionLog(Struct, frozen=True, kw_only=True):
    """A record of `decision-log`: enough to decide again and get the same bytes.

    `candidates` are columns; in records of older versions a list of offers. `offers` reads both.
    `uplift` is None in records of older versions; `withheld_offer_id` was drawn and not sent.
    `channels`: where there was a choice, P(the person answers there) by channel that was possible.
    `challenger`: of a decision that drew, while a challenger is scored beside the model.
    `doubt`: of a decision that drew, where the policies explore by it.
    """

    decision_id: str
    customer_id: str
    decided_at: Zoned
    verdict: Verdict
    trigger: Trigger
    channel: ChannelName
    placement: str
    chosen_offer_id: str | None
    action_probability: float
    no_offer_probability: float
    candidates: Candidates | tuple[CandidateLog, ...]
    context: dict[str, float]
    policy: Versioned
    model: Versioned
    experiment: ExperimentArm
    traceparent: str | None
    uplift: Versioned | None = None
    withheld_offer_id: str | None = None
    channels: dict[ChannelName, float] = {}
    fatigue: Versioned | None = None
    challenger: ChallengerLog | None = None
    doubt: Doubt | None = None

    @property
    def offers(self) -> tuple[CandidateLog, ...]:
        """Every offer that was looked at, one by one; made anew each time."""
        candidates = self.candidates
        return candidates.rows() if isinstance(candidates, Candidates) else candidates

    def by_offer(self) -> "DecisionLog":
        """The same record with its offers one by one, as records of version 1 have them."""
        return replace(self, candidates=self.offers)

    @property
    def why_nots(self) -> list[WhyNot]:
        """What stood in the way of offers, one for each that anything stood in the way of."""
        candidates = self.candidates
        if isinstance(candidates, Candidates):
            return [code for code in candidates.why_not if code is not None]
        return [c.why_not for c in candidates if c.why_not is not None]


class IdentityChange(Struct, frozen=True, kw_only=True):
    """A record of `identity-changes`."""

    change_id: str
    kind: Literal["linked", "unlinked", "conflict", "shared_device", "limit_reached"]
    customer_id: str
    other_id: str
    method: str
    changed_at: Zoned
    evidence_event_id: str | None


class SegmentChange(Struct, frozen=True, kw_only=True):
    """A record of `segment-changes`: the life-cycle stage of a person.

    `track`: the purchase that a new customer has still to make; `track_due`: the time in which
    people of this shop make it is as good as over. The stage may be the one before. `warned`: of
    who is lapsed, whether a churn case was opened in this silence; none where none could be.
    """

    change_id: str
    customer_id: str
    changed_at: Zoned
    segment: LifecycleStage
    previous: LifecycleStage | None
    track: TrackName | None = None
    track_due: bool = False
    warned: bool | None = None


class ZoneVisitChange(Struct, frozen=True, kw_only=True):
    """A record of `zone-visits`: a visit to a zone of a store was opened, or is over for good."""

    visit_id: str
    kind: Literal["opened", "closed"]
    store_id: str
    zone_id: str
    zone_type: str | None
    entered_at: Zoned
    left_at: Zoned | None
    dwell_ms: int | None
    customer_id: str | None


class PrivacyReceipt(Struct, frozen=True, kw_only=True):
    """A record of `privacy.receipts`."""

    request_id: str
    kind: Literal["erasure", "access"]
    completed_at: Zoned
    rows_erased: int
    held: dict[str, int]


class DeadLetter(Struct, frozen=True, kw_only=True):
    """What is known of a record that could not be read; its raw bytes are the record's value."""

    reason: str
    path: str
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    attempt: int


class DeliveryFailure(Struct, frozen=True, kw_only=True):
    """What is known of a record that a destination did not get; its bytes are the record's value.

    `status`: of the last answer, 0 where there was none. `webhook_id` stays the same when it is
    driven again.
    """

    destination: str
    reason: ParkedReason
    detail: str
    status: int
    attempts: int
    webhook_id: str
    source_topic: str
    source_partition: int
    source_offset: int
