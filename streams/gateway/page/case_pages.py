"""Churn cases: the queue by what is at stake, the history of one, and what became of it."""

import re
from datetime import date
from hashlib import sha256
from secrets import token_urlsafe
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from streams.admin.cases import Case, chosen, raises_risk, signal_words
from streams.gateway.keys import Sender
from streams.gateway.outcomes import outcomes_in
from streams.gateway.page.case_book import CaseBook
from streams.gateway.page.kit import Kit
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest, take

log = structlog.get_logger()

CaseId = Annotated[str, PathParameter(max_length=200)]
SHOWN_MAX: Final = 200
BANDS: Final = ("high", "medium", "low")
RESULTS: Final = ("contacted", "saved", "no_answer", "false_alarm", "lost")
SNOOZED: Final = "snoozed"
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}")  # token_urlsafe(16)


def case_handlers(kit: Kit, book: CaseBook) -> list[HTTPRouteHandler]:
    """`/cases` and `/cases/{id}`."""
    return [_queue(kit, book), _case(kit, book), _outcome(kit, book)]


def _queue(kit: Kit, book: CaseBook) -> HTTPRouteHandler:
    @get("/cases", sync_to_thread=False)
    def get_queue(request: AnyRequest) -> Response[str]:
        """Those that are open, the greatest expected loss first; or all that Kafka keeps."""
        session = kit.session(request)
        asked = request.query_params
        everything = asked.get("state") == "all"
        band = asked.get("band") if asked.get("band") in BANDS else None
        found = chosen(book.cases(), open_=not everything, band=band, customer="")
        said = {
            "ready": book.ready,
            "cases": found[:SHOWN_MAX],
            "count": len(found),
            "left_out": book.left_out,
            "everything": everything,
            "band": band,
            "bands": BANDS,
        }
        return kit.shown(request, "cases.html", session, said)

    return get_queue


def _case(kit: Kit, book: CaseBook) -> HTTPRouteHandler:
    @get("/cases/{case_id:str}", sync_to_thread=False)
    def get_case(request: AnyRequest, case_id: CaseId) -> Response[str]:
        """What was said of it, the newest first."""
        session = kit.session(request)
        said = {
            "case": _named(book, case_id),
            "results": RESULTS,
            "once": token_urlsafe(16),
            "told": request.query_params.get("told") == "1",
            "signal_words": signal_words,
            "raises_risk": raises_risk,
        }
        return kit.shown(request, "case.html", session, said)

    return get_case


def _outcome(kit: Kit, book: CaseBook) -> HTTPRouteHandler:
    @post("/cases/{case_id:str}")
    async def post_outcome(request: AnyRequest, case_id: CaseId) -> Response[str]:
        """Tell what became of a case, as a CRM does; the same form twice tells it once."""
        session, form = await kit.acting(request)
        outcome = outcome_of(_named(book, case_id), form)
        sender = Sender(f"operator-{session.operator.name}", "server")
        incoming = outcomes_in(msgspec.json.encode(outcome), kit.ways.clock_ms())
        taken = await take(kit.ways, "outcomes", sender, incoming, {})
        if taken.rejected:
            first = taken.rejected[0]
            raise RequestRefusedError(422, "not_taken", f"{first.path} {first.detail}")
        log.info("operator_acted", by=session.operator.name, what="case_outcome")
        return kit.moved(f"/cases/{quote(case_id, safe='')}?told=1")

    return post_outcome


def outcome_of(case: Case, form: dict[str, str]) -> dict[str, Any]:
    """What a form says of a case, as `/v1/outcomes` takes it.

    Raises:
        RequestRefusedError: it says nothing that can be told, or the case is over.
    """
    if not case.is_open:
        raise RequestRefusedError(409, "case_over", "the case is over")
    if not _ONCE.fullmatch(form.get("once", "")):
        raise RequestRefusedError(422, "bad_form", "once: is none of ours")
    result = form.get("result", "")
    outcome: dict[str, Any] = {
        "outcome_id": _outcome_id(case, form),
        "customer_id": case.last.customer_id,
        "alert_id": case.last.alert_id,
        "result": result,
    }
    if result == SNOOZED:
        try:
            until = date.fromisoformat(form.get("until", ""))
        except ValueError as error:
            raise RequestRefusedError(422, "no_date", "until: is no date") from error
        outcome["snooze_until"] = f"{until}T00:00:00Z"
    elif result not in RESULTS:
        raise RequestRefusedError(422, "bad_form", "result: is none")
    return outcome


def _outcome_id(case: Case, form: dict[str, str]) -> str:
    """The same for the same form, another for another result that is told with it."""
    told = (form["once"], case.last.case_id, form.get("result", ""), form.get("until", ""))
    return f"out-{sha256(msgspec.json.encode(told)).hexdigest()[:32]}"


def _named(book: CaseBook, case_id: str) -> Case:
    case = book.case(case_id)
    if case is None:
        raise RequestRefusedError(404, "no_case", "no such case is held here")
    return case
