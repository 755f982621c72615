"""What OpenAPI says of bodies and answers, where the handlers' types alone do not say it."""

from dataclasses import dataclass
from typing import Any, Final, cast

from litestar.enums import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from msgspec import Struct

from streams.contracts.inputs.events import RetentionOutcome, names_of
from streams.gateway.intake import RejectedEvent, Taken
from streams.gateway.refusals import PROBLEM_JSON, Problem


class SegmentAnswer(Struct, frozen=True, kw_only=True):
    """What Segment's and RudderStack's libraries are answered; they look at the status only."""

    success: bool
    accepted: int
    rejected: list[RejectedEvent]
    ignored: list[int]


RESULTS: Final = names_of(RetentionOutcome.__annotations__["result"])
GIF: Final = "image/gif"
_EVENT: Final = Schema(type=OpenAPIType.OBJECT, description="An event: docs/events.md, schemas/.")
_EVENTS: Final = Schema(type=OpenAPIType.ARRAY, items=_EVENT, min_items=1)
_LINES: Final = Schema(type=OpenAPIType.STRING, description="One JSON object a line.")
_ANY_OF_SOURCE: Final = Schema(description="Messages as its mapping file has them.")
_CALL: Final = Schema(type=OpenAPIType.OBJECT, description="As Segment's HTTP API has it.")


def _body(schemas: dict[str, Schema]) -> RequestBody:
    content = {media: OpenAPIMediaType(schema=schema) for media, schema in schemas.items()}
    return RequestBody(content=content, required=True)


@dataclass
class OwnBody(Operation):
    """The bodies of our own contract."""

    def __post_init__(self) -> None:
        """Name the forms that are read."""
        self.request_body = _body(
            {
                "application/json": Schema(one_of=[_EVENT, _EVENTS]),
                "application/x-ndjson": _LINES,
                "application/cloudevents+json": _EVENT,
                "application/cloudevents-batch+json": _EVENTS,
            }
        )


@dataclass
class SegmentBody(Operation):
    """The bodies of Segment's HTTP API."""

    def __post_init__(self) -> None:
        """Name the form that is read."""
        self.request_body = _body({"application/json": _CALL})


@dataclass
class AnyBody(Operation):
    """The bodies of a source that has a table."""

    def __post_init__(self) -> None:
        """Name the forms that are read."""
        self.request_body = _body(
            {"application/json": _ANY_OF_SOURCE, "application/x-ndjson": _LINES}
        )


@dataclass
class DecideBody(Operation):
    """The body of a question."""

    def __post_init__(self) -> None:
        """Name what is read of it."""
        part = Schema(type=OpenAPIType.OBJECT)
        text = Schema(type=OpenAPIType.STRING)
        question = Schema(
            type=OpenAPIType.OBJECT,
            required=["placement"],
            properties={
                "person": Schema(
                    type=OpenAPIType.OBJECT,
                    description="`identity` of an event; required of a server.",
                ),
                "placement": Schema(type=OpenAPIType.STRING, description="That of a trigger rule."),
                "channel": text,
                "context": part,
                "product": part,
                "store_id": text,
                "timeout_ms": Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=5_000),
            },
        )
        self.request_body = _body({"application/json": question})


@dataclass
class OutcomesBody(Operation):
    """The bodies of what a CRM did."""

    def __post_init__(self) -> None:
        """Name what is read of them."""
        text = Schema(type=OpenAPIType.STRING)
        time = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)
        outcome = Schema(
            type=OpenAPIType.OBJECT,
            required=["customer_id", "alert_id", "result"],
            properties={
                "customer_id": text,
                "alert_id": text,
                "result": Schema(type=OpenAPIType.STRING, enum=list(RESULTS)),
                "snooze_until": time,
                "occurred_at": time,
                "outcome_id": text,
                "channel": text,
            },
        )
        several = Schema(type=OpenAPIType.ARRAY, items=outcome, min_items=1)
        self.request_body = _body({"application/json": Schema(one_of=[outcome, several])})


@dataclass
class FeedbackBody(Operation):
    """The body of feedback."""

    def __post_init__(self) -> None:
        """Name what is read of it."""
        text = Schema(type=OpenAPIType.STRING)
        told = Schema(
            type=OpenAPIType.OBJECT,
            required=["decision_id", "offer_id", "did"],
            properties={
                "decision_id": text,
                "offer_id": text,
                "did": Schema(
                    type=OpenAPIType.STRING, enum=["seen", "clicked", "dismissed", "used"]
                ),
                "person": Schema(type=OpenAPIType.STRING, description="From a server only."),
                "channel": text,
                "placement": text,
                "occurred_at": Schema(type=OpenAPIType.STRING, description="RFC 3339, with zone."),
            },
        )
        self.request_body = _body({"application/json": told})


def _answer(kind: Any, description: str) -> ResponseSpec:
    return ResponseSpec(kind, generate_examples=False, description=description)


def _problem(description: str) -> ResponseSpec:
    media = cast(MediaType, PROBLEM_JSON)
    return ResponseSpec(Problem, generate_examples=False, description=description, media_type=media)


REFUSALS: Final = {
    401: _problem("No write key of ours."),
    403: _problem("Pages of this origin may not send."),
    408: _problem("The body did not arrive in time."),
    413: _problem("The body is too large, or holds too many events."),
    415: _problem("The body is packed in a way that is not read."),
    422: _problem("The body is damaged, or holds no event."),
    429: _problem("The source sends too much; Retry-After says when to try again."),
    503: _problem("Kafka did not confirm all of it: send the same once more."),
}
ANSWERS: Final = {
    **REFUSALS,
    207: _answer(Taken, "Some events were taken, others were not."),
    400: _answer(Taken, "No event was taken."),
}
OUTCOME_ANSWERS: Final = {**ANSWERS, 403: _problem("Not with this key, or from this page.")}
SOURCE_ANSWERS: Final = {
    **REFUSALS,
    207: _answer(SegmentAnswer, "Some messages were taken, others were not."),
    400: _answer(SegmentAnswer, "No message was taken."),
    404: _problem("There is no table of this source."),
}
PIXEL_ANSWERS: Final = {
    **REFUSALS,
    400: ResponseSpec(
        bytes, generate_examples=False, description="Not taken.", media_type=cast(MediaType, GIF)
    ),
}
DECIDE_ANSWERS: Final = {
    **REFUSALS,
    401: _problem("No token or key that is good; `token_expired`: ask for a new token."),
    403: _problem("Not with this key, for this person, or from this page."),
}
OFFERS_ANSWERS: Final = {
    **{status: DECIDE_ANSWERS[status] for status in (401, 403, 429)},
    400: _problem("The id is none."),
    503: _problem("The offers are being read."),
}
CUSTOMER_ANSWERS: Final = {
    **OFFERS_ANSWERS,
    404: _problem("Nothing is known under this id."),
    503: _problem("Kafka did not take the question, or the log cannot be read now."),
}
STREAM_ANSWERS: Final = {
    **OFFERS_ANSWERS,
    200: ResponseSpec(
        str,
        generate_examples=False,
        description="Events `offer` with an id.",
        media_type=cast(MediaType, "text/event-stream"),
    ),
}
CLIENT_ANSWERS: Final = {
    304: ResponseSpec(None, generate_examples=False, description="The browser has it already."),
}
SEGMENT_ANSWERS: Final = {**REFUSALS, 400: _answer(SegmentAnswer, "No message was taken.")}
