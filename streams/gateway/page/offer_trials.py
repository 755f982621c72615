"""What a change of an offer would have done on recent history, and whom offers have reached."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter
from msgspec import Struct

from streams.admin.aside import Answer, AskReach, Progress
from streams.admin.catalogue import Records
from streams.admin.decision_words import WHY_NOT
from streams.admin.reach import Reached
from streams.admin.reference import reference_of
from streams.admin.trying import NotTried, Tried
from streams.contracts.common import LanguageTag
from streams.contracts.reference.structs import Offer
from streams.evaluation.backtest import Ran, Sent
from streams.gateway.page.asides import Aside, Asides
from streams.gateway.page.kit import Kit, language_for
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest
from streams.settings import Settings

TrialId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{16}$")]
FRESH_S: Final = 300.0
ROWS_MAX: Final = 50


class Beside(Struct, frozen=True):
    """One offer on both sides of a trial."""

    offer_id: str
    before: Sent
    after: Sent

    @property
    def differs(self) -> bool:
        """Whether anything is sent otherwise."""
        return self.before != self.after


class WithheldBeside(Struct, frozen=True):
    """How often an offer could not be made for one reason, on both sides."""

    offer_id: str
    text: str
    before: int
    after: int


class OfferCost(Struct, frozen=True):
    """One offer's reach, with the part of those sent that was used, and what it has cost so far."""

    offer_id: str
    people: int
    sent: int
    used: int
    cost: float | None
    currency: str


class ReachBook:
    """The newest count of whom offers reached; counted anew when it is old and asked for."""

    def __init__(self, settings: Settings, asides: Asides) -> None:
        self._settings, self._asides = settings, asides
        self._counting: Aside | None = None

    def look(self) -> Answer:
        """What was counted, or how it stands; never waits."""
        last = self._counting
        ended_s = None if last is None else last.ended_s
        if last is None or (ended_s is not None and time.monotonic() - ended_s > FRESH_S):
            last = self._asides.start(AskReach(self._settings), "the page")
            self._counting = last
        return Progress() if last is None else last.answer


def trial_handlers(
    kit: Kit, trials: Asides, reach: ReachBook, offers: Callable[[], dict[str, Offer]]
) -> list[HTTPRouteHandler]:
    """`/offer-trials/{id}` and `/offer-reach`."""

    @get("/offer-trials/{trial_id:str}", sync_to_thread=False)
    def get_trial(request: AnyRequest, trial_id: TrialId) -> Response[str]:
        """How far a trial is, or what came out."""
        session = kit.session(request)
        trial = trials.find(trial_id)
        if trial is None:
            raise RequestRefusedError(404, "no_trial", "no such trial is kept")
        said = told_of(trial, language_for(request))
        return kit.shown(request, "trial.html", session, said)

    @get("/offer-reach")
    async def get_reach(request: AnyRequest) -> Response[str]:
        """How many people each offer reached, how often it was used, what that has cost."""
        session = kit.session(request)
        answer = reach.look()
        known = await asyncio.to_thread(offers) if isinstance(answer, Reached) else {}
        rows = costs_of(answer, known) if isinstance(answer, Reached) else []
        said = {"answer": answer, "running": isinstance(answer, Progress), "rows": rows}
        return kit.shown(request, "reach.html", session, said)

    return [get_trial, get_reach]


def told_of(trial: Aside | None, language: LanguageTag) -> dict[str, Any]:
    """What the template says of a trial; None: there is none."""
    answer = None if trial is None else trial.answer
    said: dict[str, Any] = {
        "trial": trial,
        "progress": answer if isinstance(answer, Progress) else None,
    }
    said |= {"not_tried": answer if isinstance(answer, NotTried) else None, "tried": None}
    if isinstance(answer, Tried):
        before, after = answer.found.sides
        rows = sorted(_beside(before, after), key=lambda row: (not row.differs, row.offer_id))
        return said | {
            "tried": answer,
            "before": before,
            "after": after,
            "rows": rows[:ROWS_MAX],
            "left_out": len(rows) - len(rows[:ROWS_MAX]),
            "same": not any(row.differs for row in rows),
            "withheld": _withheld(before, after, language)[:ROWS_MAX],
        }
    return said


def costs_of(found: Reached, known: dict[str, Offer]) -> list[OfferCost]:
    """Each offer with its contacts and discounts, as the catalogue has them now."""
    rows = []
    for one in found.offers:
        offer = known.get(one.offer_id)
        cost = None if offer is None else one.sent * offer.contact_cost + one.used * offer.discount
        currency = "" if offer is None else offer.currency
        rows.append(OfferCost(one.offer_id, one.people, one.sent, one.used, cost, currency))
    return rows


def offers_in(read: Callable[[], Records]) -> dict[str, Offer]:
    """The published offers by id. Blocks."""
    return {offer.offer_id: offer for offer in reference_of(read()).offers}


def _beside(before: Ran, after: Ran) -> list[Beside]:
    names = before.by_offer.keys() | after.by_offer.keys()
    nothing = Sent()
    return [
        Beside(name, before.by_offer.get(name, nothing), after.by_offer.get(name, nothing))
        for name in names
    ]


def _withheld(before: Ran, after: Ran, language: LanguageTag) -> list[WithheldBeside]:
    """Where it differs how often an offer could not be made, the greatest difference first."""
    found = []
    for name in before.withheld.keys() | after.withheld.keys():
        was, will = before.withheld.get(name, 0), after.withheld.get(name, 0)
        offer_id, _, why = name.partition(": ")
        if was != will:
            text = WHY_NOT[why][language] if why in WHY_NOT else why
            found.append(WithheldBeside(offer_id, text, was, will))
    return sorted(found, key=lambda one: (-abs(one.after - one.before), one.offer_id, one.text))
