"""Real clients, out of their registries and in a real browser, send to the running gateway."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from streams import topics
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings
from tests.support.browser import opened, pages
from tests.support.gateway_job import KEY, GatewayJob
from tests.support.npm import clients, run_node
from tests.support.read_back import records

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(600)]
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """One for all of these."""
    with EmbeddedBroker() as started:
        yield started


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The origin of the shop's pages, with the libraries that they load."""
    with pages(clients()) as origin:
        yield origin


@pytest.fixture(scope="module")
def gateway(
    broker: EmbeddedBroker, shop: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayJob]:
    """A process that lets those pages send."""
    settings = replace(
        Settings(), bootstrap=broker.bootstrap, transactional=False, data_dir="nowhere"
    )
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    job = GatewayJob(settings, log, allowed_origins=shop)
    job.wait_until_ready()
    yield job
    assert job.process.stop() == 0


def host(gateway: GatewayJob) -> str:
    """Where the gateway listens."""
    return f"http://127.0.0.1:{gateway.port}"


def events_of(broker: EmbeddedBroker, person: str, wanted: int) -> list[dict[str, Any]]:
    """The events of a person, of all topics, in the order of their names, once all have come."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        values = (m.value() for t in topics.INPUTS for m in records(broker, t.name))
        events = [json.loads(value) for value in values]
        found = [e for e in events if person in e["identity"].values()]
        if len(found) >= wanted:
            return sorted(found, key=lambda event: str(event["event_name"]))
        assert time.monotonic() < deadline, f"{len(found)} of {wanted}: {found}"
        time.sleep(0.5)


def names(events: list[dict[str, Any]]) -> list[str]:
    """What happened."""
    return [event["event_name"] for event in events]


def test_segments_node_library(gateway: GatewayJob, broker: EmbeddedBroker) -> None:
    """Its batches are taken and it sees no error; its id is escaped, its address hashed."""
    run_node("segment.mjs", host(gateway), KEY, "auth0|node")
    found = events_of(broker, "esc:auth0:7Cnode", 3)
    assert names(found) == ["order_completed", "product_viewed", "profile_updated"]
    order, view, profile = found
    assert (order["order_id"], order["total"], order["items"][0]["quantity"]) == ("node-1", 9, 2)
    assert view["product"]["product_id"] == "esc:s:2F1"
    assert profile["traits"] == {"plan": "gold"}
    assert "jane" not in json.dumps(found)


def test_rudderstacks_node_library(gateway: GatewayJob, broker: EmbeddedBroker) -> None:
    """Packed with gzip; a page, a screen of a phone and an order."""
    run_node("rudderstack.mjs", host(gateway), KEY, "rudder-7")
    found = events_of(broker, "rudder-7", 3)
    assert names(found) == ["order_completed", "page_viewed", "screen_viewed"]
    assert [event["channel"] for event in found] == ["web", "web", "app"]
    assert found[0]["items"] == [{"product_id": "s-2", "unit_price": "3.00", "quantity": 1}]


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplows_tracker_in_a_browser(
    gateway: GatewayJob, broker: EmbeddedBroker, shop: str, tmp_path: Path, method: str
) -> None:
    """By post with the write key in a header, by get with it as app id; across origins."""
    person = f"snow-{method}"
    key = {"key": KEY, "app": "shop"} if method == "post" else {"app": KEY}
    said = {"collector": host(gateway), "method": method, "user": person, **key}
    with opened(f"{shop}/snowplow.html?{urlencode(said)}", tmp_path / "profile"):
        found = events_of(broker, person, 3)
    assert names(found) == ["order_completed", "page_viewed", "product_viewed"]
    order, page, view = found
    assert (order["order_id"], order["total"]) == (f"T-{method}", 9)
    assert order["items"][0]["product_id"] == view["product"]["product_id"] == "esc:s:2F1"
    assert page["page"]["path"] == "/snowplow.html"
    assert page["identity"]["anonymous_id"] == view["identity"]["anonymous_id"]


def test_segments_library_in_a_browser(
    gateway: GatewayJob, broker: EmbeddedBroker, shop: str, tmp_path: Path
) -> None:
    """As it posts: plain text, without a header of ours, the write key in the body."""
    said = {"gateway": f"127.0.0.1:{gateway.port}", "key": KEY, "user": "browser-7"}
    with opened(f"{shop}/segment.html?{urlencode(said)}", tmp_path / "profile"):
        found = events_of(broker, "browser-7", 3)
    assert names(found) == ["page_viewed", "product_viewed", "profile_updated"]
    assert found[0]["page"]["path"] == "/segment.html"
