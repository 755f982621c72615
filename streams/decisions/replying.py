"""Answers to questions: what was decided, or why nothing was; what is known of a person."""

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
from streams.customer import Customer
from streams.decisions.policy import Policy
from streams.decisions.telling import facts_of
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


def told(
    question: Question, person: Customer | None, policy: Policy, effects: Iterable[Effect]
) -> tuple[QuestionAnswered, ...]:
    """What is known of a person, for whoever asked about them.

    Args:
        question: as it came.
        person: None: nobody is known under the id.
        policy: as it is now.
        effects: all that an offer, asked for now, would lead to.
    """
    if question.reply_to is None:
        return ()
    at_ms, would = event_at_ms(question), None
    reasons: tuple[str, ...] = ()
    for effect in effects:
        if (
            isinstance(effect, DecisionLogged)
            and effect.entry.trigger.event_id == question.event_id
        ):
            would = effect.entry.by_offer()
    if question.placement is not None and person is not None and would is None:
        reasons = (NO_RULE,)
    reply = Reply(
        question_id=question.event_id,
        reply_to=question.reply_to,
        customer_id=question.identity.key if person is None else person.customer_id,
        verdict="unknown" if person is None else "told",
        reason_codes=reasons,
        customer=None
        if person is None
        else facts_of(person, max(at_ms, person.last_at_ms), policy),
        would_decide=would,
    )
    return (QuestionAnswered(reply, at_ms),)


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
    codes = [entry.verdict, *entry.why_nots]
    return list(dict.fromkeys(codes))
