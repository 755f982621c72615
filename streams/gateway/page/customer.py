"""One person: what is known, what was decided and why, and what would be decided now."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote

import structlog
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from streams.admin.explaining import explain
from streams.contracts.common import ID_PATTERN
from streams.gateway.page.kit import Kit, language_for
from streams.gateway.page.records import Records
from streams.gateway.page.timeline import History, history_of
from streams.gateway.page.turns import turn_of
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest

log = structlog.get_logger()

ID_MAX: Final = 200
Person = Annotated[str, PathParameter(max_length=ID_MAX)]
IDS_MAX: Final = 10
READING_MAX: Final = 2  # at once: each holds a consumer and a thread


def customer_handlers(
    kit: Kit,
    records_of: Callable[[Sequence[str]], Records],
    placements: Callable[[], tuple[str, ...]],
    currency: Callable[[], str],
) -> list[HTTPRouteHandler]:
    """`/customers`, `/customers/{id}`, and `/customers/{id}/history`."""
    return [_search(kit), _customer(kit, placements, currency), _history(kit, records_of)]


def _search(kit: Kit) -> HTTPRouteHandler:
    @get("/customers", sync_to_thread=False)
    def get_search(request: AnyRequest) -> Response[str]:
        """A field for an id, which leads to the person's page."""
        session = kit.session(request)
        wanted = str(request.query_params.get("id", "")).strip()
        if wanted and not re.match(ID_PATTERN, wanted):  # a "/" in it would be another address
            return _not_there(kit, request, wanted, "customer.no_id", 400)
        if wanted:
            return kit.moved(f"/customers/{quote(wanted, safe='')}")
        return kit.shown(request, "customers.html", session, {"wanted": ""})

    return get_search


def _customer(
    kit: Kit, placements: Callable[[], tuple[str, ...]], currency: Callable[[], str]
) -> HTTPRouteHandler:
    @get("/customers/{person:str}")
    async def get_person(request: AnyRequest, person: Person) -> Response[str]:
        """What a worker knows of the person now; nothing is changed and nothing decided."""
        session = kit.session(request)
        placement = str(request.query_params.get("decide", "")).strip() or None
        log.info("customer_asked_about", by=session.operator.name, decide=placement is not None)
        asked_by = f"operator-{session.operator.name}"
        odd = placement is not None and not re.match(ID_PATTERN, placement)
        wanted = None if odd else placement
        try:
            reply = await kit.out.asking.about(kit.out.replies, person, asked_by, wanted)
        except RequestRefusedError as error:
            if error.status != 400:
                raise
            return _not_there(kit, request, person, "customer.no_id", 400)
        if reply is None:
            return _not_there(kit, request, person, "customer.timeout", 503)
        if reply.customer is None:
            return _not_there(kit, request, person, "customer.unknown", 404)
        would = reply.would_decide
        said = {
            "person": person,
            "facts": reply.customer,
            "placement": placement,
            "odd_placement": odd,
            "placements": placements(),
            "currency": currency(),
            "would": None if would is None else explain(would, None, language_for(request)),
            "reason_codes": reply.reason_codes,
        }
        return kit.shown(request, "customer.html", session, said, 400 if odd else 200)

    return get_person


def _not_there(kit: Kit, request: AnyRequest, person: str, why: str, status: int) -> Response[str]:
    said: dict[str, Any] = {"wanted": person, "why": why}
    return kit.shown(request, "customers.html", kit.session(request), said, status)


def _history(kit: Kit, records_of: Callable[[Sequence[str]], Records]) -> HTTPRouteHandler:
    reading = asyncio.Semaphore(READING_MAX)

    @get("/customers/{person:str}/history")
    async def get_history(request: AnyRequest, person: Person) -> Response[str]:
        """Decisions and timeline; the address names the person's other ids after `also`."""
        session = kit.session(request)
        also = request.query_params.getall("also", [])
        log.info("history_asked_for", by=session.operator.name)
        if any(len(id_) > ID_MAX for id_ in also):
            raise RequestRefusedError(422, "bad_form", "also: cannot be an id")
        ids, language = [person, *also[: IDS_MAX - 1]], language_for(request)

        def read() -> tuple[History, bool]:
            records = records_of(ids)
            return history_of(records.found, language), records.complete

        async with turn_of(reading):
            history, complete = await asyncio.to_thread(read)
        said = {"person": person, "history": history, "complete": complete}
        return kit.shown(request, "history.html", session, said)

    return get_history
