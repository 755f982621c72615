"""What other systems send, by ways that no client in these tests takes: pictures, beacons, own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from streams.contracts.sources.own import load_own
from tests.support.gateway_door import KEY, NOW_MS, Door
from tests.unit.test_house import ROOT

LOOK = {"kind": "look", "member": 7, "basket": [{"article": "s-1", "group": "tea"}]}


@pytest.fixture
def door() -> Iterator[Door]:
    """With mapping files of a shop's own."""
    made = Door(load_own(str(ROOT / "tests" / "golden" / "mappings")))
    with made.client:
        yield made


def written(door: Door) -> list[dict[str, Any]]:
    """The events that were written."""
    return [json.loads(record.value or b"") for record in door.kafka.records]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([LOOK, LOOK]).encode(),
        json.dumps({"device": "k", "entries": [LOOK, LOOK]}).encode(),
        json.dumps(LOOK).encode() + b"\r\n" + json.dumps(LOOK).encode() + b"\n",
    ],
)
def test_a_source_of_a_shops_own_has_a_way_in(door: Door, body: bytes) -> None:
    """`/v1/sources/{name}`, in every form; 202 as for events of ours."""
    answer = door.post("/v1/sources/kiosk", body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert [event["product"]["product_id"] for event in written(door)] == ["s-1", "s-1"]


def test_a_mixed_request_of_ones_own_source_tells_each(door: Door) -> None:
    """207 with the place in the message; 400 where nothing was taken; 202 where nothing is ours."""
    bad = {**LOOK, "member": "jane@example.com"}
    other = {"kind": "repaired"}
    answer = door.post("/v1/sources/kiosk", [LOOK, bad, other])
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["ignored"]) == (207, 1, [2])
    assert (told["rejected"][0]["index"], told["rejected"][0]["path"]) == (1, "$.member")
    assert door.post("/v1/sources/kiosk", [bad]).status_code == 400
    assert door.post("/v1/sources/kiosk", b"nope").status_code == 400
    assert door.post("/v1/sources/kiosk", [other]).status_code == 202


def test_a_source_without_a_table_is_404_and_only_for_who_may_send(door: Door) -> None:
    """Nobody without a key learns which sources there are."""
    answer = door.post("/v1/sources/fax", [LOOK])
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_source")
    assert door.post("/v1/sources/fax", [LOOK], authorization="").status_code == 401
    assert (
        door.post("/v1/sources/ga4", {"client_id": "a.1", "name": "page_view"}).status_code == 202
    )


def test_segments_paths_read_what_a_shops_file_adds(door: Door) -> None:
    """The same table as everywhere."""
    wish = {"event": "Wishlist Product Added", "userId": "c", "properties": {"product_id": "p"}}
    assert door.post("/v1/track", wish).json()["accepted"] == 1
    assert written(door)[0]["event_name"] == "product_viewed"


PIXEL = {"e": "pv", "eid": "s-1", "duid": "d-1", "dtm": str(NOW_MS), "url": "https://a/b?c=d"}


def test_a_picture_of_snowplows_trackers_is_taken(door: Door) -> None:
    """`GET /i`: everything in the address, the app id as the write key; a GIF comes back."""
    answer = door.client.get("/i", params={**PIXEL, "aid": KEY}, headers={"sec-gpc": "1"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["cache-control"] == "no-store"
    (event,) = written(door)
    assert (event["page"]["path"], event["identity"]) == ("/b", {"anonymous_id": "d-1"})
    assert event["context"]["consent"] == {"gpc": True}


def test_a_picture_without_a_key_or_with_a_fault_says_so(door: Door) -> None:
    """401 and 400; what is rejected is a dead letter as well."""
    assert door.client.get("/i", params=PIXEL).status_code == 401
    nobody = {name: value for name, value in PIXEL.items() if name != "duid"}
    assert door.client.get("/i", params={**nobody, "aid": KEY}).status_code == 400
    assert [record.topic for record in door.kafka.records] == ["dead-letters"]


def test_snowplows_app_id_is_a_write_key_in_a_post_too(door: Door) -> None:
    """A beacon of theirs cannot set headers either."""
    path = "/com.snowplowanalytics.snowplow/tp2"
    body = {"schema": "iglu:x", "data": [{**PIXEL, "aid": KEY}]}
    assert door.post(path, body, authorization="").json()["accepted"] == 1
    wrong: list[Any] = [[], [7], [{"aid": 7}], 7]
    for data in wrong:
        assert door.post(path, {"data": data}, authorization="").status_code == 401


@pytest.mark.parametrize("path", ["/v1/t", "/v1/b", f"/beacon/v1/batch?writeKey={KEY}"])
def test_a_beacon_in_plain_text_is_taken(door: Door, path: str) -> None:
    """As `sendBeacon` posts: text/plain, no header of ours, the key in the body or the address."""
    message = {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": "a-1",
        "properties": {"product_id": "p"},
    }
    key = {} if "?" in path else {"writeKey": KEY}
    body = {**key, **(message if path == "/v1/t" else {"batch": [message]})}
    answer = door.client.post(
        path,
        content=json.dumps(body).encode(),
        headers={"content-type": "text/plain;charset=UTF-8", "origin": "https://shop.example"},
    )
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
