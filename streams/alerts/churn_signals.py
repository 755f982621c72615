"""Signs of leaving, beside the model: what an event says at once, and what a look finds.

A new sign is a code in `outputs.SignCode` and a row in `BY_EVENT` (under the event's name) or in
`BY_LOOK`.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.inputs.events import (
    App,
    Clickstream,
    InputEvent,
    OfferFeedback,
    Profile,
    Purchase,
)
from streams.contracts.outputs.payloads import SignCode
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.consents import is_granted
from streams.customer.counters import count
from streams.customer.row import EVIDENCE_MAX, SIGNS_MAX, SignSeen

LOW_NPS_MAX = 6
RETURNS_SHARE = 0.3
DROP_SHARE = 0.5
VISITS_MIN = 4
OVERDUE_FROM = 1.5
OVERDUE_FULL = 4.0
IGNORED_MIN = 3
VISIT_COUNTERS = ("page_views", "product_views", "app_opens")
SEVERITIES = {"low": 0.4, "medium": 0.7, "high": 1.0}


class Look(Struct, frozen=True):
    """What a look at a silent person goes by."""

    person: Customer
    overdue_ratio: float | None
    now_ms: int


def notice_signs(person: Customer, event: InputEvent, now_ms: int, policies: Policies) -> Customer:
    """The person with the sign that this event is, if it is one; old signs fade away.

    Only who allows `profiling` is watched for signs.
    """
    if not is_granted(person, "profiling"):
        return person
    sign = BY_EVENT.get(event.event_name)
    if sign is not None:
        code, strength_of = sign
        strength = strength_of(person, event)
        if strength > 0.0:
            person = _with_sign(person, code, strength, now_ms, event.event_id)
    return _without_old(person, now_ms, policies)


def look_for_signs(
    person: Customer, overdue_ratio: float | None, now_ms: int, policies: Policies
) -> Customer:
    """The person with the signs that silence itself shows now; those that ended are taken back."""
    person = _without_old(person, now_ms, policies)
    look = Look(person, overdue_ratio, now_ms)
    kept = tuple(s for s in person.signs if s.code not in LOOKED_FOR)
    person = replace(person, signs=kept)
    for code, strength_of in BY_LOOK:
        strength = strength_of(look)
        if strength > 0.0:
            person = _with_sign(person, code, strength, now_ms, "")
    return person


def sign_is_new(person: Customer, now_ms: int) -> bool:
    """Whether an event that is a sign happened at this very moment."""
    return any(s.at_ms == now_ms and s.code not in LOOKED_FOR for s in person.signs)


def _with_sign(
    person: Customer, code: SignCode, strength: float, now_ms: int, event_id: str
) -> Customer:
    before = next((s for s in person.signs if s.code == code), None)
    evidence = (*(before.event_ids if before else ()), *((event_id,) if event_id else ()))
    sign = SignSeen(code, round(min(strength, 1.0), 3), now_ms, evidence[-EVIDENCE_MAX:])
    others = tuple(s for s in person.signs if s.code != code)
    return replace(person, signs=(*others, sign)[-SIGNS_MAX:])


def _without_old(person: Customer, now_ms: int, policies: Policies) -> Customer:
    window_ms = policies.churn.sign_window_days * DAY_MS
    kept = tuple(s for s in person.signs if now_ms - s.at_ms <= window_ms)
    return person if len(kept) == len(person.signs) else replace(person, signs=kept)


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
    answers = (event.purposes or {}).items()
    refused = [p for p, state in answers if p.startswith("marketing") and state == "denied"]
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


def _purchase_overdue(look: Look) -> float:
    ratio = look.overdue_ratio
    if ratio is None or ratio < OVERDUE_FROM:
        return 0.0
    return (ratio - OVERDUE_FROM) / (OVERDUE_FULL - OVERDUE_FROM) or 0.01


def _visit_drop(look: Look) -> float:
    counters = [look.person.counters.get(name) for name in VISIT_COUNTERS]
    month = sum(count(c, look.now_ms, 30 * DAY_MS) for c in counters)
    before = sum(count(c, look.now_ms, 90 * DAY_MS) for c in counters) - month
    usual = before / 2
    return 1.0 - month / usual if usual >= VISITS_MIN and month < DROP_SHARE * usual else 0.0


def _basket_drop(look: Look) -> float:
    amounts = [o.amount for o in look.person.orders if o.amount > 0]
    if len(amounts) < VISITS_MIN:
        return 0.0
    usual, latest = sum(amounts[:-2]) / len(amounts[:-2]), sum(amounts[-2:]) / 2
    return 1.0 - latest / usual if latest < DROP_SHARE * usual else 0.0


def _category_loss(look: Look) -> float:
    """Interest in the strongest category of old has all but gone, while the person still comes."""
    scores = sorted((a.score, look.now_ms - a.at_ms) for a in look.person.affinities)
    if not scores or look.person.last_at_ms < look.now_ms - 30 * DAY_MS:
        return 0.0
    strongest, age_ms = scores[-1]
    return 0.5 if strongest >= VISITS_MIN and age_ms > 45 * DAY_MS else 0.0


BY_EVENT: dict[str, tuple[SignCode, Callable[[Customer, Any], float]]] = {
    "account_cancel_page_viewed": ("cancel_page", _cancel_page),
    "application_uninstalled": ("uninstall", _uninstall),
    "service_case_opened": ("complaint", _complaint),
    "survey_answered": ("low_nps", _low_nps),
    "consent_updated": ("unsubscribe", _unsubscribe),
    "order_refunded": ("return_heavy", _return_heavy),
    "offer_dismissed": ("offer_ignored", _offer_ignored),
    "offer_refused_not_relevant": ("offer_ignored", _offer_ignored),
}
BY_LOOK: tuple[tuple[SignCode, Callable[[Look], float]], ...] = (
    ("purchase_overdue", _purchase_overdue),
    ("visit_drop", _visit_drop),
    ("basket_drop", _basket_drop),
    ("category_loss", _category_loss),
)
LOOKED_FOR = frozenset(code for code, _ in BY_LOOK)
