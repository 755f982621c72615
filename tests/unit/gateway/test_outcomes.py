"""What a CRM did about alerts comes in over HTTP, as the events that the worker knows."""

from typing import Any

import msgspec
import pytest

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import Profile
from streams.contracts.inputs.rules import InputRules
from tests.support.gateway_door import NOW_MS, SERVER_KEY, Door

DONE = {"customer_id": "c-1001", "alert_id": "a_1", "result": "contacted", "outcome_id": "task-17"}
SERVER = {"authorization": f"Bearer {SERVER_KEY}"}


@pytest.fixture
def door() -> Door:
    """The gateway over a memory."""
    return Door()


def events(door: Door) -> list[Profile]:
    """What the worker makes of the records."""
    found = []
    for message in door.kafka.records:
        assert message.topic == "events.profile"
        rules = InputRules(now_ms=NOW_MS)
        event = decode(message.topic, message.value or b"", message.headers, rules)
        assert isinstance(event, Profile), event
        assert message.key == event.identity.key.encode()
        found.append(event)
    return found


def test_one_and_several_become_events_of_the_person(door: Door) -> None:
    """202, and the worker reads what the CRM said; the time is its own, else that of arrival."""
    assert door.post("/v1/outcomes", DONE, **SERVER).status_code == 202
    snoozed = {
        "customer_id": "c-1002",
        "alert_id": "a_2",
        "result": "snoozed",
        "snooze_until": "2026-03-20T00:00:00Z",
        "occurred_at": "2026-03-07T10:00:00+09:00",
    }
    answer = door.post("/v1/outcomes", [snoozed, snoozed], **SERVER)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "rejected": []})
    first, second, third = events(door)
    assert (first.event_id, first.outcome and first.outcome.result) == ("task-17", "contacted")
    assert first.at_ms == NOW_MS
    assert second.event_id == third.event_id
    assert second.at_ms == 1_772_845_200_000
    assert second.outcome is not None
    assert second.outcome.snooze_until is not None


WRONG: list[tuple[Any, str, str]] = [
    ({**DONE, "result": "called"}, "out_of_range", "$.result"),
    ({**DONE, "alert_id": None}, "missing_field", "$.alert_id"),
    ({**DONE, "snooze_until": "soon"}, "bad_timestamp", "$.snooze_until"),
    ({**DONE, "occurred_at": 17}, "bad_timestamp", "$.occurred_at"),
    ({**DONE, "customer_id": "mia@example.com"}, "pii_in_key", "$.customer_id"),
    ({**DONE, "outcome_id": {"a": 1}}, "wrong_type", "$.outcome_id"),
    ({"result": "saved", "alert_id": "a_1"}, "no_identity", "$.customer_id"),
    (17, "not_an_object", "$"),
    ([[]], "not_an_object", "$"),
    (b"{", "invalid_json", "$"),
]


@pytest.mark.parametrize(("body", "reason", "path"), WRONG)
def test_what_is_wrong_comes_back_with_its_place(
    door: Door, body: Any, reason: str, path: str
) -> None:
    """The place is that in what the CRM sent; beside good ones the answer is 207."""
    answer = door.post("/v1/outcomes", body, **SERVER)
    assert answer.status_code == 400, answer.text
    (rejected,) = answer.json()["rejected"]
    assert (rejected["reason"], rejected["path"]) == (reason, path)
    if isinstance(body, dict):
        mixed = door.post("/v1/outcomes", [DONE, body], **SERVER)
        assert mixed.status_code == 207
        assert mixed.json()["rejected"][0]["index"] == 1


def test_only_a_server_may_tell(door: Door) -> None:
    """A page's key is public: whoever has it could close every case."""
    refused = door.post("/v1/outcomes", DONE)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    nobody = door.post("/v1/outcomes", DONE, authorization="Bearer none-of-ours-0123456")
    assert nobody.status_code == 401
    assert door.kafka.records == []


def test_kafka_away_is_503_and_empty_is_422(door: Door) -> None:
    """As everywhere at the gateway."""
    assert door.post("/v1/outcomes", [], **SERVER).status_code == 422
    door.kafka.away = True
    assert door.post("/v1/outcomes", DONE, **SERVER).status_code == 503


def test_openapi_names_the_results_that_there_are(door: Door) -> None:
    """A client that is made from it knows them."""
    document = msgspec.json.decode(door.client.get("/schema/openapi.json").content)
    body = document["paths"]["/v1/outcomes"]["post"]["requestBody"]["content"]["application/json"]
    results = body["schema"]["oneOf"][0]["properties"]["result"]["enum"]
    assert set(results) == {"contacted", "saved", "lost", "false_alarm", "no_answer", "snoozed"}
