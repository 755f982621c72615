"""Every request has an answer that says what became of each event; records go to memory here."""

import base64
import gzip
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from streams.contracts.outputs.encode import dead_letter_of
from streams.contracts.outputs.payloads import DeadLetter
from streams.telemetry import catalogue as metrics
from tests.support.gateway_door import KEY, NOW_MS, SECRET, SERVER_KEY, Door

VIEW: dict[str, Any] = {
    "event_id": "e-1",
    "event_name": "product_viewed",
    "occurred_at": "2026-03-08T09:59:00Z",
    "identity": {"customer_id": "c-1"},
    "channel": "web",
    "page": {"path": "/p"},
    "product": {"product_id": "s", "category": "c"},
}
ERASURE = {
    "event_name": "erasure_requested",
    "request_id": "r-1",
    "identity": {"customer_id": "c-1"},
    "requested_at": "2026-03-08T09:59:00Z",
}


@pytest.fixture
def door() -> Iterator[Door]:
    """A new one."""
    made = Door()
    with made.client:
        yield made


def test_an_event_is_accepted_under_its_person(door: Door) -> None:
    """202, the bytes as they came, keyed as the worker wants it."""
    body = json.dumps(VIEW).encode()
    answer = door.post("/v1/events", body)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    assert [(r.topic, r.key, r.value) for r in door.kafka.records] == [
        ("events.clickstream", b"c-1", body)
    ]


def test_a_mixed_request_tells_each_rejected_event_and_writes_both_kinds(door: Door) -> None:
    """207; the good goes to its topic, the bad to the dead letters with the same reason."""
    bad = {**VIEW, "occurred_at": "soon"}
    answer = door.post("/v1/events", [VIEW, bad, VIEW])
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 2
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["reason"], rejected["path"]) == (
        1,
        "bad_timestamp",
        "$.occurred_at",
    )
    (letter,) = [r for r in door.kafka.records if r.topic == "dead-letters"]
    facts = dead_letter_of(letter.headers)
    assert isinstance(facts, DeadLetter)
    assert (facts.reason, facts.path, facts.source_topic, facts.source_partition) == (
        "bad_timestamp",
        "$.occurred_at",
        "events.clickstream",
        -1,
    )
    assert (letter.key, json.loads(letter.value or b"")) == (b"c-1", bad)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"nope", "invalid_json"),
        (b"\xff", "invalid_utf8"),
        (b"7", "not_an_object"),
        (b"[" * 2_000 + b"]" * 2_000, "not_an_object"),
        (b'{"event_id": "' + b"x" * 70_000 + b'"}', "too_large"),
        (json.dumps({**VIEW, "event_name": "no_such"}).encode(), "unknown_event_name"),
        (json.dumps({**VIEW, "identity": {}}).encode(), "no_identity"),
    ],
)
def test_a_request_of_bad_events_only_is_400_and_they_are_dead_letters(
    door: Door, body: bytes, reason: str
) -> None:
    """What the worker would say, at once."""
    answer = door.post("/v1/events", body)
    assert answer.status_code == 400
    assert [one["reason"] for one in answer.json()["rejected"]] == [reason]
    assert [(r.topic, r.value) for r in door.kafka.records] == [("dead-letters", body)]
    assert door.meter.value(metrics.REJECTED, "events.clickstream", reason) == 1


def test_kafka_away_is_503_with_a_time_to_come_back(door: Door) -> None:
    """Never 202 for what nobody holds; not for dead letters either."""
    door.kafka.away = True
    for body in (VIEW, b"nope"):
        answer = door.post("/v1/events", body)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"
    assert door.client.get("/readyz").status_code == 503
    assert door.client.get("/healthz").status_code == 200
    assert door.meter.value(metrics.GATEWAY_EVENTS, "events", "not_acknowledged") == 2


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": "Bearer wrong-key-0123456789"}, 401, "no_write_key"),
        ({"origin": "https://evil.example"}, 403, "origin_not_allowed"),
        ({"content_encoding": "br"}, 415, "unsupported_encoding"),
        ({"content_encoding": "gzip"}, 422, "bad_gzip"),
    ],
)
def test_a_request_that_is_refused_says_why(
    door: Door, headers: dict[str, str], status: int, code: str
) -> None:
    """A problem document; nothing is written."""
    answer = door.post("/v1/events", VIEW, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["connection"] == "close"
    assert door.kafka.records == []


def test_too_much_in_one_request_is_413(door: Door) -> None:
    """Bytes, events, and a gzip that grows."""
    huge = b"[" + b"1," * 60_000 + b"1]"
    for body, headers in ((huge, {}), (gzip.compress(huge), {"content_encoding": "gzip"})):
        answer = door.post("/v1/events", body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert "a body has at most" in answer.json()["detail"]
    assert door.post("/v1/events", [VIEW] * 51).json()["code"] == "too_many_in_one"
    assert door.kafka.records == []


def test_a_gzip_body_is_an_event_as_any_other(door: Door) -> None:
    """As analytics libraries send it."""
    answer = door.post(
        "/v1/events", gzip.compress(json.dumps(VIEW).encode()), content_encoding="gzip"
    )
    assert answer.status_code == 202


def test_gpc_of_the_browser_is_in_the_event(door: Door) -> None:
    """Only the value 1 objects."""
    door.post("/v1/events", VIEW, sec_gpc="1")
    door.post("/v1/events", VIEW, sec_gpc="0")
    said = [json.loads(r.value or b"").get("context") for r in door.kafka.records]
    assert said == [{"consent": {"gpc": True}}, None]


def test_only_a_server_may_ask_for_erasure(door: Door) -> None:
    """With a public key it is refused, and is no dead letter that somebody might drive again."""
    refused = door.post("/v1/events", [ERASURE, VIEW])
    assert refused.status_code == 207
    assert refused.json()["rejected"][0]["reason"] == "not_allowed"
    bad = door.post("/v1/events", {**ERASURE, "requested_at": "soon"})
    assert bad.json()["rejected"][0]["reason"] == "not_allowed"
    assert [r.topic for r in door.kafka.records] == ["events.clickstream"]
    allowed = door.post("/v1/events", ERASURE, authorization=f"Bearer {SERVER_KEY}")
    assert allowed.status_code == 202


def test_a_page_that_is_allowed_may_ask_before_it_sends(door: Door) -> None:
    """CORS by allow list; nothing for other pages."""
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-write-key",
    }
    good = door.client.options("/v1/events", headers={**asked, "origin": "https://shop.example"})
    assert good.headers["access-control-allow-origin"] == "https://shop.example"
    bad = door.client.options("/v1/events", headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in bad.headers
    sent = door.post("/v1/events", VIEW, origin="https://shop.example")
    assert sent.status_code == 202
    assert sent.headers["access-control-allow-origin"] == "https://shop.example"


SEGMENT_VIEW = {
    "type": "track",
    "event": "Product Viewed",
    "messageId": "m-1",
    "userId": "auth0|7",
    "properties": {"product_id": 1, "price": "2.50"},
}


def test_segments_paths_take_what_its_libraries_send(door: Door) -> None:
    """200, which is all that they take for a success; the id escaped, the key in the body."""
    message = {k: v for k, v in SEGMENT_VIEW.items() if k != "type"}
    for path in ("/v1/track", "/v1/t"):
        answer = door.post(path, {**message, "writeKey": KEY}, authorization="")
        assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert [(r.topic, r.key) for r in door.kafka.records] == [
        ("events.clickstream", b"esc:auth0:7C7")
    ] * 2


@pytest.mark.parametrize(
    ("paths", "message", "event"),
    [
        (("page", "p"), {"name": "Home", "properties": {"path": "/"}}, "page_viewed"),
        (("screen", "s"), {"name": "Home"}, "screen_viewed"),
        (("identify", "i"), {"traits": {"plan": "gold"}}, "profile_updated"),
        (("alias", "a"), {"previousId": "u-0"}, "identity_linked"),
        (("group", "g"), {"groupId": "b2b"}, None),
    ],
)
def test_each_of_segments_calls_has_its_path_and_its_short_one(
    door: Door, paths: tuple[str, str], message: dict[str, Any], event: str | None
) -> None:
    """The path alone says what is told; a group is no event of ours, and said to be ignored."""
    for path in paths:
        said = {**message, "messageId": f"m-{path}", "userId": "u-1"}
        answer = door.post(f"/v1/{path}", said).json()
        assert (answer["accepted"], answer["ignored"]) == ((1, []) if event else (0, [0]))
    names = [json.loads(record.value or b"")["event_name"] for record in door.kafka.records]
    assert names == [event] * (2 if event else 0)


def test_a_batch_of_segment_tells_what_was_taken_rejected_and_ignored(door: Door) -> None:
    """By the place in the batch, and by the place in the message."""
    bad = {**SEGMENT_VIEW, "properties": {"product_id": 1, "price": "much"}}
    group = {"type": "group", "groupId": "g", "userId": "u"}
    body = {"batch": [SEGMENT_VIEW, bad, group, 7], "sentAt": "2026-03-08T10:00:00Z"}
    answer = door.post("/v1/batch", body)
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["ignored"]) == (200, 1, [2])
    assert [(x["index"], x["path"]) for x in told["rejected"]] == [
        (1, "$.properties.price"),
        (3, "$"),
    ]
    assert [r.topic for r in door.kafka.records].count("dead-letters") == 2


def test_a_batch_in_which_all_is_bad_is_400(door: Door) -> None:
    """So that the library gives it up and tells its user, and does not send it for ever."""
    bad = {**SEGMENT_VIEW, "properties": {}}
    answer = door.post("/v1/batch", {"batch": [bad]})
    assert (answer.status_code, answer.json()["success"]) == (400, False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"nope", "invalid_json"),
        (b"[]", "not_an_object"),
        (b'{"batch": 1}', "no_batch"),
        (b'{"batch": []}', "no_events"),
    ],
)
def test_a_batch_that_is_none_is_refused(door: Door, body: bytes, code: str) -> None:
    """With a code for programs."""
    answer = door.post("/v1/batch", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


SHOPIFY = json.dumps(
    {
        "id": 7,
        "updated_at": "2026-03-08T09:55:00Z",
        "total_price": "9.90",
        "customer": {"id": 8},
        "line_items": [],
    }
).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    """As Shopify signs."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def shopify(door: Door, body: bytes, signature: str, topic: str = "orders/create") -> Any:
    """A webhook; it has no write key."""
    return door.post(
        "/v1/webhooks/shopify",
        body,
        authorization="",
        x_shopify_hmac_sha256=signature,
        x_shopify_topic=topic,
        x_shopify_webhook_id="w-1",
    )


def test_a_signed_order_of_shopify_is_taken(door: Door) -> None:
    """Under its customer; a topic that we do not read is ignored, not an error."""
    answer = shopify(door, SHOPIFY, signed(SHOPIFY))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    (record,) = door.kafka.records
    assert (record.topic, record.key) == ("events.purchase", b"8")
    assert json.loads(record.value or b"")["event_id"] == "shopify-w-1"
    other = shopify(door, SHOPIFY, signed(SHOPIFY), "products/update")
    assert (other.status_code, other.json()["ignored"]) == (200, [0])


@pytest.mark.parametrize(
    "signature", ["", "x", signed(SHOPIFY + b" "), signed(SHOPIFY, "another-secret-0123")]
)
def test_an_order_that_is_not_signed_by_the_shop_is_401(door: Door, signature: str) -> None:
    """Nor does the write key of a page help, or the secret as a key."""
    answer = shopify(door, SHOPIFY, signature)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert door.post("/v1/events", VIEW, authorization=f"Bearer {SECRET}").status_code == 401
    assert door.kafka.records == []


def test_an_order_that_is_rejected_is_a_dead_letter_and_not_sent_again(door: Door) -> None:
    """The shop's system would give up a webhook that fails."""
    body = SHOPIFY.replace(b"9.90", b"free")
    answer = shopify(door, body, signed(body))
    assert (answer.status_code, answer.json()["rejected"][0]["path"]) == (200, "$.total_price")
    assert [r.topic for r in door.kafka.records] == ["dead-letters"]
    door.kafka.away = True
    assert shopify(door, SHOPIFY, signed(SHOPIFY)).status_code == 503


def test_woocommerce_asks_whether_anybody_is_there(door: Door) -> None:
    """Its ping is not signed, and does nothing; a guest's order has no person."""
    ping = door.post("/v1/webhooks/woocommerce", b"webhook_id=7", authorization="")
    assert (ping.status_code, door.kafka.records) == (200, [])
    body = (
        b'{"id": 1, "customer_id": 0, "total": "1.00", "date_created_gmt": "2026-03-08T09:00:00"}'
    )
    answer = door.post(
        "/v1/webhooks/woocommerce",
        body,
        authorization="",
        x_wc_webhook_signature=signed(body),
        x_wc_webhook_topic="order.created",
    )
    assert [x["reason"] for x in answer.json()["rejected"]] == ["no_identity"]


def test_events_of_the_measurement_protocol_are_taken(door: Door) -> None:
    """With the write key as `api_secret`; each event has what the request says once."""
    body = {
        "client_id": "555.777",
        "timestamp_micros": "1772963940000000",
        "events": [
            {"name": "view_item", "params": {"items": [{"item_id": "s-1", "price": 2}]}},
            {"name": "user_engagement", "params": {}},
            {"name": "purchase", "params": {"items": []}},
        ],
    }
    answer = door.post(f"/mp/collect?api_secret={KEY}", body, authorization="")
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["ignored"]) == (200, 1, [1])
    assert [x["index"] for x in told["rejected"]] == [2]
    assert door.kafka.records[0].key == b"555.777"
    assert door.post("/mp/collect", {"events": []}).json()["code"] == "no_events"
    assert door.post("/mp/collect", {}).json()["code"] == "no_batch"
    assert door.client.post("/mp/collect?api_secret=x", content=b"{}").status_code == 401


def test_messages_of_snowplows_trackers_are_taken(door: Door) -> None:
    """Each as it stands in the request; the key in a header."""
    message = {"e": "pv", "eid": "s-1", "duid": "d-1", "dtm": str(NOW_MS), "url": "https://a/b?c"}
    body = {"schema": "iglu:x", "data": [message, {"e": "pp", "duid": "d-1"}, 7]}
    answer = door.post("/com.snowplowanalytics.snowplow/tp2", body)
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["ignored"]) == (200, 1, [1])
    assert [x["index"] for x in told["rejected"]] == [2]
    assert door.kafka.records[0].key == b"d-1"
    assert door.post("/com.snowplowanalytics.snowplow/tp2", {}).json()["code"] == "no_batch"


def test_a_fault_of_the_program_is_500_without_what_it_was_about(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the answer nor the log repeats the event."""

    async def broken(_: object) -> None:
        raise RuntimeError("c-1 did something")

    door.kafka.send = broken  # type: ignore[method-assign, assignment]
    answer = door.post("/v1/events", VIEW)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    said = "".join(capsys.readouterr())
    assert "c-1" not in answer.text + said


def test_the_openapi_document_is_one(door: Door) -> None:
    """Valid by the specification 3.1, with every path that is served."""
    document = door.client.get("/schema/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    wanted = {"/v1/events", "/v1/batch", "/v1/b", "/v1/import", "/healthz", "/readyz"}
    wanted |= {f"/v1/{call}" for call in ("track", "page", "screen", "identify", "alias", "group")}
    wanted |= {f"/v1/{short}" for short in "tpsiag"}
    wanted |= {
        "/com.snowplowanalytics.snowplow/tp2",
        "/i",
        "/beacon/v1/batch",
        "/v1/sources/{name}",
        "/mp/collect",
        "/v1/outcomes",
        "/v1/webhooks/shopify",
        "/v1/webhooks/woocommerce",
    }
    wanted |= {f"/client/offerstream.{ending}" for ending in ("js", "ts", "d.ts")}
    assert set(document["paths"]) == wanted
    statuses = set(document["paths"]["/v1/events"]["post"]["responses"])
    assert {"202", "207", "400", "401", "413", "429", "503"} <= statuses
