"""An answer that meets the end of its time is heard by its caller or told as late, never lost."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from msgspec import convert
from structlog.testing import capture_logs

from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.replies import Reply
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.asking import Asking
from streams.gateway.replies import Replies
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

Moment = Callable[[Callable[[], None], "asyncio.Task[Reply | None]"], None]
QUESTION = OutputMessage("events.app", b"c-1", b"{}")
FAILURE = OSError(28, "No space left on device")


def before(answer: Callable[[], None], _: object) -> None:
    """The time is over after the answer has come, and before its caller wakes."""
    answer()


def after(answer: Callable[[], None], _: object) -> None:
    """The answer comes after the time is over, and before its caller wakes."""
    asyncio.get_running_loop().call_soon(answer)


def gone(answer: Callable[[], None], asking: "asyncio.Task[Reply | None]") -> None:
    """The caller goes away after the answer has come, and before it wakes."""
    answer()
    asking.cancel()


class Sending:
    """In the place of the producer: runs in the loop's turn that also ends the question's time."""

    def __init__(self, moment: Callable[[], None]) -> None:
        self._moment = moment

    async def send(self, _: Sequence[OutputMessage]) -> None:
        """Whatever happens in this turn."""
        self._moment()


def heard_and_late(moment: Moment) -> tuple[Reply | None, float]:
    """What the caller hears whose time is over at once, and how many were told as late."""
    meter = Meter()

    async def run() -> Reply | None:
        def now() -> None:
            moment(answer, asked)

        def answer() -> None:
            told = {"question_id": "q-1", "customer_id": "c-1", "verdict": "no_offer"}
            replies.take([convert({**told, "reply_to": replies.address}, Reply)])

        asking = Asking(Sending(now), meter, 0, lambda: 0)
        replies = Replies(Settings(), asking.late)
        replies.reachable = True
        asked = asyncio.ensure_future(asking._answer(replies, "q-1", QUESTION, 0.0))
        try:
            return await asked
        except asyncio.CancelledError:
            return None

    return asyncio.run(run()), meter.value(metrics.GATEWAY_LATE)


@pytest.mark.parametrize(("moment", "hears"), [(before, True), (after, False), (gone, False)])
def test_an_answer_that_meets_its_end_is_heard_or_told_as_late(moment: Moment, hears: bool) -> None:
    """Exactly one of both, whichever comes first in one turn of the loop."""
    heard, late = heard_and_late(moment)
    assert (heard is not None, late) == ((True, 0) if hears else (False, 1))


@pytest.mark.parametrize(("error", "said"), [(FAILURE, 1), (NotAcknowledgedError("away"), 0)])
def test_a_question_that_fails_when_nobody_waits_is_said(error: Exception, said: int) -> None:
    """A fault of ours is in the log; that Kafka did not take it is logged where that is found."""

    async def run() -> None:
        too_late = asyncio.Event()

        class Failing:
            async def send(self, _: Sequence[OutputMessage]) -> None:
                await too_late.wait()
                raise error

        asking = Asking(Failing(), Meter(), 0, lambda: 0)
        replies = Replies(Settings(), lambda _: None)
        replies.reachable = True
        assert await asking._answer(replies, "q-1", QUESTION, 0.0) is None
        too_late.set()
        await asyncio.wait(list(asking._telling))

    with capture_logs() as logs:
        asyncio.run(run())
    assert [line["event"] for line in logs] == ["question_failed"] * said
