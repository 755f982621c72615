"""Questions as events of the topic `questions`, judged as the worker judges them."""

from typing import Any

import msgspec

from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.times import from_ms
from streams.gateway.intake import judge
from streams.gateway.splitting import Incoming


def question_event(
    question_id: str, reply_to: str, now_ms: int, wait_ms: int, **said: Any
) -> OutputMessage | Rejected:
    """The record of a question, or why it is none.

    Args:
        question_id: by which its answer is known.
        reply_to: the address of who waits.
        now_ms: when it is asked; epoch milliseconds.
        wait_ms: for how long.
        said: `event_name`, `identity` and what else the event says.
    """
    event = {
        "event_id": question_id,
        "occurred_at": from_ms(now_ms),
        "reply_to": reply_to,
        "answer_by": from_ms(now_ms + wait_ms),
        **said,
    }
    value = msgspec.json.encode(event)
    return judge(Incoming(0, topics.QUESTIONS.name, value), InputRules(now_ms=now_ms))


def about_person(person: str, placement: str | None, asked_by: str) -> dict[str, Any]:
    """What a question says that asks what is known of a person; `asked_by` is the name of a key."""
    return {
        "event_name": "customer_requested",
        "identity": {"customer_id": person},
        "channel": "web",
        "placement": placement,
        "asked_by": asked_by,
    }
