"""Who asks is answered what was decided, in time; what comes too late counts as not delivered."""

import asyncio
from collections.abc import Iterator

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import OfferFeedback
from streams.contracts.inputs.rules import InputRules
from streams.contracts.outputs.replies import Reply
from streams.gateway.replies import LATE_MAX, Replies
from streams.settings import Settings
from tests.support.asking import KEY, QUESTION, Door
from tests.unit.decisions.people import T0


@pytest.fixture
def door() -> Iterator[Door]:
    """A new one."""
    made = Door()
    with made.client:
        yield made


def test_an_offer_is_answered_with_what_to_show_and_nothing_more(door: Door) -> None:
    """No terms, no probabilities, no arm, no alternatives leave the house."""
    answer = door.post(QUESTION)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["verdict"], told["offer"]["offer"]["offer_id"]) == ("offer", "tea")
    assert told["decision_id"] == told["offer"]["decision_id"]
    assert set(told["offer"]) == {
        *("decision_id", "placement", "channel", "decided_at", "valid_until", "offer", "coupon"),
        *("creative", "text", "reason_codes", "wallet"),
    }
    assert told["offer"]["wallet"] is None


def test_no_offer_is_an_answer_with_its_reasons(door: Door) -> None:
    """Asked again the offer is still open; somebody unknown has agreed to nothing."""
    door.post(QUESTION)
    again = door.post(QUESTION).json()
    nobody = door.post({**QUESTION, "person": {"customer_id": "c-2"}}).json()
    assert (again["verdict"], again["offer"]) == ("no_offer", None)
    assert again["reason_codes"] == ["nothing_eligible", "already_open"]
    assert nobody["reason_codes"] == ["no_consent"]


def test_a_late_answer_is_a_timeout_and_reported_as_not_delivered(door: Door) -> None:
    """The caller is told in time; then the contact is taken back by an event of feedback."""
    door.engine.held = []
    answer = door.post({**QUESTION, "timeout_ms": 50})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "timeout")
    held, door.engine.held = door.engine.held, None
    assert getattr(door.engine.rows["c-1"], "contacts", ()) != ()

    async def come() -> None:
        door.engine.replies.take(held)
        await asyncio.sleep(0.05)

    asyncio.run(come())
    (report,) = [r for r in door.engine.records if r.topic == "events.offer-feedback"]
    event = decode(report.topic, report.value, (), InputRules(now_ms=T0))
    assert isinstance(event, OfferFeedback)
    assert (event.event_name, event.decision_id) == ("delivery_failed", held[0].decision_id)
    assert getattr(door.engine.rows["c-1"], "contacts", None) == ()


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"{", "bad_question", "$: ends before its JSON does"),
        ([QUESTION], "bad_question", "$: must be an object of named fields, not a list"),
        ({"person": {"customer_id": "c-1"}}, "bad_question", "$.placement: is required"),
        (
            {**QUESTION, "timeout_ms": "fast"},
            "bad_question",
            "$.timeout_ms: must be a whole number",
        ),
        ({**QUESTION, "chanel": "app"}, "bad_question", "field here; did you mean channel?"),
        ({"placement": "banner"}, "bad_question", "person"),
        ({**QUESTION, "more": 1}, "bad_question", "$.more: is no field here"),
        (
            {**QUESTION, "jane@example.com": 1},
            "bad_question",
            "$: has a field that is unknown here",
        ),
        ({**QUESTION, "k" * 65: 1}, "bad_question", "$: has a field that is unknown here"),
        ({**QUESTION, "timeout_ms": 0}, "bad_question", "$.timeout_ms"),
        ({**QUESTION, "person": {}}, "no_identity", "$.person"),
        ({**QUESTION, "person": {"customer_id": "a b"}}, "bad_format", "$.person.customer_id"),
        ({**QUESTION, "placement": "a b"}, "bad_format", "$.placement"),
        ({**QUESTION, "channel": "pigeon"}, "out_of_range", "$.channel"),
    ],
)
def test_what_is_no_question_is_refused_with_its_place(
    door: Door, body: object, code: str, where: str
) -> None:
    """422, and nothing is asked."""
    answer = door.post(body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert where in answer.json()["detail"]
    assert door.engine.records == []


def test_a_key_that_is_public_asks_for_nobody(door: Door) -> None:
    """A browser's key is in every page: who has it knows no person by it."""
    assert door.post(QUESTION, KEY).status_code == 403
    assert door.post(QUESTION, "nobody-0123456789").status_code == 401


def test_kafka_away_is_503_at_once(door: Door) -> None:
    """Neither a question that is not taken nor answers that cannot be read are waited for."""
    door.engine.away = True
    assert door.post(QUESTION).status_code == 503
    door.engine.away = False
    door.engine.replies.reachable = False
    assert door.post(QUESTION).status_code == 503


def test_nothing_is_kept_for_those_who_have_gone() -> None:
    """What was given up is remembered for the newest only; an answer is given once."""
    late: list[str] = []

    async def ask() -> None:
        replies = Replies(Settings(), lambda reply: late.append(reply.question_id))
        for number in range(LATE_MAX + 1):
            replies.expect(f"q-{number}")
            replies.give_up(f"q-{number}")
        for number in (0, 1, 1, LATE_MAX):
            reply = Reply(
                question_id=f"q-{number}",
                reply_to=replies.address,
                customer_id="c-1",
                verdict="no_offer",
                reason_codes=(),
            )
            replies.take([reply])

    asyncio.run(ask())
    assert late == ["q-1", f"q-{LATE_MAX}"]


def test_the_description_says_what_is_asked_and_answered(door: Door) -> None:
    """OpenAPI 3.1 with the new path in it."""
    described = door.client.get("/schema/openapi.json").json()
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []
    operation = described["paths"]["/v1/decide"]["post"]
    assert {"200", "401", "403", "422", "503"} <= set(operation["responses"])
