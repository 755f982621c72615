"""Dead letters: what could not be read, why, and back to where it came from."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import structlog
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter
from msgspec import Struct

from streams.admin.dead_letters import Bound, Choice, Letter, choice_of
from streams.admin.outline import outline
from streams.admin.waiting_letters import Waiting
from streams.errors import OperatorError
from streams.gateway.page.kit import Kit
from streams.gateway.page.turns import Stopped, turn_of, while_wanted
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest

log = structlog.get_logger()

LetterId = Annotated[str, PathParameter(pattern=r"^[0-9]{1,9}@[0-9]{1,18}$")]
AT_ONCE: Final = Bound(letters=1_000, value_bytes=16_000_000)


class Letters(Struct, frozen=True):
    """Where letters are read until they ask to stop, and how they are driven again; all block."""

    waiting: Callable[[Choice, Stopped], Waiting]
    one: Callable[[str, Stopped], Letter | None]
    redrive: Callable[[Choice], int]


def letter_handlers(kit: Kit, letters: Letters) -> list[HTTPRouteHandler]:
    """`/dead-letters` and `/dead-letters/{id}`."""
    one_at_a_time = asyncio.Semaphore(1)
    return [
        _list(kit, letters, one_at_a_time),
        _letter(kit, letters, one_at_a_time),
        _redrive(kit, letters, one_at_a_time),
    ]


def _list(kit: Kit, letters: Letters, turn: asyncio.Semaphore) -> HTTPRouteHandler:
    @get("/dead-letters")
    async def get_letters(request: AnyRequest) -> Response[str]:
        """Those that wait, by reason and topic, and the newest of them."""
        session = kit.session(request)
        asked = request.query_params
        choice = _choice("", asked.get("reason", ""), asked.get("topic", ""))
        async with turn_of(turn):
            found = await while_wanted(request, partial(letters.waiting, choice))
        counts = sorted(found.counts.items(), key=lambda pair: -pair[1])
        said = {
            "choice": choice,
            "counts": [(topic, reason, count) for (topic, reason), count in counts],
            "count": sum(found.counts.values()),
            "letters": found.newest,
            "complete": found.complete,
            "at_once": AT_ONCE.letters,
            "driven": asked.get("driven", "") if asked.get("driven", "").isdigit() else "",
        }
        return kit.shown(request, "letters.html", session, said)

    return get_letters


def _letter(kit: Kit, letters: Letters, turn: asyncio.Semaphore) -> HTTPRouteHandler:
    @get("/dead-letters/{letter_id:str}")
    async def get_letter(request: AnyRequest, letter_id: LetterId) -> Response[str]:
        """What is known of one: why, where it came from, its shape; nothing that it holds."""
        session = kit.session(request)
        async with turn_of(turn):
            found = await while_wanted(request, partial(letters.one, letter_id))
        if found is None:
            raise RequestRefusedError(404, "no_letter", "no such letter waits")
        value = found.value
        said = {"letter": found, "size": len(value or b""), "shape": list(outline(value))}
        return kit.shown(request, "letter.html", session, said)

    return get_letter


def _redrive(kit: Kit, letters: Letters, turn: asyncio.Semaphore) -> HTTPRouteHandler:
    @post("/dead-letters")
    async def post_redrive(request: AnyRequest) -> Response[str]:
        """Send the chosen ones back to where they came from, each at most once."""
        session, form = await kit.acting(request)
        choice = _choice(form.get("id", ""), form.get("reason", ""), form.get("topic", ""))
        if choice == Choice():
            raise RequestRefusedError(422, "no_choice", "no letter is named")
        async with turn_of(turn):
            count = await asyncio.to_thread(letters.redrive, choice)
        log.info("operator_acted", by=session.operator.name, what="redrive", letters=count)
        return kit.moved(f"/dead-letters?driven={count}")

    return post_redrive


def _choice(id_: str, reason: str, topic: str) -> Choice:
    """A choice as a form has it.

    Raises:
        RequestRefusedError: there is no such reason or topic, or the id is none.
    """
    try:
        return choice_of((id_,) if id_ else (), reason, topic)
    except OperatorError as error:
        raise RequestRefusedError(422, "no_choice", "no such letter, reason or topic") from error
