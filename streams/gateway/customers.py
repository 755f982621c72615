"""One person, for a server that may ask: what is known, and what would be decided now."""

from http import HTTPStatus
from typing import Annotated, Literal

import structlog
from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct

from streams.contracts.common import ID_PATTERN
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.outputs.replies import CustomerFacts, Reply
from streams.gateway.customer_words import words_of
from streams.gateway.described import CUSTOMER_ANSWERS
from streams.gateway.outgoing import NO_STORE, CustomerId, Out
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest, Ways, count, headers_of, query_of

log = structlog.get_logger()

Placement = Annotated[
    str | None,
    QueryParameter(
        name="decide",
        pattern=ID_PATTERN,
        description="A placement: what would be decided there now, without deciding it.",
    ),
]


class CustomerTold(Struct, frozen=True, kw_only=True):
    """The answer to `GET /v1/customers/{id}`; `words` say the same as `customer`."""

    verdict: Literal["told", "timeout"]
    customer: CustomerFacts | None = None
    words: tuple[str, ...] = ()
    would_decide: DecisionLog | None = None
    reason_codes: tuple[str, ...] = ()


def customer_handler(ways: Ways, out: Out) -> HTTPRouteHandler:
    """`GET /v1/customers/{id}`."""

    @get("/v1/customers/{customer_id:str}", responses=CUSTOMER_ANSWERS)
    async def get_customer(
        request: AnyRequest, customer_id: CustomerId, placement: Placement = None
    ) -> Response[CustomerTold]:
        """What is known of a person, for a server; it is logged whose key asked."""
        asker = out.askers.server(headers_of(request), query_of(request))
        out.askers.pay(asker)
        log.info("customer_asked_about", by=asker.sender.name, decide=placement is not None)
        reply = await out.asking.about(out.replies, customer_id, asker.sender.name, placement)
        told = _told(reply)
        count(ways, "customers", HTTPStatus.OK)
        return Response(told, media_type=MediaType.JSON, headers=NO_STORE)

    return get_customer


def _told(reply: Reply | None) -> CustomerTold:
    """What was answered, in JSON and words.

    Raises:
        RequestRefusedError: nothing is known under the id.
    """
    if reply is None:
        return CustomerTold(verdict="timeout")
    if reply.customer is None:
        raise RequestRefusedError(404, "unknown", "nothing is known under this id")
    return CustomerTold(
        verdict="told",
        customer=reply.customer,
        words=tuple(words_of(reply.customer)),
        would_decide=reply.would_decide,
        reason_codes=reply.reason_codes,
    )
