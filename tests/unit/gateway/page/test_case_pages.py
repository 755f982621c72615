"""Cases stand by what is at stake; an outcome is told once, by who may act, from our own form."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from streams import topics
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import Recommended
from streams.gateway.page.case_book import ALERTS_MAX, CASES_MAX
from tests.support.asking import Message
from tests.support.page_door import VIEW_TOKEN, PageDoor
from tests.support.page_story import CASES, told_case
from tests.unit.gateway.page.test_now import words

STEP = Recommended(
    channel="email",
    act_before=datetime(2026, 6, 9, tzinfo=UTC),
    say={"en": "Hello again.", "ja": "お久しぶりです。", "zh": "好久不见。"},
)


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """One with four cases, where somebody who may act is logged in."""
    made = PageDoor()
    made.alert(*CASES)
    with made.client:
        made.login()
        yield made


def outcomes(page: PageDoor) -> list[dict[str, Any]]:
    """What was told."""
    name = topics.PROFILE.name
    return [json.loads(m.value or b"") for m in page.door.engine.records if m.topic == name]


def form(page: PageDoor, case_id: str = "case-2") -> dict[str, str]:
    """The hidden fields of a case's form, as the page shows them."""
    html = page.get(f"/cases/{case_id}").text
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', html))


def test_the_queue_is_by_expected_loss(page: PageDoor) -> None:
    """Risk times what is at stake; the one that is over only where all are asked for."""
    order = re.compile(r'href="/cases/(case-\d)"')
    assert order.findall(page.get("/cases").text) == ["case-2", "case-1", "case-3"]
    assert "case-4" in order.findall(page.get("/cases?state=all").text)
    assert order.findall(page.get("/cases?band=high").text) == ["case-2", "case-1"]
    assert "bought again" in words(page.get("/cases?state=all"))


def test_a_case_has_its_history_and_its_evidence(page: PageDoor) -> None:
    """In the language of who looks."""
    shown = words(page.get("/cases/case-2"))
    assert shown.index("risk rose") < shown.index("opened")
    signal = "the next purchase is overdue: adds nothing more to the risk"
    assert f"{signal} · evidence order_completed-1" in shown
    assert "次回購入の予定時期を過ぎています：" in page.get("/cases/case-2?lang=ja").text
    assert "19日ごと" in page.get("/cases/case-2?lang=ja").text
    assert page.get("/cases/nothing").status_code == 404


def test_a_case_says_what_to_say_while_it_is_open(page: PageDoor) -> None:
    """In the language of who looks; the last alert of a case has no step, and is no control."""
    page.alert(told_case(7, recommended=STEP))
    assert "What may be said Hello again." in words(page.get("/cases/case-7"))
    page.alert(told_case(8, recommended=None))
    assert "none: left alone, for comparison" in words(page.get("/cases/case-8"))
    over = words(page.get("/cases/case-4"))
    assert "Next step none: the case is over" in over
    assert "for comparison" not in over
    assert "お久しぶりです。" in page.get("/cases/case-7?lang=ja").text


def test_an_outcome_is_told_as_a_crm_tells_it(page: PageDoor) -> None:
    """The event of `/v1/outcomes`, of the newest alert; the same form once more changes nothing."""
    said = form(page)
    for _ in range(2):
        with capture_logs() as logs:
            answer = page.post("/cases/case-2", result="saved", **said)
        assert answer.headers["location"] == "/cases/case-2?told=1"
    told = outcomes(page)
    assert told[0]["outcome"] == {"alert_id": "a-2b", "result": "saved"}
    assert told[0]["identity"] == {"customer_id": "c-2"}
    assert len({event["event_id"] for event in told}) == 1
    assert logs == [
        {"event": "operator_acted", "log_level": "info", "by": "ana", "what": "case_outcome"}
    ]
    assert "It was told." in page.get("/cases/case-2?told=1").text


@pytest.mark.parametrize("once", ["", "x", "x" * 23, "ü" * 22, "x" * 21 + "\n"])
def test_what_makes_a_form_one_is_ours(page: PageDoor, once: str) -> None:
    """Without it two forms could not be told from one that is sent twice."""
    said = {**form(page), "once": once}
    assert page.post("/cases/case-2", result="saved", **said).status_code == 422
    assert outcomes(page) == []


def test_another_result_or_case_of_the_same_form_is_told_as_well(page: PageDoor) -> None:
    """Whoever corrects what they said, with the page still open, is not passed over."""
    said = form(page)
    for case_id, result, more in (
        ("case-2", "no_answer", {}),
        ("case-2", "contacted", {}),
        ("case-1", "contacted", {}),
        ("case-1", "snoozed", {"until": "2026-06-20"}),
        ("case-1", "snoozed", {"until": "2026-06-21"}),
        ("case-2", "no_answer", {}),
    ):
        answer = page.post(f"/cases/{case_id}", result=result, **said, **more)
        assert answer.status_code == 303
    told = [event["event_id"] for event in outcomes(page)]
    assert len(set(told)) == 5
    assert told[0] == told[5]


def test_of_a_case_that_is_over_nothing_is_told(page: PageDoor) -> None:
    """Not by a form that was opened while it was open either."""
    said = form(page)
    answer = page.post("/cases/case-4", result="saved", **said)
    assert answer.status_code == 409
    assert "The case is over" in words(answer)
    assert outcomes(page) == []


def test_a_case_can_rest_until_a_day(page: PageDoor) -> None:
    """The day is a day; without one nothing is told."""
    assert (
        page.post("/cases/case-1", result="snoozed", until="soon", **form(page)).status_code == 422
    )
    assert outcomes(page) == []
    page.post("/cases/case-1", result="snoozed", until="2026-06-20", **form(page, "case-1"))
    assert outcomes(page)[0]["outcome"]["snooze_until"] == "2026-06-20T00:00:00Z"


def test_only_who_may_act_acts_and_only_from_our_own_form(page: PageDoor) -> None:
    """Without the token of the form, with that of another session, with a token to view."""
    said = form(page)
    for token in ("", "x" * 64):
        assert page.post("/cases/case-2", result="saved", form_token=token).status_code == 403
    page.client.cookies.clear()
    assert page.post("/cases/case-2", result="saved", **said).status_code == 401
    page.login(VIEW_TOKEN)
    assert page.post("/cases/case-2", result="saved", **said).status_code == 403
    own = {**said, "form_token": page.form_token()}
    assert page.post("/cases/case-2", result="saved", **own).status_code == 403
    assert "your token lets you look" in words(page.get("/cases/case-2")).lower()
    assert 'value="saved"' not in page.get("/cases/case-2").text
    assert outcomes(page) == []


@pytest.mark.parametrize("result", ["", "bought", "<script>"])
def test_a_result_is_one_of_ours(page: PageDoor, result: str) -> None:
    """Nothing else is told."""
    assert page.post("/cases/case-2", result=result, **form(page)).status_code == 422
    assert outcomes(page) == []


def test_who_was_erased_has_no_case_any_more(page: PageDoor) -> None:
    """Nor do old alerts that are read again bring it back."""
    erasure = {
        "event_id": "e-1",
        "event_name": "erasure_requested",
        "occurred_at": "2026-06-01T12:00:00Z",
        "requested_at": "2026-06-03T12:00:00Z",
        "request_id": "r-1",
        "identity": {"customer_id": "c-2"},
        "channel": "web",
    }
    page.door.engine.now_ms += 3 * 86_400_000
    sent = OutputMessage(topics.PRIVACY_REQUESTS.name, None, json.dumps(erasure).encode())
    page.page.cases.take([Message(sent, 1)], ended=True)
    page.alert(*CASES)
    page.login()  # three days have passed
    assert "case-2" not in page.get("/cases?state=all").text
    assert "case-1" in page.get("/cases").text


def test_many_erasures_look_at_the_cases_of_those_people_alone(page: PageDoor) -> None:
    """Thousands of cases and of erasures, and each case goes with its own customer."""
    book = page.page.cases
    page.alert(*(told_case(n, customer_id=f"c-{n // 2}") for n in range(10, 3_010)))
    looked = time.process_time()
    for n in range(20_000):
        book._erase(f"nobody-{n}", 2**50)
    assert time.process_time() - looked < 2
    book._erase("c-10", 2**50)
    assert [book.case(f"case-{n}") is None for n in (19, 20, 21, 22)] == [False, True, True, False]
    assert len(book.cases()) == 3_000 + 4 - 2
    held = {case.last.case_id for case in book.cases()}
    assert {one for ids in book._of_customer.values() for one in ids} == held


def test_memory_is_bounded(page: PageDoor) -> None:
    """More cases and alerts than are held: those that are over go first, and it is said."""
    page.alert(*(told_case(9, alert_id=f"b-{n}") for n in range(100)))
    held = page.page.cases.case("case-9")
    assert held is not None
    assert len(held.alerts) == ALERTS_MAX
    page.alert(*(told_case(n) for n in range(100, 100 + CASES_MAX)))
    assert len(page.page.cases.cases()) == CASES_MAX
    assert sum(map(len, page.page.cases._of_customer.values())) == CASES_MAX
    assert page.page.cases.case("case-4") is None
    assert "were left out" in page.get("/cases").text
