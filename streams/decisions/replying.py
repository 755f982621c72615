"""The answer to a question, out of what was decided, or of why nothing was."""

from collections.abc import Iterable

from streams.contracts.inputs.events import Question
from streams.contracts.outputs.effects import (
    DecisionLogged,
    Effect,
    EventIgnored,
    EventLate,
    EventRefused,
    OfferDecided,
    QuestionAnswered,
)
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.outputs.replies import Reply
from streams.identity.resolution import event_at_ms

NO_RULE = "no_rule"
LATE = "late"


def reply_to(
    question: Question, customer_id: str, effects: Iterable[Effect]
) -> tuple[QuestionAnswered, ...]:
    """The answer for whoever waits, if somebody does.

    Args:
        question: as it came.
        customer_id: the row that answers.
        effects: all that the question led to.
    """
    if question.reply_to is None:
        return ()
    entry, reasons = None, [NO_RULE]
    for effect in effects:
        match effect:
            case OfferDecided() if effect.offer.trigger.event_id == question.event_id:
                return (_offered(question, effect),)
            case DecisionLogged() if effect.entry.trigger.event_id == question.event_id:
                entry, reasons = effect.entry, _why_not(effect.entry)
            case EventIgnored() | EventRefused() if effect.event_id == question.event_id:
                reasons = [effect.reason]
            case EventLate() if effect.event_id == question.event_id:
                reasons = [LATE]
    reply = Reply(
        question_id=question.event_id,
        reply_to=question.reply_to,
        customer_id=customer_id,
        verdict="no_offer",
        reason_codes=tuple(reasons),
        decision_id=None if entry is None else entry.decision_id,
    )
    return (QuestionAnswered(reply, event_at_ms(question)),)


def _offered(question: Question, decided: OfferDecided) -> QuestionAnswered:
    offer = decided.offer
    reply = Reply(
        question_id=question.event_id,
        reply_to=question.reply_to or "",
        customer_id=offer.customer_id,
        verdict="offer",
        reason_codes=offer.reason_codes,
        decision_id=offer.decision_id,
        offer=offer,
    )
    return QuestionAnswered(reply, event_at_ms(question))


def _why_not(entry: DecisionLog) -> list[str]:
    """The verdict; where it is up to the single offers, what was in their way, each once."""
    if entry.verdict != "nothing_eligible":
        return [entry.verdict]
    codes = [entry.verdict, *(c.why_not for c in entry.candidates if c.why_not is not None)]
    return list(dict.fromkeys(codes))
