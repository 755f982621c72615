"""`measure()`: what a message and the step that it caused count for, as values; still pure."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streams import topics
from streams.contracts.catalogue import topic_of
from streams.contracts.inputs.events import InputEvent, Profile
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed
from streams.contracts.internal.routing import (
    UNTRACED,
    ErasureDone,
    LinkAnswered,
    LinkEnded,
    LinkRequested,
    Message,
    Routable,
    RoutedEvent,
    Tick,
)
from streams.contracts.outputs.effects import (
    AlertRaised,
    BudgetUsed,
    CaseFollowed,
    CaseWeighed,
    CustomerWatched,
    DataDropped,
    DecisionLogged,
    Effect,
    EventIgnored,
    EventLate,
    EventRefused,
    EventRouted,
    IdentityChanged,
    LeaseTold,
    OfferDecided,
    OutcomeLabeled,
    OutcomeSeen,
    PurchaseSeen,
    QuestionAnswered,
    ReceiptIssued,
    SegmentChanged,
    TimeZoneUnknown,
    ZoneVisitChanged,
)
from streams.telemetry import catalogue as metrics
from streams.telemetry.buckets import DAY_S
from streams.telemetry.catalogue.churn import LEAVERS, WATCHED
from streams.telemetry.catalogue.decisions import LEASES_ASKED
from streams.telemetry.metric import Measurement, measured

if TYPE_CHECKING:
    from streams.pipeline import Step

Measurements = tuple[Measurement, ...]

_EVENTS: dict[tuple[str, str], Measurement] = {}
_ROUTED_KIND: dict[type[Routable], str] = {
    RoutedEvent: "event",
    LinkRequested: "link_requested",
    LinkAnswered: "link_answered",
    LinkEnded: "link_ended",
    ErasureDone: "erasure_done",
    LeaseAllotted: "lease_allotted",
    LeaseUsed: "lease_used",
}


def measure(message: Message, step: "Step") -> Measurements:
    """Everything that one step counts for, in the order of its effects."""
    counted = list(_arrival(message))
    for effect in step.effects:
        counted.extend(_FOLDS[type(effect)](effect))
    return tuple(counted)


def _arrival(message: Message) -> Measurements:
    if isinstance(message, Tick):
        return (measured(metrics.TICKS),)
    if isinstance(message, RoutedEvent):
        return _event(topics.CUSTOMER_EVENTS.name, message.event)
    if isinstance(message, UNTRACED):
        return ()
    return _event(topic_of(message), message)


def _event(topic: str, event: InputEvent) -> Measurements:
    key = (topic, event.event_name)
    counted = _EVENTS.get(key)
    if counted is None:
        counted = _EVENTS[key] = measured(metrics.EVENTS, *key)
    if isinstance(event, Profile) and event.outcome is not None:
        return counted, measured(metrics.RETENTION, event.outcome.result)
    return (counted,)


def _decision(effect: DecisionLogged) -> Measurements:
    entry = effect.entry
    withheld = (measured(metrics.WITHHELD, code) for code in entry.why_nots)
    decided = measured(metrics.DECISIONS, entry.trigger.kind, entry.verdict, entry.experiment.arm)
    return decided, *withheld


def _offer(effect: OfferDecided) -> Measurements:
    offer = effect.offer
    return (measured(metrics.OFFERS, offer.experiment.arm, offer.channel),)


def _alert(effect: AlertRaised) -> Measurements:
    alert = effect.alert
    arm = alert.experiment.arm
    raised = measured(metrics.ALERTS, alert.transition, alert.risk_band, arm)
    if alert.resolved_by is None:
        return (raised,)
    return raised, measured(metrics.CASES_RESOLVED, alert.resolved_by, arm)


def _segment(effect: SegmentChanged) -> Measurements:
    change = effect.change
    counted = []
    if change.segment != change.previous:
        counted.append(measured(metrics.SEGMENTS, change.segment))
    if change.warned is not None:
        counted.append(measured(LEAVERS, "yes" if change.warned else "no"))
    if change.track is not None:
        how = "due" if change.track_due else "begun"
        counted.append(measured(metrics.TRACKS, change.track, how))
    return tuple(counted)


def _followed(effect: CaseFollowed) -> Measurements:
    """A case counts once its horizon is over: who bought and who left, at one time."""
    told = effect.outcome
    counted = [measured(metrics.CASES_FOLLOWED, told.risk_band, told.arm, told.result)]
    counted += [measured(metrics.CASE_REPORTS, word, told.result) for word in told.reported]
    if told.result == "not_followed":
        return tuple(counted)
    counted.append(measured(metrics.CASES_STATED, told.risk_band, told.arm, value=told.risk))
    if told.result == "left":
        counted.append(measured(metrics.CASE_LEAD, value=told.lead_days * DAY_S))
    return tuple(counted)


def _label(effect: OutcomeLabeled) -> Measurements:
    example = effect.example
    which = "positive" if example.label > 0 else "negative"
    return (measured(metrics.LABELS, example.model, which),)


def _outcome(effect: OutcomeSeen) -> Measurements:
    seen = measured(metrics.OUTCOMES, effect.arm, effect.outcome)
    if effect.amount <= 0:
        return (seen,)
    return seen, measured(metrics.OUTCOME_AMOUNT, effect.arm, value=effect.amount)


def _purchase(effect: PurchaseSeen) -> Measurements:
    """Counters only rise, so what is given back has counters of its own."""
    arm, amount, margin = effect.arm, effect.amount, effect.margin
    counted = [
        measured(metrics.PURCHASE_MARGIN, arm, value=margin)
        if margin >= 0
        else measured(metrics.MARGIN_LOST, arm, value=-margin)
    ]
    if amount < 0:
        return (*counted, measured(metrics.REFUND_AMOUNT, arm, value=-amount))
    if effect.is_new:
        counted.append(measured(metrics.PURCHASES, arm))
    counted.append(measured(metrics.PURCHASE_AMOUNT, arm, value=amount))
    return tuple(counted)


def _late(effect: EventLate) -> Measurements:
    lateness = measured(metrics.LATENESS, value=effect.late_ms / 1000)
    return measured(metrics.LATE), lateness


_FOLDS: dict[type[Effect], Callable[[Any], Measurements]] = {
    OfferDecided: _offer,
    DecisionLogged: _decision,
    AlertRaised: _alert,
    CaseWeighed: lambda e: () if e.opened else (measured(metrics.CASES_HELD),),
    CaseFollowed: _followed,
    CustomerWatched: lambda e: (measured(WATCHED, value=e.elapsed_ms / 1000),),
    OutcomeLabeled: _label,
    OutcomeSeen: _outcome,
    PurchaseSeen: _purchase,
    EventRouted: lambda e: (measured(metrics.ROUTED, _ROUTED_KIND[type(e.message)]),),
    EventIgnored: lambda e: (measured(metrics.IGNORED, e.reason),),
    EventRefused: lambda _: (),  # counted as a dead letter, by whoever writes it
    EventLate: _late,
    TimeZoneUnknown: lambda _: (measured(metrics.TIME_ZONES_UNKNOWN),),
    DataDropped: lambda e: (measured(metrics.DROPPED, e.what, value=e.count),),
    IdentityChanged: lambda e: (measured(metrics.IDENTITY_CHANGES, e.change.kind),),
    SegmentChanged: _segment,
    ZoneVisitChanged: lambda e: (measured(metrics.ZONE_VISITS, e.change.kind),),
    ReceiptIssued: lambda e: (measured(metrics.RECEIPTS, e.receipt.kind),),
    QuestionAnswered: lambda e: (measured(metrics.REPLIES, e.reply.verdict),),
    BudgetUsed: lambda _: (),
    LeaseTold: lambda e: (measured(LEASES_ASKED, "asked" if e.report.wanted else "told"),),
}
assert set(_FOLDS) == set(Effect.__args__), "every effect is folded"  # noqa: S101
