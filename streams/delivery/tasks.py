"""What a person in a CRM is to do: an alert or an offer as a task, in the language that is set."""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from streams import topics
from streams.contracts.common import LanguageTag, RiskBandName

TOPICS: Final = (topics.CHURN_ALERTS.name, topics.NEXT_BEST_OFFERS.name)
SUBJECT_CHARS_MAX: Final = 120
_BAND: Final[dict[LanguageTag, dict[RiskBandName, str]]] = {
    "en": {"low": "low", "medium": "medium", "high": "high"},
    "ja": {"low": "低", "medium": "中", "high": "高"},
    "zh": {"low": "低", "medium": "中", "high": "高"},
}
_SUBJECT: Final[dict[LanguageTag, str]] = {
    "en": "Customer about to leave (risk: {})",
    "ja": "離脱の恐れがあるお客様（リスク：{}）",
    "zh": "可能流失的顾客（风险：{}）",
}
_WORDS: Final[dict[LanguageTag, str]] = {
    "en": "You may say: {}",
    "ja": "お客様への言葉：{}",
    "zh": "可以这样说：{}",
}


class Task(Struct, frozen=True, kw_only=True):
    """A task, as templates see it.

    Attributes:
        due_at, due_date, due_ms: by when: RFC 3339, the date in UTC, milliseconds since 1970.
        say: why and what to do, and what may be said to the person, in the language that is set.
        owner_queue: the destination's; empty where it names none.
        offer_id, decision_id: of the offer that belongs to it; empty where there is none.
        case_id, alert_id: of an alert, whose id the CRM reports back; empty for an offer.
    """

    subject: str
    say: str
    due_at: str
    due_date: str
    due_ms: int
    priority: Literal["high", "normal"]
    owner_queue: str
    customer_id: str
    case_id: str
    alert_id: str
    action: str
    channel: str
    offer_id: str
    decision_id: str


def task_of(
    topic: str, data: dict[str, Any], language: LanguageTag, owner_queue: str
) -> Task | None:
    """The task of an alert or an offer; None of other records, and where nothing is to be done."""
    if topic == topics.CHURN_ALERTS.name:
        return _of_alert(data, language, owner_queue)
    if topic == topics.NEXT_BEST_OFFERS.name:
        return _of_offer(data, language, owner_queue)
    return None


def _of_alert(alert: dict[str, Any], language: LanguageTag, owner_queue: str) -> Task | None:
    step = alert.get("recommended")
    if step is None:  # a control, or a case that is over
        return None
    due = datetime.fromisoformat(step["act_before"])
    band: RiskBandName = alert["risk_band"]
    return Task(
        subject=_SUBJECT[language].format(_BAND[language][band]),
        say=_said(alert["text"][language], step.get("say"), language),
        due_at=step["act_before"],
        due_date=due.date().isoformat(),
        due_ms=round(due.timestamp() * 1000),
        priority="high" if band == "high" else "normal",
        owner_queue=owner_queue,
        customer_id=alert["customer_id"],
        case_id=alert["case_id"],
        alert_id=alert["alert_id"],
        action=step.get("action", "contact"),
        channel=step["channel"],
        offer_id=step.get("offer_id") or "",
        decision_id=step.get("decision_id") or "",
    )


def _said(text: str, words: dict[str, str] | None, language: LanguageTag) -> str:
    """Why and what to do; below, what may be said to the person, where the alert has it."""
    return f"{text}\n{_WORDS[language].format(words[language])}" if words else text


def _of_offer(offer: dict[str, Any], language: LanguageTag, owner_queue: str) -> Task:
    due = datetime.fromisoformat(offer["valid_until"])
    text = offer["text"][language]
    return Task(
        subject=text[:SUBJECT_CHARS_MAX],
        say=text,
        due_at=offer["valid_until"],
        due_date=due.date().isoformat(),
        due_ms=round(due.timestamp() * 1000),
        priority="normal",
        owner_queue=owner_queue,
        customer_id=offer["customer_id"],
        case_id="",
        alert_id="",
        action="offer",
        channel=offer["channel"],
        offer_id=offer["offer"]["offer_id"],
        decision_id=offer["decision_id"],
    )
