"""A person sees their own valid offers and nobody else's, whatever is linked, merged or erased."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import OfferFeedback
from streams.contracts.inputs.rules import InputRules
from streams.contracts.times import from_ms
from streams.customer.recent import mark_of
from tests.support.asking import KEY, QUESTION, SERVER_KEY, Door
from tests.unit.decisions.people import T0, someone

FEEDBACK = {"offer_id": "tea", "did": "seen", "channel": "app"}


@pytest.fixture
def door() -> Iterator[Door]:
    """A new one, with two customers who agree to everything."""
    made = Door()
    made.engine.rows["c-2"] = replace(someone(), customer_id="c-2")
    with made.client:
        yield made


def ids(answer: Any) -> list[str]:
    """The decisions of an answer."""
    assert answer.status_code == 200, answer.text
    return [offer["decision_id"] for offer in answer.json()["offers"]]


def decided(door: Door, person: str) -> str:
    """An offer for somebody."""
    body = {**QUESTION, "person": {"customer_id": person}}
    id_: str = door.post(body).json()["decision_id"]
    return id_


def test_a_person_asks_for_themselves_and_sees_what_was_decided(door: Door) -> None:
    """Without naming a person, for the token does."""
    mine = door.token("c-1")
    told = door.post({"placement": "banner", "channel": "app"}, mine).json()
    assert told["verdict"] == "offer"
    assert ids(door.offers("c-1", mine)) == [told["decision_id"]]
    assert ids(door.offers("c-1", SERVER_KEY)) == [told["decision_id"]]


def test_nobody_sees_or_asks_for_another(door: Door) -> None:
    """403 for whoever exists and whoever does not, in the same words."""
    decided(door, "c-2")
    mine = door.token("c-1")
    answers = [door.offers("c-2", mine), door.offers("nobody", mine)]
    answers.append(door.post({**QUESTION, "person": {"customer_id": "c-2"}}, mine))
    both = {"customer_id": "c-1", "anonymous_id": "a-1"}
    answers.append(door.post({**QUESTION, "person": both}, mine))
    body = {**FEEDBACK, "decision_id": "d", "person": "c-2"}
    answers.append(door.post(body, mine, "/v1/feedback"))
    assert {(a.status_code, a.json()["code"], a.json()["detail"]) for a in answers} == {
        (403, "not_yours", "the token is of another person")
    }
    stream = door.client.get(
        "/v1/customers/c-2/stream", headers={"authorization": f"Bearer {mine}"}
    )
    assert stream.status_code == 403
    assert ids(door.offers("c-1", mine)) == []


@pytest.mark.parametrize("key", ["", KEY, "x" * 20, "a.b.c"])
def test_nothing_is_told_without_a_token_or_a_servers_key(door: Door, key: str) -> None:
    """A public key is none; nor is a token in the address."""
    assert door.offers("c-1", key).status_code in (401, 403)
    assert door.post(QUESTION, key).status_code in (401, 403)
    assert door.post({**FEEDBACK, "decision_id": "d"}, key, "/v1/feedback").status_code in (
        401,
        403,
    )
    path = f"/v1/customers/c-1/offers?token={door.token('c-1')}&write_key={door.token('c-1')}"
    assert door.client.get(path).status_code == 401


def test_a_page_that_is_not_allowed_uses_no_token(door: Door) -> None:
    """Also where a script there has one."""
    headers = {"authorization": f"Bearer {door.token('c-1')}", "origin": "https://evil.example"}
    answer = door.client.get("/v1/customers/c-1/offers", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    allowed = {**headers, "origin": "https://shop.example"}
    assert door.client.get("/v1/customers/c-1/offers", headers=allowed).status_code == 200


def test_an_offer_is_shown_while_it_is_valid(door: Door) -> None:
    """Until `valid_until`, and not a millisecond longer."""
    id_ = decided(door, "c-1")
    door.engine.now_ms = T0 + 3_600_000 - 1
    assert ids(door.offers("c-1")) == [id_]
    door.engine.now_ms += 1
    assert ids(door.offers("c-1")) == []


def test_feedback_that_is_told_again_later_is_no_conflict(door: Door) -> None:
    """Two tabs, or a backend that tells it once more: only the time differs."""
    body = {**FEEDBACK, "decision_id": decided(door, "c-1")}
    marks = []
    for did, later_ms in (("seen", 0), ("seen", 5_000), ("clicked", 5_000)):
        door.engine.now_ms = T0 + later_ms
        told = {**body, "did": did}
        assert door.post(told, door.token("c-1"), "/v1/feedback").status_code == 202
        sent = door.engine.records[-1]
        event = decode(sent.topic, sent.value, (), InputRules(now_ms=door.engine.now_ms))
        assert isinstance(event, OfferFeedback)
        marks.append(mark_of(event))
        other = msgspec.structs.replace(event, offer_id="another")
        assert mark_of(other) != marks[-1]
    assert marks[0] == marks[1] != marks[2]


@pytest.mark.parametrize(("did", "stays"), [("seen", True), ("clicked", True), ("used", False)])
def test_feedback_becomes_an_event_once(door: Door, did: str, stays: bool) -> None:
    """Told twice it is one event; what is used is shown no more."""
    id_ = decided(door, "c-1")
    body = {**FEEDBACK, "decision_id": id_, "did": did}
    for _ in range(2):
        answer = door.post(body, door.token("c-1"), "/v1/feedback")
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    first, second = (r for r in door.engine.records if r.topic == "events.offer-feedback")
    assert first == second
    assert ids(door.offers("c-1")) == ([id_] if stays else [])


def test_feedback_of_another_takes_nothing_down(door: Door) -> None:
    """Who knows an id of a decision does not end it for its person."""
    id_ = decided(door, "c-1")
    body = {**FEEDBACK, "decision_id": id_, "did": "dismissed"}
    assert door.post(body, door.token("c-2"), "/v1/feedback").status_code == 202
    assert ids(door.offers("c-1")) == [id_]
    assert door.post(body, door.token("c-1"), "/v1/feedback").status_code == 202
    assert ids(door.offers("c-1")) == []


@pytest.mark.parametrize(
    "body",
    [
        {**FEEDBACK},
        {**FEEDBACK, "decision_id": "d", "did": "eaten"},
        {**FEEDBACK, "decision_id": "d d"},
        {**FEEDBACK, "decision_id": "d", "occurred_at": "soon"},
        [],
    ],
)
def test_feedback_that_is_none_is_422(door: Door, body: object) -> None:
    """And goes nowhere."""
    answer = door.post(body, door.token("c-1"), "/v1/feedback")
    assert answer.status_code == 422
    assert "event_id" not in answer.json()["detail"]  # which nobody here has sent
    assert door.engine.records == []


def link(door: Door, name: str, of: str, to: str, at_ms: int) -> None:
    """Somebody says that two ids are, or are not, one person."""
    door.engine.say(
        topics.PROFILE,
        {
            "event_id": f"{name}-{at_ms}",
            "event_name": name,
            "occurred_at": from_ms(at_ms).isoformat(),
            "identity": {"customer_id": of},
            "link": {"from": to, "to": of, "method": "manual"},
        },
    )


def test_offers_of_a_merged_person_stay_with_the_id_that_they_were_decided_for(door: Door) -> None:
    """Before the merge, while it lasts and after the unlink: no token sees the other's offers."""
    mine, theirs = door.token("c-1"), door.token("c-2")
    before = decided(door, "c-2")
    link(door, "identity_linked", "c-1", "c-2", T0 + 1_000)
    assert getattr(door.engine.rows["c-2"], "moved_to", None) == "c-1"
    assert ids(door.offers("c-2", theirs)) == [before]
    assert ids(door.offers("c-1", mine)) == []
    link(door, "identity_unlinked", "c-1", "c-2", T0 + 2_000)
    door.engine.now_ms = T0 + 3_000
    again = door.post({"placement": "banner", "channel": "app"}, mine).json()
    assert again["reason_codes"] == ["nothing_eligible", "already_open"]
    assert ids(door.offers("c-2", theirs)) == [before]
    assert ids(door.offers("c-1", mine)) == []


def test_a_visitor_who_logs_in_is_shown_nothing_of_who_had_the_browser_before(door: Door) -> None:
    """The browser's id is linked to one customer after the other; their offers stay their own."""
    first = decided(door, "c-1")
    for number, person in enumerate(("c-1", "c-2")):
        door.engine.say(
            topics.CLICKSTREAM,
            {
                "event_id": f"login-{person}",
                "event_name": "page_viewed",
                "occurred_at": from_ms(T0 + 1_000 * (number + 1)).isoformat(),
                "identity": {"customer_id": person, "anonymous_id": "a-1"},
                "page": {"path": "/"},
            },
        )
    second = decided(door, "c-2")
    assert ids(door.offers("c-1", door.token("c-1"))) == [first]
    assert ids(door.offers("c-2", door.token("c-2"))) == [second]
    assert ids(door.offers("a-1", door.token("a-1"))) == []


def test_a_token_does_not_outlive_an_erasure(door: Door) -> None:
    """Offers of before are gone at once, and so is the token; a new token begins anew."""
    old = door.token("c-1")
    decided(door, "c-1")
    door.engine.now_ms = T0 + 60_000
    door.engine.say(
        topics.PRIVACY_REQUESTS,
        {
            "event_name": "erasure_requested",
            "request_id": "r-1",
            "identity": {"customer_id": "c-1"},
            "requested_at": from_ms(T0 + 60_000).isoformat(),
        },
    )
    assert door.offers("c-1", old).status_code == 401
    assert door.post({"placement": "banner"}, old).status_code == 401
    door.engine.now_ms += 2_000
    assert ids(door.offers("c-1", door.token("c-1"))) == []


def test_a_gateway_that_has_just_begun_says_so(door: Door) -> None:
    """503, and not that there are no offers."""
    door.engine.board.ready = False
    answer = door.offers("c-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "retry-after" in answer.headers


def test_a_person_who_asks_too_much_is_told_to_wait(door: Door) -> None:
    """429 for the one, and not for the other."""
    mine = door.token("c-1")
    statuses = [door.offers("c-1", mine).status_code for _ in range(200)]
    assert set(statuses) == {200, 429}
    assert door.offers("c-2", door.token("c-2")).status_code == 200
