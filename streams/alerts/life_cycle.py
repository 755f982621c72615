"""Churn alerts: risk to band with hysteresis, one open case a person, stages of the life cycle."""

from msgspec.structs import replace

from streams.alerts.churn_signals import evaluate_signals
from streams.alerts.messages import Raised, churn_alert
from streams.alerts.scoring import Scoring
from streams.contracts.common import LifecycleStage, RiskBandName
from streams.contracts.ids import derive_id, unit_draw
from streams.contracts.outputs.effects import AlertRaised, Effect, SegmentChanged
from streams.contracts.outputs.payloads import AlertTransition, SegmentChange
from streams.contracts.reference.structs import ChurnDefinition, Policies
from streams.contracts.times import from_ms
from streams.customer import Customer, TriggerEvent
from streams.customer.consents import is_granted
from streams.customer.row import AlertCase, Churn

BANDS: tuple[RiskBandName, ...] = ("low", "medium", "high")
STRONG_SIGNAL = 0.8
# The value says nothing to anybody: another one would deal the control cases anew.
CONTROL_SALT = "untreated"


Assessed = tuple[Customer, tuple[Effect, ...], tuple[TriggerEvent, ...]]


def assess(person: Customer, scoring: Scoring, policies: Policies) -> Assessed:
    """Fold a new score into the person's case.

    Args:
        person: the row.
        scoring: the score, when and why it was taken.
        policies: the shop's `ref.policies`.

    Returns:
        The person, an alert and a stage change where there is one, and the trigger event
        `churn_band_entered` for the trigger rules.
    """
    definition, score, now_ms = policies.churn, scoring.score, scoring.now_ms
    person = evaluate_signals(person, score.overdue_ratio, now_ms, policies)
    churn = person.churn
    bought = churn.scored_at_ms is not None and _bought_since(person, churn.scored_at_ms)
    churn = replace(
        churn,
        risk=round(score.risk, 6),
        scored_at_ms=now_ms,
        armed=churn.armed or bought,
        band=_band(score.risk, churn.case, person, definition),
    )
    stage = _stage(person, churn, definition)
    worthy = _is_worth_it(person, score.risk, policies)
    transition = _transition(person, churn, stage, worthy=worthy)
    person, effects = _staged(replace(person, churn=churn), stage, now_ms)
    if transition is None:
        return person, effects, ()
    person, raised = _carried_out(person, transition, scoring, policies)
    alert = churn_alert(person, raised, scoring, policies)
    trigger_events = _trigger_events(transition, raised, now_ms)
    return person, (*effects, AlertRaised(alert)), trigger_events


def _band(
    risk: float, case: AlertCase | None, person: Customer, definition: ChurnDefinition
) -> RiskBandName:
    """The band of this risk; an open case leaves its band only below the hysteresis.

    A strong signal (cancel page, uninstall, a severe complaint) lifts the band by one.
    """
    held = BANDS.index(case.band) if case else 0
    reached = 0
    for band in definition.bands:
        rank = BANDS.index(band.name)
        kept = rank <= held and risk >= band.from_risk - definition.hysteresis
        if risk >= band.from_risk or kept:
            reached = max(reached, rank)
    if any(s.strength >= STRONG_SIGNAL for s in person.signals if s.event_ids):
        reached = min(reached + 1, len(BANDS) - 1)
    return BANDS[reached]


def _stage(person: Customer, churn: Churn, definition: ChurnDefinition) -> LifecycleStage:
    if churn.next_tick_ms is None:
        return "lapsed"
    if person.spend is None or person.spend.orders < definition.min_purchases:
        return "new"
    return "at_risk" if churn.band != "low" else "active"


def _transition(
    person: Customer, churn: Churn, stage: LifecycleStage, *, worthy: bool
) -> AlertTransition | None:
    """What happens to the case; `worthy`: a contact would bring more than it costs."""
    case = churn.case
    if case is not None and not is_granted(person, "profiling"):
        return "resolved"
    if case is None:
        enters = stage == "at_risk" and churn.armed and is_granted(person, "profiling")
        return "entered" if enters and worthy else None
    if stage == "lapsed" or churn.band == "low":
        return "resolved"
    step = BANDS.index(churn.band) - BANDS.index(case.band)
    if step == 0:
        return None
    return "escalated" if step > 0 else "deescalated"


def _is_worth_it(person: Customer, risk: float, policies: Policies) -> bool:
    definition = policies.churn
    saved = risk * definition.save_rate * value_at_risk(person, policies)
    return saved > definition.contact_cost


def value_at_risk(person: Customer, policies: Policies) -> float:
    """The margin of a horizon at the person's own pace, in the shop's currency."""
    spend, definition = person.spend, policies.churn
    if spend is None or spend.orders == 0:
        return 0.0
    lived_ms = max(person.last_at_ms - person.created_at_ms, definition.tick_ms)
    per_horizon = spend.total * min(1.0, definition.horizon_ms / lived_ms)
    return max(0.0, per_horizon * definition.margin_share)


def _carried_out(
    person: Customer, transition: AlertTransition, scoring: Scoring, policies: Policies
) -> tuple[Customer, Raised]:
    """The person with the case opened, moved or closed, and what the alert says of it."""
    before, band, now_ms = person.churn.case, person.churn.band, scoring.now_ms
    alert_id = derive_id("a", person.customer_id, transition, str(now_ms), scoring.event_id)
    if before is None:
        case_id = derive_id("case", person.customer_id, str(now_ms))
        draw = unit_draw(CONTROL_SALT, policies.experiment.salt, case_id)
        treated = draw >= policies.churn.control_share
        case = AlertCase(case_id, alert_id, band, now_ms, treated)
    else:
        case = replace(before, alert_id=alert_id, band=band)
    kept = None if transition == "resolved" else case
    armed = person.churn.armed and transition != "entered"  # a purchase arms it again
    churn = replace(person.churn, case=kept, armed=armed)
    raised = Raised(
        alert_id=alert_id,
        transition=transition,
        case=case,
        band=band,
        previous_band=before.band if before else None,
        value_at_risk=value_at_risk(person, policies),
    )
    return replace(person, churn=churn), raised


def _staged(
    person: Customer, stage: LifecycleStage, now_ms: int
) -> tuple[Customer, tuple[Effect, ...]]:
    previous = person.churn.stage
    if stage == previous:
        return person, ()
    change = SegmentChange(
        change_id=derive_id("s", person.customer_id, stage, str(now_ms)),
        customer_id=person.customer_id,
        changed_at=from_ms(now_ms),
        segment=stage,
        previous=previous,
    )
    return replace(person, churn=replace(person.churn, stage=stage)), (SegmentChanged(change),)


def _trigger_events(
    transition: AlertTransition, raised: Raised, now_ms: int
) -> tuple[TriggerEvent, ...]:
    """A case that opened or grew asks for an offer, unless it is a control."""
    if transition not in ("entered", "escalated") or not raised.case.treated:
        return ()
    return (
        TriggerEvent(
            kind="churn_band_entered",
            at_ms=now_ms,
            event_id=raised.alert_id,
            channel="push",
            value=raised.value_at_risk,
        ),
    )


def _bought_since(person: Customer, since_ms: int) -> bool:
    return any(order.at_ms > since_ms for order in person.orders)
