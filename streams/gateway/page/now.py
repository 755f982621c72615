"""The first page: what comes in, what is decided, what waits, and whether all of it is well."""

from collections.abc import Iterator
from math import isinf
from typing import Any, Final, Literal

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from streams.admin.decision_words import VERDICTS
from streams.gateway.page.case_book import CaseBook
from streams.gateway.page.kit import Kit, language_for
from streams.gateway.page.workers import Worker, Workers
from streams.gateway.ways import AnyRequest
from streams.telemetry import catalogue as metrics

NEWEST: Final = 8
POINTS: Final = 60
LAG_MUCH: Final = 10_000.0
BAD_MUCH: Final = 0.05
SPARK_WIDTH, SPARK_HEIGHT = 120.0, 28.0


class Sign(Struct, frozen=True):
    """One thing that is well or not; `key` is that of its text."""

    level: Literal["ok", "warn", "fail"]
    key: str
    said: dict[str, Any]


class Now(Struct, frozen=True):
    """What the page is made of."""

    kit: Kit
    workers: Workers
    cases: CaseBook


def now_handlers(now: Now) -> list[HTTPRouteHandler]:
    """`/`, and `/now`, the part of it that changes."""
    return [_page(now, "/", "now.html"), _page(now, "/now", "now_live.html")]


def _page(now: Now, path: str, template: str) -> HTTPRouteHandler:
    @get(path, name=template, sync_to_thread=False)
    def get_now(request: AnyRequest) -> Response[str]:
        """What is happening."""
        session = now.kit.session(request)
        return now.kit.shown(request, template, session, told(now, request))

    return get_now


def told(now: Now, request: AnyRequest) -> dict[str, Any]:
    """What the template says."""
    window, seen = now.workers.window(), now.workers.seen
    answering = [worker for worker in seen if worker.standing is not None]
    verdicts = window.of(metrics.DECISIONS)
    language = language_for(request)
    within_s = window.within_s(metrics.EVENT_TO_OFFER, 0.95)
    return {
        "signs": list(signs(now, seen)),
        "minutes": max(1, round(window.seconds / 60)),
        "counted": bool(answering) and window.seconds > 0,
        "events_rate": now.workers.window(60).rate(metrics.EVENTS),
        "events": window.total(metrics.EVENTS),
        "events_line": spark(now.workers.course(metrics.EVENTS, POINTS)),
        "decisions": window.total(metrics.DECISIONS),
        "decisions_line": spark(now.workers.course(metrics.DECISIONS, POINTS)),
        "offers": window.total(metrics.OFFERS),
        "offers_line": spark(now.workers.course(metrics.OFFERS, POINTS)),
        "lag": sum(worker.value(metrics.LAG) for worker in answering) if answering else None,
        "within_s": within_s,
        "within_beyond": within_s is not None and isinf(within_s),
        "verdicts": [
            {
                "name": VERDICTS[name][language] if name in VERDICTS else name,
                "count": count,
                "share": count / sum(verdicts.values()),
            }
            for name, count in verdicts.items()
        ],
        "cases_ready": now.cases.ready,
        "cases_open": now.cases.open_count,
        "cases": now.cases.open(NEWEST),
        "offers_ready": now.kit.out.board.ready,
        "newest": now.kit.out.board.newest(NEWEST),
        "workers": seen,
        "metrics": metrics,
        "now_ms": now.kit.ways.clock_ms(),
    }


def signs(now: Now, seen: list[Worker]) -> Iterator[Sign]:
    """What is well and what is not, the worst first."""
    found = [*_of_gateway(now), *_of_workers(seen), *_of_events(now)]
    order = {"fail": 0, "warn": 1, "ok": 2}
    yield from sorted(found, key=lambda sign: order[sign.level])


def _of_gateway(now: Now) -> Iterator[Sign]:
    if now.kit.ways.ready():
        yield Sign("fail", "sign.kafka_away", {})
    else:
        yield Sign("ok", "sign.kafka_ok", {})


def _of_workers(seen: list[Worker]) -> Iterator[Sign]:
    for worker in seen:
        if worker.standing is None:
            yield Sign("fail", "sign.worker_silent", {"address": worker.address})
        elif worker.value(metrics.BREAKER):
            yield Sign("fail", "sign.breaker", {"address": worker.address})
        elif not worker.value(metrics.READY):
            yield Sign("warn", "sign.worker_starting", {"address": worker.address})
    answering = [worker for worker in seen if worker.standing is not None]
    ready = sum(1 for worker in answering if worker.value(metrics.READY))
    if ready and ready == len(seen):
        yield Sign("ok", "sign.workers_ok", {"count": ready})
    if any(worker.value(metrics.REFERENCE_STALE) for worker in answering):
        yield Sign("warn", "sign.reference_stale", {})
    lag = sum(worker.value(metrics.LAG) for worker in answering)
    if lag >= LAG_MUCH:
        yield Sign("warn", "sign.lag", {"count": f"{lag:,.0f}"})


def _of_events(now: Now) -> Iterator[Sign]:
    window = now.workers.window()
    bad, good = window.total(metrics.REJECTED), window.total(metrics.EVENTS)
    if bad > BAD_MUCH * (bad + good):
        yield Sign("warn", "sign.rejected", {"share": f"{bad / (bad + good):.0%}"})


def spark(course: list[float]) -> str:
    """A line's points in a box of 120 by 28, as SVG has them; empty where there is no line.

    >>> spark([0.0, 1.0, 0.5])
    '0,27 60,1 120,14'
    """
    if len(course) < 2:
        return ""
    top = max(course) or 1.0
    step = SPARK_WIDTH / (len(course) - 1)
    height = SPARK_HEIGHT - 2
    return " ".join(
        f"{index * step:.4g},{1 + height * (1 - value / top):.4g}"
        for index, value in enumerate(course)
    )
