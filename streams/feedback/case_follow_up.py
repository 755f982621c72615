"""What became of a churn case: it is followed from its first alert to the end of its horizon.

The outcome is known when the horizon is over, whichever it is, and only then is it told and
learned: to count who bought at once and who left later would make the young cases look false. A
purchase that was cancelled or given back as a whole by then is none.
"""

from msgspec.structs import replace

from streams.contracts.common import Stance
from streams.contracts.ids import derive_id, lot
from streams.contracts.internal.learning import LearningExample
from streams.contracts.money import Money
from streams.contracts.outputs.effects import AlertRaised, CaseFollowed, Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import CaseOutcome, CaseResult, ChurnAlert
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS, from_ms, monday_week, to_ms
from streams.customer.case_alerts import known_alerts
from streams.customer.row import FOLLOWED_MAX, CaseFollowUp, Customer, Said
from streams.customer.stance import stance_of
from streams.feedback.case_reports import label_reported
from streams.feedback.labels import may_train

SAVE_RATES = "save_rates"

Changed = tuple[Customer, tuple[Effect, ...]]


def follow_cases(
    person: Customer, raised: tuple[Effect, ...], policies: Policies, said: Said | None = None
) -> Changed:
    """The person whose cases among these alerts are followed from now on.

    Args:
        person: the row after the evaluation.
        raised: what the evaluation said.
        policies: the shop's `ref.policies`; `churn` has the horizon.
        said: what was said at the evaluation; None before own data carry it. It is kept with
            consent to `model_training` alone.

    Returns:
        The person, and what is said of cases for which there is no more room.
    """
    alerts = [effect.alert for effect in raised if isinstance(effect, AlertRaised)]
    if not alerts:
        return person, ()
    person = know_alerts(person, raised)
    known = (said, stance_of(person)) if may_train(person) else (None, None)
    entered = [_follow_up(a, policies, *known) for a in alerts if a.transition == "entered"]
    followed = sorted(
        (*person.churn.followed, *entered), key=lambda case: (case.ends_at_ms, case.case_id)
    )
    person = _following(person, tuple(followed))
    if not entered:
        return person, ()
    return make_room(person, max(case.entered_at_ms for case in entered), policies)


def know_alerts(person: Customer, raised: tuple[Effect, ...]) -> Customer:
    """The person whose cases that are followed are known by these alerts of theirs as well."""
    alerts = [effect.alert for effect in raised if isinstance(effect, AlertRaised)]
    if not alerts:
        return person
    return _following(person, tuple(_with_alerts(case, alerts) for case in person.churn.followed))


def make_room(person: Customer, at_ms: int, policies: Policies) -> Changed:
    """The person with at most `FOLLOWED_MAX` cases followed; the oldest go, and it is said."""
    followed = person.churn.followed
    gone = followed[: max(len(followed) - FOLLOWED_MAX, 0)]
    if not gone:
        return person, ()
    person = _following(person, followed[len(gone) :])
    return person, tuple(
        CaseFollowed(_outcome(person, case, "not_followed", at_ms, None, policies)) for case in gone
    )


def tell_outcomes(person: Customer, at_ms: int, policies: Policies) -> Changed:
    """The outcomes of the cases whose horizon is over at `at_ms`; learned from where it is allowed.

    Only orders up to the end of the horizon count; what arrives later changes nothing.
    """
    over = tuple(case for case in person.churn.followed if case.ends_at_ms <= at_ms)
    if not over:
        return person, ()
    person = _following(person, person.churn.followed[len(over) :])
    effects: list[Effect] = []
    for case in over:
        bought_ms = _bought_ms(person, case)
        result: CaseResult = "left" if bought_ms is None else "bought"
        outcome = _outcome(person, case, result, at_ms, bought_ms, policies)
        effects.append(CaseFollowed(outcome))
        if may_train(person):
            effects.append(OutcomeLabeled(_example(case, result, at_ms)))
            effects += label_reported(case, bought=result == "bought", at_ms=at_ms)
    return person, tuple(effects)


def _with_alerts(case: CaseFollowUp, alerts: list[ChurnAlert]) -> CaseFollowUp:
    """The case with its new alerts."""
    new = (alert.alert_id for alert in alerts if alert.case_id == case.case_id)
    return replace(case, alert_ids=known_alerts((*case.alert_ids, *new)))


def _follow_up(
    alert: ChurnAlert, policies: Policies, said: Said | None, stance: Stance | None
) -> CaseFollowUp:
    """The case that an alert has entered; silence that is not known counts from the alert on."""
    at_ms, horizon_ms = to_ms(alert.raised_at), policies.churn.horizon_ms
    silent_ms = round((alert.days_since_last_purchase or 0.0) * DAY_MS)
    return CaseFollowUp(
        case_id=alert.case_id,
        entered_at_ms=at_ms,
        ends_at_ms=at_ms + horizon_ms,
        lapses_at_ms=at_ms + horizon_ms - silent_ms,
        treated=not alert.experiment.holdout,
        band=alert.risk_band,
        risk=alert.risk or 0.0,
        value_at_risk=alert.value_at_risk.value,
        alert_ids=(alert.alert_id,),
        said=None if alert.experiment.holdout else said,
        stance=stance,
    )


def _bought_ms(person: Customer, case: CaseFollowUp) -> int | None:
    """The first order of the horizon that stands, among those that the row remembers."""
    return min(
        (
            order.at_ms
            for order in person.orders
            if order.stands and case.entered_at_ms <= order.at_ms <= case.ends_at_ms
        ),
        default=None,
    )


def _outcome(
    person: Customer,
    case: CaseFollowUp,
    result: CaseResult,
    at_ms: int,
    bought_ms: int | None,
    policies: Policies,
) -> CaseOutcome:
    return CaseOutcome(
        case_id=case.case_id,
        customer_id=person.customer_id,
        known_at=from_ms(at_ms),
        result=result,
        entered_at=from_ms(case.entered_at_ms),
        horizon_days=(case.ends_at_ms - case.entered_at_ms) / DAY_MS,
        arm="treated" if case.treated else "control",
        risk_band=case.band,
        risk=case.risk,
        value_at_risk=Money(amount=f"{case.value_at_risk:.2f}", currency=policies.currency),
        days_to_purchase=None if bought_ms is None else _days(bought_ms - case.entered_at_ms),
        lead_days=_days(case.lapses_at_ms - case.entered_at_ms),
        reported=case.reported,
    )


def _days(elapsed_ms: int) -> float:
    return round(elapsed_ms / DAY_MS, 3)


def _example(case: CaseFollowUp, result: CaseResult, at_ms: int) -> LearningExample:
    """Label 1: bought. The band of the stated risk, and the stance, are features by their names.

    What is at stake is what `alerts list` sorts by, the lot says who comes first where it is equal,
    and the week is that of the first alert.
    """
    features = {
        "treated": float(case.treated),
        "risk": case.risk,
        f"band_{case.band}": 1.0,
        "at_stake": round(case.risk * case.value_at_risk, 6),
        "week": float(monday_week(case.entered_at_ms)),
        "lot": float(lot(case.case_id)),
    }
    if case.stance is not None:
        features[f"stance_{case.stance}"] = 1.0
    return LearningExample(
        example_id=derive_id("x", case.case_id, "outcome"),
        model=SAVE_RATES,
        observed_at_ms=at_ms,
        label=float(result == "bought"),
        features=features,
    )


def _following(person: Customer, followed: tuple[CaseFollowUp, ...]) -> Customer:
    return replace(person, churn=replace(person.churn, followed=followed))
