"""Effects to records: what goes to a topic, with its key and its CloudEvents headers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from streams import topics
from streams.contracts.catalogue import CONTRACT_OF
from streams.contracts.envelope import output_headers, trace_headers
from streams.contracts.ids import derive_id
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning_records import encode_example
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed, encode_report
from streams.contracts.internal.routing import (
    ErasureDone,
    LinkAnswered,
    LinkEnded,
    LinkRequested,
    Routable,
    RoutedEvent,
)
from streams.contracts.outputs import effects as happened
from streams.contracts.outputs.effects import Effect
from streams.contracts.outputs.payloads import DeadLetter
from streams.contracts.times import from_ms, to_ms

_TAGS: Final[dict[type[Routable], bytes]] = {
    RoutedEvent: b'{"type":"routed_event",',
    LinkRequested: b'{"type":"link_requested",',
    LinkAnswered: b'{"type":"link_answered",',
    LinkEnded: b'{"type":"link_ended",',
    ErasureDone: b'{"type":"erasure_done",',
    LeaseAllotted: b'{"type":"lease_allotted",',
    LeaseUsed: b'{"type":"lease_used",',
}
_ENCODER: Final = msgspec.json.Encoder()
_WRITTEN: Final = {kind: (c.topic.name, c.type_name) for kind, c in CONTRACT_OF.items()}


class OutputMessage(NamedTuple):
    """A record to be produced; `topic` is the catalogue's name, without the application's id."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def encode_routed(message: Routable) -> bytes:
    """A message for `customer-events`, as JSON whose `type` says which it is."""
    return _TAGS[type(message)] + _ENCODER.encode(message)[1:]


def encode_output(effect: Effect, traceparent: str | None = None) -> OutputMessage | None:
    """The record of an effect, or None where the effect is only counted.

    `traceparent`: of the message that led to it. Offers and their log carry that of their own
    trigger event instead, which may be an earlier one.
    """
    encode = _ENCODERS.get(type(effect))
    if encode is None:
        return None
    message = encode(effect)
    if (
        traceparent is None
        or type(effect) in _OF_AN_EVENT
        or "traceparent" in dict(message.headers)
    ):
        return message
    return message._replace(headers=(*message.headers, *trace_headers(traceparent)))


def _offer(effect: happened.OfferDecided) -> OutputMessage:
    offer = effect.offer
    return _output(offer, offer.decision_id, offer.customer_id, offer.decided_at, offer.traceparent)


def _decision(effect: happened.DecisionLogged) -> OutputMessage:
    entry, at = effect.entry, effect.entry.decided_at
    id_ = derive_id("l", entry.decision_id, entry.verdict, str(to_ms(at)))
    return _output(entry, id_, entry.customer_id, at, entry.traceparent)


def _alert(effect: happened.AlertRaised) -> OutputMessage:
    alert = effect.alert
    return _output(alert, alert.alert_id, alert.customer_id, alert.raised_at, alert.traceparent)


def _outcome(effect: happened.CaseFollowed) -> OutputMessage:
    told = effect.outcome
    return _output(told, f"{told.case_id}.outcome", told.customer_id, told.known_at)


def _change(effect: happened.IdentityChanged | happened.SegmentChanged) -> OutputMessage:
    change = effect.change
    return _output(change, change.change_id, change.customer_id, change.changed_at)


def _zone_visit(effect: happened.ZoneVisitChanged) -> OutputMessage:
    visit = effect.change
    key, at = visit.customer_id or visit.visit_id, visit.left_at or visit.entered_at
    return _output(visit, f"{visit.visit_id}.{visit.kind}", key, at)


def _receipt(effect: happened.ReceiptIssued) -> OutputMessage:
    receipt = effect.receipt
    return _output(receipt, receipt.request_id, receipt.request_id, receipt.completed_at)


def _reply(effect: happened.QuestionAnswered) -> OutputMessage:
    reply = effect.reply
    return _output(reply, f"{reply.question_id}.reply", reply.reply_to, from_ms(effect.at_ms))


def _label(effect: happened.OutcomeLabeled) -> OutputMessage:
    example = effect.example
    key = example.model.encode()
    return OutputMessage(topics.LEARNING_EXAMPLES.name, key, encode_example(example))


def _routed(effect: happened.EventRouted) -> OutputMessage:
    key = effect.key.encode()
    return OutputMessage(topics.CUSTOMER_EVENTS.name, key, encode_routed(effect.message))


def _told(effect: happened.LeaseTold) -> OutputMessage:
    key = effect.report.offer_id.encode()
    return OutputMessage(topics.LEASE_REQUESTS.name, key, encode_report(effect.report))


_OF_AN_EVENT: Final = (happened.OfferDecided, happened.DecisionLogged)
# By exact type: Python asks a struct's metaclass at each `isinstance`, ten times as slowly.
_ENCODERS: Final[dict[type[Effect], Callable[[Any], OutputMessage]]] = {
    happened.OfferDecided: _offer,
    happened.DecisionLogged: _decision,
    happened.AlertRaised: _alert,
    happened.CaseFollowed: _outcome,
    happened.IdentityChanged: _change,
    happened.SegmentChanged: _change,
    happened.ReceiptIssued: _receipt,
    happened.ZoneVisitChanged: _zone_visit,
    happened.QuestionAnswered: _reply,
    happened.OutcomeLabeled: _label,
    happened.EventRouted: _routed,
    happened.LeaseTold: _told,
}


def _output(
    payload: msgspec.Struct, id_: str, key: str, at: datetime, traceparent: str | None = None
) -> OutputMessage:
    topic, type_name = _WRITTEN[type(payload)]
    headers = output_headers(type_name, id_, at, key, traceparent)
    return OutputMessage(topic, key.encode(), _ENCODER.encode(payload), headers)


def encode_dead_letter(
    letter: DeadLetter,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = (),
) -> OutputMessage:
    """A record for `dead-letters`: raw bytes and key untouched, the facts in `os_*` headers.

    The record's own headers stay, so that driving it again finds its envelope; `os_*` headers of
    an earlier attempt are replaced.
    """
    own = tuple((name, text) for name, text in headers if not name.startswith("os_"))
    facts = msgspec.structs.asdict(letter).items()
    added = tuple((f"os_{name}", str(fact).encode()) for name, fact in facts)
    return OutputMessage(topics.DEAD_LETTERS.name, key, value, (*own, *added))


def dead_letter_of(headers: Sequence[tuple[str, bytes]]) -> DeadLetter | Rejected:
    """The facts of a dead letter, read back from its `os_*` headers."""
    found = {
        name.removeprefix("os_"): (text or b"").decode("utf-8", "replace")
        for name, text in headers
        if name.startswith("os_")
    }
    try:
        return msgspec.convert(found, DeadLetter, strict=False)
    except msgspec.ValidationError:
        return Rejected("missing_field", "headers.os_reason", "is no dead letter of ours")
