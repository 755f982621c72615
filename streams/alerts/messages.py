"""What is sent of an alert, field by field."""

from typing import Literal

from msgspec import Struct

from streams.alerts.lifts import counted_lifts, is_unanswered
from streams.alerts.looks import Look
from streams.alerts.moves import Move
from streams.alerts.next_step import recommended
from streams.alerts.scoring import Lifts, Score, Scoring
from streams.alerts.wording import LITTLE_DATA, alert_text, ended_text, lapsed_text
from streams.contracts.common import Money, RiskBandName
from streams.contracts.ids import derive_id
from streams.contracts.outputs.payloads import (
    ChurnAlert,
    ChurnSignal,
    ConsentProof,
    CrmResult,
    ExperimentArm,
    Recommended,
    Texts,
    Versioned,
)
from streams.contracts.reference.structs import ChurnDefinition, Policies
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import Customer
from streams.customer.consents import states
from streams.customer.row import AlertCase, SeenSignal
from streams.customer.stance import stance_of

CHURN = "churn"
CONTROL_ARM = "control"
TREATED_ARM = "treated"
SIGNALS_SAID_MAX = 2
REASONS_SAID_MAX = 3


class Raised(Struct, frozen=True, kw_only=True):
    """An alert in the making."""

    alert_id: str
    move: Move
    case: AlertCase
    found: Look
    previous_band: RiskBandName | None
    value_at_risk: float


class Ended(Struct, frozen=True):
    """A case that ends without a score: why, when, which model watched it, what the CRM said."""

    case: AlertCase
    why: Literal["consent_withdrawn", "merged", "closed_by_crm"]
    at_ms: int
    model_version: str
    result: CrmResult | None = None


def churn_alert(
    person: Customer, raised: Raised, scoring: Scoring, policies: Policies
) -> ChurnAlert:
    """The message for `churn-alerts`."""
    definition, score, now_ms = policies.churn, scoring.score, scoring.now_ms
    found, move = raised.found, raised.move
    horizon_days = definition.horizon_ms / DAY_MS
    last_ms = found.bought_ms
    signals = _signals(person, found.bought_ms, scoring.lifts)
    return ChurnAlert(
        alert_id=raised.alert_id,
        case_id=raised.case.case_id,
        customer_id=person.customer_id,
        raised_at=from_ms(now_ms),
        transition=move.transition,
        resolved_by=move.resolved_by,
        expires_at=from_ms(now_ms + definition.tick_ms * 4),
        risk=found.risk,
        score=found.score,
        risk_band=found.band,
        previous_band=raised.previous_band,
        horizon_days=horizon_days,
        definition_id=definition.definition_id,
        days_since_last_purchase=None if last_ms is None else round((now_ms - last_ms) / DAY_MS, 3),
        expected_next_purchase_at=from_ms(score.expected_next_purchase_at_ms),
        overdue_ratio=round(score.overdue_ratio, 3),
        reason_codes=_codes(move, found, score),
        signals=signals,
        value_at_risk=Money(amount=f"{raised.value_at_risk:.2f}", currency=policies.currency),
        save_rate=scoring.save_rate_of(found.band, stance_of(person), definition),
        recommended=_recommended(person, raised, now_ms, definition.horizon_ms),
        text=_text(person, raised, scoring, horizon_days, signals),
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
        resolved_by=ended.why,
        expires_at=from_ms(now_ms),
        risk=None,
        risk_band="low",
        previous_band=case.band,
        horizon_days=definition.horizon_ms / DAY_MS,
        definition_id=definition.definition_id,
        days_since_last_purchase=None,
        expected_next_purchase_at=None,
        overdue_ratio=None,
        reason_codes=(ended.why, ended.result) if ended.result else (ended.why,),
        signals=(),
        value_at_risk=Money(amount="0.00", currency=policies.currency),
        recommended=None,
        text=ended_text(ended.result or ended.why),
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


def _codes(move: Move, found: Look, score: Score) -> tuple[str, ...]:
    """What ended the case; else the model's reasons, or that it has learned too little to say."""
    if move.resolved_by is not None:
        return (move.resolved_by,)
    return tuple(score.reasons) if found.carried else (*score.reasons, LITTLE_DATA)


def _text(
    person: Customer,
    raised: Raised,
    scoring: Scoring,
    horizon_days: float,
    signals: tuple[ChurnSignal, ...],
) -> Texts:
    if raised.move.resolved_by == "lapsed":
        return lapsed_text(horizon_days)
    return alert_text(raised.found.risk, horizon_days, _why(person, raised, scoring), signals)


def _why(person: Customer, raised: Raised, scoring: Scoring) -> tuple[str, ...]:
    """What the text gives as reasons: signals before the model's, or what ended the danger."""
    move, found = raised.move, raised.found
    if move.resolved_by is not None:
        return (move.resolved_by,)
    if move.transition == "deescalated":
        return ("risk_fell",)
    seen = (s.code for s in _by_strength(person) if is_unanswered(s, found.bought_ms))
    said = (*tuple(seen)[:SIGNALS_SAID_MAX], *scoring.score.reasons)[:REASONS_SAID_MAX]
    said = said or ("NO_SINGLE_REASON",)
    return said if found.carried else (*said[:SIGNALS_SAID_MAX], LITTLE_DATA)


def _by_strength(person: Customer) -> list[SeenSignal]:
    return sorted(person.signals, key=lambda signal: (-signal.strength, signal.code))


def _signals(person: Customer, bought_ms: int | None, lifts: Lifts) -> tuple[ChurnSignal, ...]:
    counted = counted_lifts(person, bought_ms, lifts)
    return tuple(
        ChurnSignal(
            code=s.code,
            strength=s.strength,
            lift=round(counted[s.code], 3),
            cases=lifts.cases(s.code),
            observed_at=from_ms(s.at_ms),
            evidence_event_ids=s.event_ids,
        )
        for s in _by_strength(person)
    )


def _recommended(
    person: Customer, raised: Raised, now_ms: int, horizon_ms: int
) -> Recommended | None:
    """None for a control, and for a case that is over."""
    if raised.move.transition == "resolved" or not raised.case.treated:
        return None
    return recommended(person, now_ms, horizon_ms)
