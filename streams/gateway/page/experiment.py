"""What offers bring: arms of the experiment against each other, as the learner works it out."""

from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from streams.gateway.page.kit import Kit
from streams.gateway.page.workers import Worker, Workers
from streams.gateway.ways import AnyRequest
from streams.telemetry import catalogue as metrics
from streams.telemetry.labels import ARM_PAIR

ESTIMATES: Final = ("value", "low", "high")


class Compared(Struct, frozen=True):
    """One arm against another: margin a head more, and its interval."""

    arm: str
    against: str
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the interval leaves out zero, and on which side."""
        if self.low > 0:
            return "more"
        return "less" if self.high < 0 else "open"


def experiment_handlers(kit: Kit, workers: Workers) -> list[HTTPRouteHandler]:
    """`/experiment`."""

    @get("/experiment", sync_to_thread=False)
    def get_experiment(request: AnyRequest) -> Response[str]:
        """Each pair of arms whose people have whole windows behind them."""
        session = kit.session(request)
        said = {"people": people_of(workers.seen), "compared": compared_in(workers.seen)}
        return kit.shown(request, "experiment.html", session, said)

    return [get_experiment]


def people_of(seen: list[Worker]) -> dict[str, float]:
    """People by arm whose window is over; each worker tells of all of them."""
    found: dict[str, float] = {}
    for worker in seen:
        for (name, arm), value in (worker.standing or {}).items():
            if name == metrics.WINDOWS.name and value:
                found[arm] = max(value, found.get(arm, 0.0))
    return found


def compared_in(seen: list[Worker]) -> list[Compared]:
    """The comparisons that a worker tells of whole; all workers read them off one snapshot."""
    found: dict[str, Compared] = {}
    for worker in seen:
        standing = worker.standing or {}
        for pair in ARM_PAIR.values:
            keys = [(metrics.INCREMENTAL.name, f"{pair} {one}") for one in ESTIMATES]
            if all(key in standing for key in keys):
                arm, _, against = pair.partition("_")
                found[pair] = Compared(arm, against, *(standing[key] for key in keys))
    return list(found.values())
