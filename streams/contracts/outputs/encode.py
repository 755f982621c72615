"""Effects to records: what goes to a topic, with its key and its CloudEvents headers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from streams import topics
from streams.contracts.catalogue import CONTRACT_OF
from streams.contracts.envelope import SOURCE, output_headers, trace_headers
from streams.contracts.ids import derive_id
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning_records import encode_example
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
from streams.contracts.times import to_ms

_TAGS: Final[dict[type[Routable], bytes]] = {
    RoutedEvent: b'{"type":"routed_event",',
    LinkRequested: b'{"type":"link_requested",',
    LinkAnswered: b'{"type":"link_answered",',
    LinkEnded: b'{"type":"link_ended",',
    ErasureDone: b'{"type":"erasure_done",',
}
_ENCODER: Final = msgspec.json.Encoder()


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
    own = isinstance(effect, happened.OfferDecided | happened.DecisionLogged)
    if traceparent is None or own or "traceparent" in dict(message.headers):
        return message
    return message._replace(headers=(*message.headers, *trace_headers(traceparent)))


def _encode_offer(effect: happened.OfferDecided) -> OutputMessage:
    offer = effect.offer
    return _output(
        offer,
        id_=offer.decision_id,
        key=offer.customer_id,
        at=offer.decided_at,
        traceparent=offer.traceparent,
    )


def _encode_decision(effect: happened.DecisionLogged) -> OutputMessage:
    entry = effect.entry
    return _output(
        entry,
        id_=derive_id("l", entry.decision_id, entry.verdict, str(to_ms(entry.decided_at))),
        key=entry.customer_id,
        at=entry.decided_at,
        traceparent=entry.traceparent,
    )


def _encode_alert(effect: happened.AlertRaised) -> OutputMessage:
    alert = effect.alert
    return _output(
        alert,
        id_=alert.alert_id,
        key=alert.customer_id,
        at=alert.raised_at,
        traceparent=alert.traceparent,
    )


def _encode_change(effect: happened.IdentityChanged | happened.SegmentChanged) -> OutputMessage:
    change = effect.change
    return _output(
        change,
        id_=change.change_id,
        key=change.customer_id,
        at=change.changed_at,
    )


def _encode_zone_visit(effect: happened.ZoneVisitChanged) -> OutputMessage:
    change = effect.change
    return _output(
        change,
        id_=f"{change.visit_id}.{change.kind}",
        key=change.customer_id or change.visit_id,
        at=change.left_at or change.entered_at,
    )


def _encode_receipt(effect: happened.ReceiptIssued) -> OutputMessage:
    receipt = effect.receipt
    return _output(
        receipt,
        id_=receipt.request_id,
        key=receipt.request_id,
        at=receipt.completed_at,
    )


def _encode_label(effect: happened.OutcomeLabeled) -> OutputMessage:
    example = effect.example
    return OutputMessage(
        topics.LEARNING_EXAMPLES.name, example.model.encode(), encode_example(example)
    )


def _encode_routed_event(effect: happened.EventRouted) -> OutputMessage:
    return OutputMessage(
        topics.CUSTOMER_EVENTS.name, effect.key.encode(), encode_routed(effect.message)
    )


_ENCODERS: Final[dict[type[Effect], Callable[[Any], OutputMessage]]] = {
    happened.OfferDecided: _encode_offer,
    happened.DecisionLogged: _encode_decision,
    happened.AlertRaised: _encode_alert,
    happened.IdentityChanged: _encode_change,
    happened.SegmentChanged: _encode_change,
    happened.ReceiptIssued: _encode_receipt,
    happened.ZoneVisitChanged: _encode_zone_visit,
    happened.OutcomeLabeled: _encode_label,
    happened.EventRouted: _encode_routed_event,
}


def _output(
    payload: msgspec.Struct,
    *,
    id_: str,
    key: str,
    at: datetime,
    traceparent: str | None = None,
) -> OutputMessage:
    contract = CONTRACT_OF[type(payload)]
    headers = output_headers(contract.type_name, id_, SOURCE, at, key, traceparent)
    return OutputMessage(contract.topic.name, key.encode(), _ENCODER.encode(payload), headers)


def encode_dead_letter(
    value: bytes | None,
    rejected: Rejected,
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    attempt: int = 1,
    headers: Sequence[tuple[str, bytes]] = (),
) -> OutputMessage:
    """A record for `dead-letters`: raw bytes and key untouched, the facts in `os_*` headers.

    The record's own headers stay, so that driving it again finds its envelope; `os_*` headers of
    an earlier attempt are replaced.
    """
    facts = DeadLetter(
        reason=rejected.reason,
        path=rejected.path,
        detail=rejected.detail,
        source_topic=topic,
        source_partition=partition,
        source_offset=offset,
        attempt=attempt,
    )
    own = tuple((name, text) for name, text in headers if not name.startswith("os_"))
    added = tuple((f"os_{name}", str(fact).encode()) for name, fact in _facts(facts))
    return OutputMessage(topics.DEAD_LETTERS.name, key, value, (*own, *added))


def _facts(letter: DeadLetter) -> list[tuple[str, str | int]]:
    return list(msgspec.structs.asdict(letter).items())


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
