"""One person, for a server that may ask: what is known, and what would be decided now."""

import asyncio
import contextlib
from functools import partial
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Final, Literal

import structlog
from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import ID_PATTERN
from streams.contracts.outputs.payloads import DecisionLog, IdentityChange
from streams.contracts.outputs.replies import CustomerFacts, Reply
from streams.errors import OperatorError
from streams.gateway.customer_words import words_of
from streams.gateway.described import CUSTOMER_ANSWERS
from streams.gateway.outgoing import NO_STORE, CustomerId, Out
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest, Ways, count, headers_of, query_of
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.admin.customer_log import CustomerLog

log = structlog.get_logger()

DECISIONS_MAX: Final = 20
RETRY_AFTER_S: Final = 2

Placement = Annotated[
    str | None,
    QueryParameter(
        name="decide",
        pattern=ID_PATTERN,
        description="A placement: what would be decided there now, without deciding it.",
    ),
]


Decisions = Annotated[
    int,
    QueryParameter(
        name="decisions",
        ge=0,
        le=DECISIONS_MAX,
        description="How many of the last decisions, with the evidence of links: they are looked "
        "up in the archive and the topics, which takes its time.",
    ),
]


class CustomerTold(Struct, frozen=True, kw_only=True):
    """The answer to `GET /v1/customers/{id}`; `words` say the same as the rest.

    `links` and `decisions`, the oldest first, are there where decisions were asked for.
    """

    verdict: Literal["told", "timeout"]
    customer: CustomerFacts | None = None
    words: tuple[str, ...] = ()
    would_decide: DecisionLog | None = None
    reason_codes: tuple[str, ...] = ()
    links: tuple[IdentityChange, ...] = ()
    decisions: tuple[DecisionLog, ...] = ()


class LogBook:
    """The log of one person after the other, read in a thread that holds up no end of the process.

    A request that is given up does not end the thread: until it has read, others are refused.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._busy = False

    async def added(self, told: CustomerTold, person: str, decisions: int) -> CustomerTold:
        """The answer with links and so many decisions.

        Raises:
            RequestRefusedError: somebody else's is being read, or it cannot be read.
        """
        if self._busy:
            raise RequestRefusedError(503, "busy", "another log is being read", RETRY_AFTER_S)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[CustomerLog] = loop.create_future()
        run = partial(self._run, loop, answer, person, decisions)
        self._busy = True
        Thread(target=run, name="customer-log", daemon=True).start()
        try:
            found = await answer
        except OperatorError as error:
            log.warning("log_not_read", reason=type(error).__name__)
            detail = "archive and topics cannot be read"
            raise RequestRefusedError(503, "log_not_read", detail, RETRY_AFTER_S) from error
        words = (*told.words, *found.words)
        decided = tuple([entry.by_offer() for entry in found.decisions])
        return replace(told, links=found.links, decisions=decided, words=words)

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: "asyncio.Future[CustomerLog]",
        person: str,
        decisions: int,
    ) -> None:
        found: CustomerLog | Exception
        try:
            found = self._read(person, decisions)
        except Exception as error:
            found = error
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._settle, answer, found)

    def _settle(
        self, answer: "asyncio.Future[CustomerLog]", found: "CustomerLog | Exception"
    ) -> None:
        self._busy = False
        if answer.done():  # whoever asked has gone
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def _read(self, person: str, decisions: int) -> "CustomerLog":
        from streams.admin.customer_log import log_of  # what reads files comes when it is needed

        return log_of(self._settings, person, decisions)


def customer_handler(ways: Ways, out: Out, log_book: LogBook) -> HTTPRouteHandler:
    """`GET /v1/customers/{id}`."""

    @get("/v1/customers/{customer_id:str}", responses=CUSTOMER_ANSWERS)
    async def get_customer(
        request: AnyRequest,
        customer_id: CustomerId,
        placement: Placement = None,
        decisions: Decisions = 0,
    ) -> Response[CustomerTold]:
        """What is known of a person, for a server; it is logged whose key asked."""
        asker = out.askers.server(headers_of(request), query_of(request))
        out.askers.pay(asker)
        log.info("customer_asked_about", by=asker.sender.name, decide=placement is not None)
        reply = await out.asking.about(out.replies, customer_id, asker.sender.name, placement)
        told = _told(reply)
        if decisions and told.customer is not None:
            told = await log_book.added(told, told.customer.customer_id, decisions)
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
