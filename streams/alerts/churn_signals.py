"""Churn signals, beside the model: what an event says at once, and what an evaluation finds.

A new signal is a code in `payloads.ChurnSignalCode` and a row in `BY_EVENT` (under the event's
name) or in `BY_EVALUATION`.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import ChannelName
from streams.contracts.inputs.events import (
    App,
    Clickstream,
    InputEvent,
    OfferFeedback,
    Profile,
    Purchase,
)
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.contracts.reference.structs import Policies
from streams.contracts.sums import sum_of
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.consents import answers_in, is_granted
from streams.customer.counters import count
from streams.customer.row import EVIDENCE_MAX, SIGNALS_MAX, SeenSignal

LOW_NPS_MAX = 6
RETURNS_SHARE = 0.3
DROP_SHARE = 0.5
BASKETS_MAX = 8
VISITS_MIN = 4
OVERDUE_FROM = 1.5
OVERDUE_FULL = 4.0
IGNORED_MIN = 3
USUAL_MS = 90 * DAY_MS
LOOKS_MIN = 3
LOOKS_A_VISIT = 3.0
UNSEEN_FROM = 3.0
UNSEEN_FULL = 6.0
SEEN_AS_USUAL = 2.0
ONLINE: tuple[ChannelName, ...] = ("web", "app")
VISIT_COUNTERS = ("page_views", "product_views", "app_opens")
SEVERITIES = {"low": 0.4, "medium": 0.7, "high": 1.0}


class Evaluation(Struct, frozen=True):
    """What an evaluation at a silent person goes by."""

    person: Customer
    overdue_ratio: float | None
    now_ms: int


def record_signals(
    person: Customer, event: InputEvent, now_ms: int, policies: Policies
) -> Customer:
    """The person with the signal that this event is, if it is one; old signals fade away.

    Only who allows `profiling` is watched for signals.
    """
    if not is_granted(person, "profiling"):
        return person
    signal = BY_EVENT.get(event.event_name)
    if signal is not None:
        code, strength_of = signal
        strength = strength_of(person, event)
        if strength > 0.0:
            person = _with_signal(person, code, strength, now_ms, event.event_id)
    return _without_old(person, now_ms, policies)


def evaluate_signals(
    person: Customer, overdue_ratio: float | None, now_ms: int, policies: Policies
) -> Customer:
    """The person with the signals that silence shows now; those that ended are taken back."""
    person = _without_old(person, now_ms, policies)
    evaluation = Evaluation(person, overdue_ratio, now_ms)
    kept = tuple(s for s in person.signals if s.code not in FOUND_BY_EVALUATION)
    person = replace(person, signals=kept)
    for code, strength_of in BY_EVALUATION:
        strength = strength_of(evaluation)
        if strength > 0.0:
            person = _with_signal(person, code, strength, now_ms, "")
    return person


def is_seen_as_usual(person: Customer, now_ms: int) -> bool:
    """Whether the person was seen lately, as their own visits go: who comes has not left."""
    gaps = _unseen_gaps(person, now_ms)
    return gaps is not None and gaps < SEEN_AS_USUAL


def signal_is_new(person: Customer, now_ms: int) -> bool:
    """Whether an event that is a signal happened at this very moment."""
    for signal in person.signals:
        if signal.at_ms == now_ms and signal.code not in FOUND_BY_EVALUATION:
            return True
    return False


def _with_signal(
    person: Customer, code: ChurnSignalCode, strength: float, now_ms: int, event_id: str
) -> Customer:
    before = next((s for s in person.signals if s.code == code), None)
    evidence = (*(before.event_ids if before else ()), *((event_id,) if event_id else ()))
    signal = SeenSignal(code, round(min(strength, 1.0), 3), now_ms, evidence[-EVIDENCE_MAX:])
    others = tuple(s for s in person.signals if s.code != code)
    return replace(person, signals=(*others, signal)[-SIGNALS_MAX:])


def _without_old(person: Customer, now_ms: int, policies: Policies) -> Customer:
    if not person.signals:
        return person
    window_ms = policies.churn.signal_window_days * DAY_MS
    kept = tuple(s for s in person.signals if now_ms - s.at_ms <= window_ms)
    return person if len(kept) == len(person.signals) else replace(person, signals=kept)


def _cancel_page(_: Customer, event: Clickstream) -> float:
    return 0.9


def _uninstall(_: Customer, event: App) -> float:
    return 0.8


def _complaint(_: Customer, event: Profile) -> float:
    return SEVERITIES[event.case.severity] if event.case else 0.0


def _low_nps(_: Customer, event: Profile) -> float:
    nps = event.survey.nps if event.survey else None
    if nps is None or nps > LOW_NPS_MAX:
        return 0.0
    return (LOW_NPS_MAX + 1 - nps) / (LOW_NPS_MAX + 1)


def _unsubscribe(_: Customer, event: Profile) -> float:
    answers, _unknown = answers_in(event.purposes)
    refused = [p for p, s in answers.items() if p.startswith("marketing") and s == "denied"]
    return min(1.0, 0.5 * len(refused))


def _return_heavy(person: Customer, event: Purchase) -> float:
    spend = person.spend
    if spend is None or spend.orders < VISITS_MIN:
        return 0.0
    share = spend.refunds / spend.orders
    return share if share >= RETURNS_SHARE else 0.0


def _offer_ignored(person: Customer, event: OfferFeedback) -> float:
    ignored = sum(d.dismissed_at_ms is not None for d in person.open_decisions)
    return ignored / (2 * IGNORED_MIN) if ignored >= IGNORED_MIN else 0.0


def _purchase_overdue(evaluation: Evaluation) -> float:
    ratio = evaluation.overdue_ratio
    if ratio is None or ratio < OVERDUE_FROM:
        return 0.0
    return (ratio - OVERDUE_FROM) / (OVERDUE_FULL - OVERDUE_FROM) or 0.01


def _visit_drop(evaluation: Evaluation) -> float:
    """Not seen for longer than usual.

    Where visits come by chance, who is still there stays away for more than six of their gaps one
    time in 400 (exp(-6)), but holidays are longer.
    """
    gaps = _unseen_gaps(evaluation.person, evaluation.now_ms)
    if gaps is None or gaps <= UNSEEN_FROM:
        return 0.0
    return (gaps - UNSEEN_FROM) / (UNSEEN_FULL - UNSEEN_FROM)


def _unseen_gaps(person: Customer, now_ms: int) -> float | None:
    """How long the person was not seen, in their own gaps between visits; None: not known.

    The usual gap is that of the 90 days up to the last look around.
    """
    online = (person.channels[c].last_at_ms for c in ONLINE if c in person.channels)
    looked_ms = max(online, default=None)
    if looked_ms is None:
        return None
    held = (person.counters.get(name) for name in VISIT_COUNTERS)
    looks = sum_of(count(counter, looked_ms, USUAL_MS) for counter in held)
    if looks < LOOKS_MIN:
        return None
    known_ms = min(max(looked_ms - person.created_at_ms, DAY_MS), USUAL_MS)
    seen_ms = max(activity.last_at_ms for activity in person.channels.values())
    return (now_ms - seen_ms) * looks / (known_ms * LOOKS_A_VISIT)


def _basket_drop(evaluation: Evaluation) -> float:
    amounts = [o.amount for o in evaluation.person.orders if o.amount > 0][-BASKETS_MAX:]
    if len(amounts) < VISITS_MIN:
        return 0.0
    usual, latest = sum_of(amounts[:-2]) / len(amounts[:-2]), sum_of(amounts[-2:]) / 2
    return 1.0 - latest / usual if latest < DROP_SHARE * usual else 0.0


def _category_loss(evaluation: Evaluation) -> float:
    """Interest in the strongest category of old has all but gone, while the person still comes."""
    scores = sorted((a.score, evaluation.now_ms - a.at_ms) for a in evaluation.person.affinities)
    if not scores or evaluation.person.last_at_ms < evaluation.now_ms - 30 * DAY_MS:
        return 0.0
    strongest, age_ms = scores[-1]
    return 0.5 if strongest >= VISITS_MIN and age_ms > 45 * DAY_MS else 0.0


BY_EVENT: dict[str, tuple[ChurnSignalCode, Callable[[Customer, Any], float]]] = {
    "account_cancel_page_viewed": ("cancel_page", _cancel_page),
    "application_uninstalled": ("uninstall", _uninstall),
    "service_case_opened": ("complaint", _complaint),
    "survey_answered": ("low_nps", _low_nps),
    "consent_updated": ("unsubscribe", _unsubscribe),
    "order_refunded": ("return_heavy", _return_heavy),
    "offer_dismissed": ("offer_ignored", _offer_ignored),
    "offer_refused_not_relevant": ("offer_ignored", _offer_ignored),
}
BY_EVALUATION: tuple[tuple[ChurnSignalCode, Callable[[Evaluation], float]], ...] = (
    ("purchase_overdue", _purchase_overdue),
    ("visit_drop", _visit_drop),
    ("basket_drop", _basket_drop),
    ("category_loss", _category_loss),
)
FOUND_BY_EVALUATION = frozenset(code for code, _ in BY_EVALUATION)
