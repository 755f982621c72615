"""Offers: the catalogue and how each does, one edited and published with its diff, taken back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, Final

import structlog
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter
from msgspec import Struct

from streams.admin.aside import TryChange
from streams.admin.catalogue import (
    Change,
    OvertakenError,
    Records,
    Version,
    before_version,
    changes,
    with_changes,
)
from streams.admin.reference import reference_of
from streams.contracts.common import ID_PATTERN
from streams.contracts.internal.budgets import BudgetTold
from streams.contracts.reference.structs import Offer
from streams.gateway.page.asides import Asides
from streams.gateway.page.kit import Kit, language_for
from streams.gateway.page.offer_edit import OFFERS, as_yaml, edited
from streams.gateway.page.offer_trials import ReachBook, offers_in, told_of, trial_handlers
from streams.gateway.page.turns import turn_of
from streams.gateway.page.workers import Worker, Workers
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest
from streams.telemetry import catalogue as metrics

log = structlog.get_logger()

OfferId = Annotated[str, PathParameter(pattern=ID_PATTERN)]
VERSIONS_SHOWN: Final = 10
READING_MAX: Final = 2  # at once: each holds a consumer, a thread and the offers


class Catalogue(Struct, frozen=True):
    """Where the catalogue (or its offers alone) is read and changed; all of it blocks.

    `budgets`: what the treasury told last of each offer's, by the offer's id.
    """

    published: Callable[[], Records]
    offers: Callable[[], Records]
    versions: Callable[[], list[Version]]
    commit: Callable[[Sequence[Change], str], int]
    budgets: Callable[[], Mapping[str, BudgetTold]]


class Shown(Struct, frozen=True):
    """What the pages of offers work with."""

    kit: Kit
    catalogue: Catalogue
    workers: Workers
    trials: Asides
    reach: ReachBook


class Figure(Struct, frozen=True):
    """What an offer brings a head more than its holdout, with its interval."""

    value: float
    low: float
    high: float


def offer_handlers(shown: Shown) -> list[HTTPRouteHandler]:
    """`/offers`, `/offers/{id}`, what belongs to them, and `/rollback`."""
    turn, reading = asyncio.Lock(), asyncio.Semaphore(READING_MAX)
    kit, catalogue = shown.kit, shown.catalogue
    return [
        _list(kit, catalogue, shown.workers, reading),
        _offer(kit, catalogue, reading),
        _edit(kit, catalogue, shown.trials, turn),
        _rollback(kit, catalogue, turn),
        *trial_handlers(kit, shown.trials, shown.reach, partial(offers_in, catalogue.offers)),
    ]


def _list(
    kit: Kit, catalogue: Catalogue, workers: Workers, reading: asyncio.Semaphore
) -> HTTPRouteHandler:
    @get("/offers")
    async def get_offers(request: AnyRequest) -> Response[str]:
        """What is published, what each offer brings, and the newest versions."""
        session = kit.session(request)
        async with turn_of(reading):
            offers = await asyncio.to_thread(lambda: reference_of(catalogue.offers()).offers)
            kept = await asyncio.to_thread(catalogue.versions)
            money = await asyncio.to_thread(_budgets, catalogue, offers)
        done = request.query_params.get("done", "")
        said = {
            "offers": sorted(offers, key=lambda offer: offer.offer_id),
            "figures": figures_of(workers.seen),
            "people": people_of(workers.seen),
            "money_of": money,
            "versions": kept[:VERSIONS_SHOWN],
            "newest": kept[0].number if kept else 0,
            "done": done if done.isdigit() else "",
        }
        return kit.shown(request, "offers.html", session, said)

    return get_offers


def _offer(kit: Kit, catalogue: Catalogue, reading: asyncio.Semaphore) -> HTTPRouteHandler:
    @get("/offers/{offer_id:str}")
    async def get_offer(request: AnyRequest, offer_id: OfferId) -> Response[str]:
        """One offer as YAML."""
        session = kit.session(request)
        async with turn_of(reading):
            there = await asyncio.to_thread(catalogue.offers)
        text = as_yaml(_published(there, offer_id))
        said: dict[str, Any] = {"offer_id": offer_id, "text": text, "stands": _stands(there)}
        said |= {"edit": None, "trial": None, "busy": False}
        return kit.shown(request, "offer.html", session, said)

    return get_offer


def _edit(kit: Kit, catalogue: Catalogue, trials: Asides, turn: asyncio.Lock) -> HTTPRouteHandler:
    @post("/offers/{offer_id:str}")
    async def post_offer(request: AnyRequest, offer_id: OfferId) -> Response[str]:
        """Show what an edit would change; try it; or publish it, if nothing has changed since."""
        session, form = await kit.acting(request)
        text = form.get("text", "").replace("\r\n", "\n")
        async with turn_of(turn):
            there = await asyncio.to_thread(catalogue.published)
            edit = await asyncio.to_thread(edited, text, there)
            fresh = form.get("stands") == _stands(there)
            if form.get("step") == "publish" and fresh and edit.may_be_published:
                why = f"{edit.offer_id}, on the page by {session.operator.name}"
                number = await asyncio.to_thread(_committed, catalogue, edit.changes, why)
                log.info("operator_acted", by=session.operator.name, what="publish", version=number)
                return kit.moved(f"/offers?done={number}")
        said: dict[str, Any] = {"offer_id": offer_id, "text": text, "edit": edit}
        said |= {"stands": _stands(there), "fresh": fresh, "trial": None, "busy": False}
        if form.get("step") == "try" and edit.may_be_published:
            question = TryChange(kit.settings, there, with_changes(there, edit.changes))
            trial = await asyncio.to_thread(trials.start, question, session.operator.name)
            log.info("operator_asked", by=session.operator.name, what="trial")
            said |= told_of(trial, language_for(request)) | {"busy": trial is None}
        status = 200 if edit.may_be_published and fresh else 422
        return kit.shown(request, "offer.html", session, said, status)

    return post_offer


def _rollback(kit: Kit, catalogue: Catalogue, turn: asyncio.Lock) -> HTTPRouteHandler:
    @post("/rollback")
    async def post_rollback(request: AnyRequest) -> Response[str]:
        """Publish again what stood before a version; this is a version of its own."""
        session, form = await kit.acting(request)
        async with turn_of(turn):
            there = await asyncio.to_thread(catalogue.published)
            kept = await asyncio.to_thread(catalogue.versions)
            number = next((v.number for v in kept if str(v.number) == form.get("version")), None)
            if number is None:
                raise RequestRefusedError(422, "no_version", "no such version is kept")
            if str(kept[0].number) != form.get("newest"):
                raise RequestRefusedError(409, "overtaken", "there is a newer version")
            back = changes(there, before_version(there, kept, number))
            why = f"back to version {number - 1}, on the page by {session.operator.name}"
            made = await asyncio.to_thread(_committed, catalogue, back, why)
        log.info("operator_acted", by=session.operator.name, what="rollback", version=made)
        return kit.moved(f"/offers?done={made}")

    return post_rollback


def _committed(catalogue: Catalogue, wanted: Sequence[Change], why: str) -> int:
    """Raises: RequestRefusedError: somebody else has published since the catalogue was read."""
    try:
        return catalogue.commit(wanted, why)
    except OvertakenError as error:
        raise RequestRefusedError(409, "overtaken", "somebody else has published") from error


def _budgets(catalogue: Catalogue, offers: Sequence[Offer]) -> Mapping[str, BudgetTold]:
    """What was told of budgets, where an offer has one."""
    if all(offer.budget is None for offer in offers):
        return {}
    return catalogue.budgets()


def figures_of(seen: list[Worker]) -> dict[str, Figure]:
    """What is known of each offer with a holdout; all workers read it off one snapshot."""
    found: dict[str, dict[str, float]] = {}
    for worker in seen:
        for (name, label), value in (worker.standing or {}).items():
            if name == metrics.OFFER_INCREMENTAL.name:
                offer_id, _, estimate = label.rpartition(" ")
                found.setdefault(offer_id, {})[estimate] = value
    return {name: Figure(**three) for name, three in found.items() if len(three) == 3}


def people_of(seen: list[Worker]) -> dict[str, dict[str, float]]:
    """Of each offer with a holdout how many people of each group are known of."""
    found: dict[str, dict[str, float]] = {}
    for worker in seen:
        for (name, label), value in (worker.standing or {}).items():
            if name == metrics.OFFER_WINDOWS.name:
                offer_id, _, group = label.rpartition(" ")
                found.setdefault(offer_id, {})[group] = value
    return {name: groups for name, groups in found.items() if len(groups) == 2}


def _published(there: Records, offer_id: str) -> bytes:
    value = there.get(OFFERS, {}).get(offer_id)
    if value is None:
        raise RequestRefusedError(404, "no_offer", "no such offer is published")
    return value


def _stands(there: Records) -> str:
    """A mark of the offers that stand: another one, and somebody else has published since."""
    marked = sha256()
    for key, value in sorted(there.get(OFFERS, {}).items()):
        marked.update(key.encode() + b"\0" + value + b"\0")
    return marked.hexdigest()
