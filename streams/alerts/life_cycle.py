"""The life cycle of one open case a person, and of the stage that a person is in."""

from msgspec.structs import replace

from streams.alerts.churn_signals import evaluate_signals, is_seen_as_usual
from streams.alerts.looks import Look, look
from streams.alerts.messages import Raised, churn_alert
from streams.alerts.moves import Move, near_since, next_move
from streams.alerts.scoring import Scoring
from streams.alerts.tracks import staged
from streams.alerts.weighing import weigh
from streams.contracts.common import LifecycleStage
from streams.contracts.ids import derive_id, unit_draw
from streams.contracts.outputs.effects import AlertRaised, Effect, SegmentChanged
from streams.contracts.reference.structs import ChurnDefinition, Policies
from streams.customer import Customer, TriggerEvent
from streams.customer.case_alerts import known_alerts
from streams.customer.case_moves import moved_by
from streams.customer.complaints import complains
from streams.customer.purchase_days import purchase_days
from streams.customer.row import AlertCase, Churn
from streams.customer.stance import stance_of

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
    now_ms = scoring.now_ms
    person = evaluate_signals(person, scoring.score.overdue_ratio, now_ms, policies)
    found, before = look(person, scoring, policies.churn), person.churn
    found = replace(found, late=found.late and not is_seen_as_usual(person, now_ms))
    bought = before.scored_at_ms is not None and (found.bought_ms or 0) > before.scored_at_ms
    churn = replace(
        before,
        scored_at_ms=now_ms,
        armed=before.armed or bought,
        near_since_ms=near_since(before, found, policies.churn, now_ms),
    )
    person = replace(person, churn=churn)
    gain = _gain(person, found, scoring, policies)
    wanted = next_move(
        person, found, policies.churn, worthy=gain > 0.0, purchased=scoring.purchased
    )
    move, weighed = weigh(wanted, gain, scoring, policies.churn)
    raised = None if move is None else _raised(person, move, found, scoring, policies)
    person = replace(person, churn=_moved(churn, move, found, raised))
    stage = _stage(person, found, policies.churn)
    person, effects = staged(person, stage, now_ms, policies.churn)
    effects = _lapsed(person, found, effects, policies.churn)
    if raised is None:
        return person, (*weighed, *effects), ()
    alert = AlertRaised(churn_alert(person, raised, scoring, policies))
    return person, (*weighed, *effects, alert), _trigger_events(person, raised, now_ms)


def _stage(person: Customer, found: Look, definition: ChurnDefinition) -> LifecycleStage:
    churn = person.churn
    if churn.next_tick_ms is None:
        return "lapsed"
    if purchase_days(person) < definition.min_purchases:
        return "new"
    leaving = found.band != "low" and (found.late or bool(found.strong))
    return "at_risk" if leaving or churn.case is not None else "active"


def _lapsed(
    person: Customer, found: Look, staged_: tuple[Effect, ...], definition: ChurnDefinition
) -> tuple[Effect, ...]:
    """The change to `lapsed` with whether it was warned of, where own data carry the score.

    A case disarms the person until the next purchase, so whoever is armed had none.
    """
    regular = purchase_days(person) >= definition.min_purchases
    if not regular or not found.carried:
        return staged_
    return tuple(
        SegmentChanged(replace(effect.change, warned=not person.churn.armed))
        if isinstance(effect, SegmentChanged) and effect.change.segment == "lapsed"
        else effect
        for effect in staged_
    )


def _gain(person: Customer, found: Look, scoring: Scoring, policies: Policies) -> float:
    """What a contact is expected to bring, less what it costs, in the shop's currency."""
    definition = policies.churn
    save_rate = scoring.save_rate_of(found.band, stance_of(person), definition)
    return found.risk * save_rate * value_at_risk(person, policies) - definition.contact_cost


def value_at_risk(person: Customer, policies: Policies) -> float:
    """The margin of a horizon at the person's own pace, in the shop's currency."""
    spend, definition = person.spend, policies.churn
    if spend is None or spend.orders == 0:
        return 0.0
    lived_ms = max(person.last_at_ms - person.created_at_ms, definition.tick_ms)
    per_horizon = spend.total * min(1.0, definition.horizon_ms / lived_ms)
    return max(0.0, per_horizon * definition.margin_share)


def _raised(
    person: Customer, move: Move, found: Look, scoring: Scoring, policies: Policies
) -> Raised:
    """What is said of the case as it is after the move."""
    before, now_ms = person.churn.case, scoring.now_ms
    alert_id = derive_id("a", person.customer_id, move.transition, str(now_ms), scoring.event_id)
    case = before or _opened(person, now_ms, policies)
    ids = (*case.alert_ids, case.alert_id, alert_id) if before else (alert_id,)
    case = replace(case, alert_id=alert_id, band=found.band, alert_ids=known_alerts(ids)[:-1])
    if move.transition in ("entered", "escalated"):
        case = moved_by(case, found.score, found.lifting)
    return Raised(
        alert_id=alert_id,
        move=move,
        case=case,
        found=found,
        previous_band=before.band if before else None,
        value_at_risk=value_at_risk(person, policies),
    )


def _opened(person: Customer, now_ms: int, policies: Policies) -> AlertCase:
    case_id = derive_id("case", person.customer_id, str(now_ms))
    draw = unit_draw(CONTROL_SALT, policies.experiment.salt, case_id)
    return AlertCase(case_id, "", "low", now_ms, draw >= policies.churn.control_share)


def _moved(churn: Churn, move: Move | None, found: Look, raised: Raised | None) -> Churn:
    """What is remembered after the move; an open case keeps its band while it does not move."""
    churn = replace(churn, risk=found.score, stated_risk=found.risk)
    if move is None or raised is None:
        return replace(churn, band=churn.case.band if churn.case else found.band)
    armed = churn.armed and move.transition != "entered"  # a purchase arms it again
    case = None if move.transition == "resolved" else raised.case
    return replace(churn, case=case, armed=armed, band=found.band)


def _trigger_events(person: Customer, raised: Raised, now_ms: int) -> tuple[TriggerEvent, ...]:
    """A case that opened or grew asks for an offer, unless it is a control.

    Who complains is asked what went wrong, and sent no coupon.
    """
    if raised.move.transition not in ("entered", "escalated") or not raised.case.treated:
        return ()
    if complains(person, now_ms):
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
