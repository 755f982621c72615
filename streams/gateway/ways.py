"""What every way in works with, and the steps that they share: who, how much, judged, written."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from msgspec import Struct

from streams.contracts.sources.mapping import SourceMapping, mapping_of
from streams.contracts.sources.tables import SHIPPED, Sources
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.admission import Admission
from streams.gateway.bodies import read_body
from streams.gateway.intake import Intake, Taken
from streams.gateway.keys import Sender
from streams.gateway.splitting import Incoming
from streams.settings import GatewaySettings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

AnyRequest = Request[Any, Any, Any]
SNOWPLOW: Final = "/com.snowplowanalytics.snowplow/tp2"
PIXEL: Final = "/i"
_DOORS: Final = {
    "/v1/events": "events", "/mp/collect": "ga4", SNOWPLOW: "snowplow", PIXEL: "snowplow",
    "/beacon/v1/batch": "segment", "/v1/decide": "decide",
    "/v1/outcomes": "outcomes",
    "/v1/feedback": "feedback",
}  # fmt: skip


class Ways(Struct, frozen=True):
    """What the handlers work with."""

    settings: GatewaySettings
    admission: Admission
    intake: Intake
    meter: Meter
    clock_ms: Callable[[], int]
    ready: Callable[[], str]
    sources: Sources = SHIPPED

    def table(self, source: str) -> SourceMapping:
        """The table of a source that there is: a shop's own, or the shipped one."""
        return self.sources.find(source) or mapping_of(source)


async def take(
    ways: Ways,
    door: str,
    sender: Sender,
    incoming: list[Incoming],
    headers: Mapping[str, str],
    events: int | None = None,
) -> Taken:
    """Count, judge and write the events of a request; `events` where it holds more than these."""
    ways.admission.pay(sender, len(incoming) if events is None else events)
    gpc = headers.get("sec-gpc", "").strip() == "1"
    try:
        taken = await ways.intake.take(sender, incoming, gpc=gpc)
    except NotAcknowledgedError:
        ways.meter.count(
            metrics.GATEWAY_EVENTS, door, "not_acknowledged", value=float(len(incoming))
        )
        raise
    ways.meter.count(metrics.GATEWAY_EVENTS, door, "accepted", value=taken.accepted)
    ways.meter.count(metrics.GATEWAY_EVENTS, door, "rejected", value=len(taken.rejected))
    return taken


def status_of(taken: Taken) -> HTTPStatus:
    """How an answer that names every rejected event begins."""
    if not taken.rejected:
        return HTTPStatus.ACCEPTED
    return HTTPStatus.MULTI_STATUS if taken.accepted else HTTPStatus.BAD_REQUEST


async def body_of(ways: Ways, request: AnyRequest) -> bytes:
    """The body of a request, unpacked.

    Raises:
        RequestRefusedError: it is too large, too slow, or damaged.
    """
    settings = ways.settings
    return await read_body(
        request.stream(),
        request.headers.get("content-encoding", ""),
        settings.body_bytes_max,
        settings.read_timeout_s,
    )


def headers_of(request: AnyRequest) -> dict[str, str]:
    """The headers, their names in small letters."""
    return {name.lower(): value for name, value in request.headers.items()}


def query_of(request: AnyRequest) -> dict[str, str]:
    """What the address says after its question mark."""
    return {name: str(value) for name, value in request.query_params.items()}


def door_of(path: str) -> str:
    """The way in that a path is, as metrics name it."""
    if path in _DOORS:
        return _DOORS[path]
    if path.startswith("/v1/webhooks/"):
        return "webhook"
    if path.startswith("/v1/customers/"):
        return "customers"
    if path.startswith("/v1/sources/"):
        return "source"
    return "segment" if path.startswith("/v1/") else "other"


def count(ways: Ways, door: str, status: int) -> None:
    """Count an answer."""
    ways.meter.count(metrics.GATEWAY_REQUESTS, door, str(int(status)))


def wall_clock_ms() -> int:
    """What time it is: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
