"""What is sent of an alert, field by field."""

from typing import Literal

from msgspec import Struct

from streams.alerts.scoring import Scoring
from streams.alerts.wording import alert_text, ended_text
from streams.contracts.common import ChannelName, Money, Purpose, RiskBandName
from streams.contracts.ids import derive_id
from streams.contracts.outputs.payloads import (
    AlertTransition,
    ChurnAlert,
    ChurnSignal,
    ConsentProof,
    ExperimentArm,
    Recommended,
    Versioned,
)
from streams.contracts.reference.structs import ChurnDefinition, Policies
from streams.contracts.times import DAY_MS, WEEK_MS, from_ms
from streams.customer import Customer
from streams.customer.consents import is_granted, is_push_refused, states
from streams.customer.row import AlertCase, SeenSignal

CHURN = "churn"
CONTROL_ARM = "control"
TREATED_ARM = "treated"
SIGNALS_SAID_MAX = 2
REASONS_SAID_MAX = 3
CONTACTS: tuple[tuple[Purpose, ChannelName], ...] = (
    ("marketing_push", "push"),
    ("marketing_email", "email"),
)


class Raised(Struct, frozen=True, kw_only=True):
    """An alert in the making."""

    alert_id: str
    transition: AlertTransition
    case: AlertCase
    band: RiskBandName
    previous_band: RiskBandName | None
    value_at_risk: float


class Ended(Struct, frozen=True):
    """A case that ends without a score: why, when, and which model watched it."""

    case: AlertCase
    why: Literal["consent_withdrawn", "merged"]
    at_ms: int
    model_version: str


def churn_alert(
    person: Customer, raised: Raised, scoring: Scoring, policies: Policies
) -> ChurnAlert:
    """The message for `churn-alerts`."""
    definition, score, now_ms = policies.churn, scoring.score, scoring.now_ms
    horizon_days = definition.horizon_ms / DAY_MS
    last_ms = max((o.at_ms for o in person.orders), default=None)
    return ChurnAlert(
        alert_id=raised.alert_id,
        case_id=raised.case.case_id,
        customer_id=person.customer_id,
        raised_at=from_ms(now_ms),
        transition=raised.transition,
        expires_at=from_ms(now_ms + definition.tick_ms * 4),
        risk=round(score.risk, 6),
        risk_band=raised.band,
        previous_band=raised.previous_band,
        horizon_days=horizon_days,
        definition_id=definition.definition_id,
        days_since_last_purchase=None if last_ms is None else round((now_ms - last_ms) / DAY_MS, 3),
        expected_next_purchase_at=from_ms(score.expected_next_purchase_at_ms),
        overdue_ratio=round(score.overdue_ratio, 3),
        reason_codes=tuple(score.reasons),
        signals=_signals(person),
        value_at_risk=Money(amount=f"{raised.value_at_risk:.2f}", currency=policies.currency),
        recommended=_recommended(person, raised, now_ms),
        text=alert_text(score.risk, horizon_days, _why(person, raised, scoring)),
        model=Versioned(id=CHURN, version=scoring.model_version),
        experiment=_arm(definition, raised.case),
        consent=_proof(person),
        traceparent=None,
    )


def ended_alert(person: Customer, ended: Ended, policies: Policies) -> ChurnAlert:
    """The last message of a case that ends without a score: it says nothing of the person."""
    definition, case, now_ms = policies.churn, ended.case, ended.at_ms
    return ChurnAlert(
        alert_id=derive_id("a", person.customer_id, ended.why, str(now_ms), case.case_id),
        case_id=case.case_id,
        customer_id=person.customer_id,
        raised_at=from_ms(now_ms),
        transition="resolved",
        expires_at=from_ms(now_ms),
        risk=None,
        risk_band="low",
        previous_band=case.band,
        horizon_days=definition.horizon_ms / DAY_MS,
        definition_id=definition.definition_id,
        days_since_last_purchase=None,
        expected_next_purchase_at=None,
        overdue_ratio=None,
        reason_codes=(ended.why,),
        signals=(),
        value_at_risk=Money(amount="0.00", currency=policies.currency),
        recommended=None,
        text=ended_text(ended.why),
        model=Versioned(id=CHURN, version=ended.model_version),
        experiment=_arm(definition, case),
        consent=_proof(person),
        traceparent=None,
    )


def _arm(definition: ChurnDefinition, case: AlertCase) -> ExperimentArm:
    return ExperimentArm(
        id=f"{definition.definition_id}-alerts",
        arm=TREATED_ARM if case.treated else CONTROL_ARM,
        holdout=not case.treated,
    )


def _proof(person: Customer) -> ConsentProof:
    return ConsentProof(
        purposes=states(person, ("profiling",)), policy_version=person.consent_version
    )


def _why(person: Customer, raised: Raised, scoring: Scoring) -> tuple[str, ...]:
    """What the text gives as reasons: signals before the model's, or what ended the danger."""
    if raised.transition in ("entered", "escalated"):
        signals = tuple(signal.code for signal in _by_strength(person))[:SIGNALS_SAID_MAX]
        return (*signals, *scoring.score.reasons)[:REASONS_SAID_MAX] or ("NO_SINGLE_REASON",)
    if any(order.at_ms == scoring.now_ms for order in person.orders):
        return ("BOUGHT_AGAIN",)
    return ("LAPSED",) if person.churn.next_tick_ms is None else ("RISK_FELL",)


def _by_strength(person: Customer) -> list[SeenSignal]:
    return sorted(person.signals, key=lambda signal: (-signal.strength, signal.code))


def _signals(person: Customer) -> tuple[ChurnSignal, ...]:
    return tuple(
        ChurnSignal(
            code=s.code,
            strength=s.strength,
            observed_at=from_ms(s.at_ms),
            evidence_event_ids=s.event_ids,
        )
        for s in _by_strength(person)
    )


def _recommended(person: Customer, raised: Raised, now_ms: int) -> Recommended | None:
    """A contact on the best channel that the person allows; none for a control."""
    if raised.transition == "resolved" or not raised.case.treated:
        return None
    for purpose, channel in CONTACTS:
        if is_granted(person, purpose) and not (channel == "push" and is_push_refused(person)):
            return Recommended(channel=channel, act_before=from_ms(now_ms + WEEK_MS))
    return Recommended(channel="call_center", act_before=from_ms(now_ms + WEEK_MS))
