"""Questions to the person's partition: asked as events, answered over `replies` in bounded time.

Nothing is decided here. An answer that comes after its time was decided all the same: it is told
as `delivery_failed`, so that it counts for no cap and is learned from by nobody.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog
from msgspec import Struct, field

from streams import topics
from streams.contracts.common import Identity
from streams.contracts.inputs.events import OfferFeedback
from streams.contracts.inputs.rules import Rejected
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.outputs.replies import Reply
from streams.contracts.times import from_ms
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.asker import Asker
from streams.gateway.intake import Sink
from streams.gateway.questions import about_person, question_event
from streams.gateway.refusals import RequestRefusedError, unreadable
from streams.gateway.replies import Replies
from streams.gateway.shown import Decided, shown
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

log = structlog.get_logger()

TIMEOUT_MS_MAX: Final = 5_000
ABOUT_WAIT_MS: Final = 1_000


Person = dict[str, Any]


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /v1/decide`: for which place and for whom, what is known of the moment.

    The parts are those of an event; they are judged as an event's are. `timeout_ms`: so long the
    caller waits; else `gateway.decide_timeout_ms`.
    """

    placement: str
    person: Person | None = None
    channel: str = "web"
    context: dict[str, Any] = field(default_factory=dict)
    product: dict[str, Any] | None = None
    store_id: str | None = None
    timeout_ms: int | None = None


_wanted: Final = msgspec.json.Decoder(Wanted)


class Asking:
    """Asks, waits, and tells what came too late."""

    def __init__(
        self,
        sink: Sink,
        meter: Meter,
        timeout_ms: int,
        clock_ms: Callable[[], int],
    ) -> None:
        self._sink = sink
        self._meter = meter
        self._timeout_ms = timeout_ms
        self._clock_ms = clock_ms
        self._telling: set[asyncio.Future[None]] = set()

    async def decide(self, replies: Replies, body: bytes, asker: Asker) -> Decided:
        """The decision, or `timeout`; a person asks for nobody but themselves.

        Raises:
            RequestRefusedError: the body is no question.
            NotAcknowledgedError: Kafka did not take the question.
        """
        wanted = _read(body)
        person = _person_of(wanted, asker)
        wait_ms = self._timeout_ms if wanted.timeout_ms is None else wanted.timeout_ms
        question_id = f"q-{uuid4().hex}"
        now_ms = self._clock_ms()
        message = _question(wanted, person, question_id, replies.address, now_ms, wait_ms)
        started_s = time.perf_counter()
        reply = await self._answer(replies, question_id, message, wait_ms / 1000)
        if reply is None:
            self._meter.count(metrics.GATEWAY_ANSWERS, "timeout")
            return Decided(verdict="timeout")
        self._meter.observe(metrics.GATEWAY_ANSWER, value=time.perf_counter() - started_s)
        self._meter.count(metrics.GATEWAY_ANSWERS, reply.verdict)
        return Decided(
            verdict="no_offer" if reply.offer is None else "offer",
            reason_codes=reply.reason_codes,
            decision_id=reply.decision_id,
            offer=None if reply.offer is None else shown(reply.offer),
        )

    async def about(
        self, replies: Replies, person: str, asked_by: str, placement: str | None
    ) -> Reply | None:
        """What is known of a person, and what would be decided in a placement; None: no answer.

        Raises:
            RequestRefusedError: the id is none.
            NotAcknowledgedError: Kafka did not take the question.
        """
        question_id = f"q-{uuid4().hex}"
        found = question_event(
            question_id,
            replies.address,
            self._clock_ms(),
            ABOUT_WAIT_MS,
            **about_person(person, placement, asked_by),
        )
        if isinstance(found, Rejected):
            raise RequestRefusedError(400, found.reason, f"the id {found.detail}")
        return await self._answer(replies, question_id, found, ABOUT_WAIT_MS / 1_000)

    async def _answer(
        self, replies: Replies, question_id: str, message: OutputMessage, wait_s: float
    ) -> Reply | None:
        """The answer, or None after `wait_s`; that Kafka has the question is not waited for.

        An answer may come in the turn of the loop that ends the wait: it is heard all the same,
        and where the caller has gone by then, it is late.
        """
        if not replies.reachable:
            raise NotAcknowledgedError("the answers cannot be read")
        answer = replies.expect(question_id)
        self._send(message, answer)
        try:
            async with asyncio.timeout(wait_s):
                return await answer
        except TimeoutError:
            return None if answer.cancelled() else answer.result()
        except asyncio.CancelledError:
            if not answer.cancelled() and answer.exception() is None:
                self.late(answer.result())
            raise
        finally:
            replies.give_up(question_id)

    def late(self, reply: Reply) -> None:
        """An answer has come after its time: nobody saw the offer."""
        self._meter.count(metrics.GATEWAY_LATE)
        if reply.offer is not None:
            self._send(not_delivered(reply.offer, self._clock_ms()))

    def _send(self, message: OutputMessage, answer: "asyncio.Future[Reply] | None" = None) -> None:
        """Begin to, and let it end; the loop itself holds tasks only weakly."""
        sending = asyncio.ensure_future(self._sink.send([message]))
        self._telling.add(sending)
        sending.add_done_callback(partial(self._sent, answer))

    def _sent(
        self, answer: "asyncio.Future[Reply] | None", sending: "asyncio.Future[None]"
    ) -> None:
        """Kafka has it; else whoever still waits for an answer is told so, or the log.

        That Kafka did not take it is logged where that is found.
        """
        self._telling.discard(sending)
        error = None if sending.cancelled() else sending.exception()
        if error is not None and answer is not None and not answer.done():
            answer.set_exception(error)
        elif error is not None and not isinstance(error, NotAcknowledgedError):
            log.error("question_failed", exc_info=error)


def not_delivered(offer: NextBestOffer, at_ms: int) -> OutputMessage:
    """The report that nobody got the offer; the same for each offer, however often it is made."""
    report = OfferFeedback(
        event_id=f"{offer.decision_id}.late",
        event_name="delivery_failed",
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id=offer.customer_id),
        channel=offer.channel,
        decision_id=offer.decision_id,
        offer_id=offer.offer.offer_id,
        placement=offer.placement,
        reason="timeout",
    )
    key = offer.customer_id.encode()
    return OutputMessage(topics.OFFER_FEEDBACK.name, key, msgspec.json.encode(report))


def _read(body: bytes) -> Wanted:
    try:
        wanted = _wanted.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise unreadable("bad_question", body, error, Wanted) from error
    if wanted.timeout_ms is not None and not 1 <= wanted.timeout_ms <= TIMEOUT_MS_MAX:
        detail = f"$.timeout_ms: is not from 1 to {TIMEOUT_MS_MAX}"
        raise RequestRefusedError(422, "bad_question", detail)
    return wanted


def _person_of(wanted: Wanted, asker: Asker) -> Person:
    """For whom it is asked.

    Raises:
        RequestRefusedError: for nobody, or by a person for another.
    """
    if asker.token is None:
        if wanted.person is None:
            raise RequestRefusedError(422, "bad_question", "$.person: is required of a server")
        return wanted.person
    own = {"customer_id": asker.token.person}
    if wanted.person not in (None, own):
        raise RequestRefusedError(403, "not_yours", "the token is of another person")
    return own


def _question(
    wanted: Wanted, person: Person, question_id: str, address: str, now_ms: int, wait_ms: int
) -> OutputMessage:
    """The event, judged as the worker will judge it.

    Raises:
        RequestRefusedError: the worker would not take it.
    """
    found = question_event(
        question_id,
        address,
        now_ms,
        wait_ms,
        event_name="offer_requested",
        identity=person,
        channel=wanted.channel,
        context=wanted.context,
        placement=wanted.placement,
        product=wanted.product,
        store_id=wanted.store_id,
    )
    if isinstance(found, Rejected):
        path = found.path.replace("$.identity", "$.person")
        raise RequestRefusedError(422, found.reason, f"{path}: {found.detail}")
    return found
