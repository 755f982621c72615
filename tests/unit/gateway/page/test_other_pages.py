"""Dead letters, the experiment and the settings in force: what is told, and what never is."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from streams.settings import SECRETS, TYPES
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from tests.support.asking import KEY, TOKEN_KEY
from tests.support.page_door import ACT_TOKEN, VIEW_TOKEN, PageDoor
from tests.support.page_story import compare, letter
from tests.unit.gateway.page.test_now import words


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """One with seven dead letters, where somebody who may act is logged in."""
    made = PageDoor()
    made.letters = [letter(n) for n in range(7)]
    with made.client:
        made.login()
        yield made


def test_letters_are_counted_by_reason_and_the_newest_stand_first(page: PageDoor) -> None:
    """Restricted to a reason only those."""
    shown = words(page.get("/dead-letters"))
    assert "7 wait" in shown
    assert "bad_timestamp events.purchase 3" in shown
    assert shown.index("2@23") < shown.index("0@17")
    assert "2 wait" in words(page.get("/dead-letters?reason=missing_field"))
    assert page.get("/dead-letters?reason=nonsense").status_code == 422


def test_a_letter_is_explained_without_what_it_holds(page: PageDoor) -> None:
    """Reason, place, shape; no value of the record."""
    answer = page.get("/dead-letters/1@18")
    shown = words(answer)
    assert "Reason missing_field Where, and what $.page is required" in shown
    assert "occurred_at" in shown
    assert "jane@example.com" not in answer.text
    assert "yesterday" not in answer.text
    assert page.get("/dead-letters/9@99").status_code == 404
    assert page.get("/dead-letters/nothing").status_code == 400


def test_letters_are_driven_again_by_who_may_act(page: PageDoor) -> None:
    """One, or those of a reason and topic; never all at once by mistake; it is logged by whom."""
    token = page.form_token()
    with capture_logs() as logs:
        answer = page.post("/dead-letters", id="1@18", form_token=token)
    assert answer.headers["location"] == "/dead-letters?driven=1"
    assert logs[0]["by"] == "ana"
    assert "Driven again: 1." in words(page.get("/dead-letters?driven=1"))
    assert page.post("/dead-letters", form_token=token).status_code == 422
    answer = page.post(
        "/dead-letters", reason="bad_timestamp", topic="events.purchase", form_token=token
    )
    assert answer.headers["location"] == "/dead-letters?driven=3"
    assert page.post("/dead-letters", id="2@19", form_token="x").status_code == 403  # noqa: S106
    page.login(VIEW_TOKEN)
    assert page.post("/dead-letters", id="2@19", form_token=page.form_token()).status_code == 403
    assert "Drive" not in words(page.get("/dead-letters"))
    assert len(page.letters) == 3


def test_settings_are_told_and_secrets_are_not(page: PageDoor) -> None:
    """Every setting by name; of a secret whether it is set, whoever looks."""
    answer = page.get("/settings")
    shown = words(answer)
    assert all(f"{name} " in shown for name in TYPES)
    for secret in (KEY, TOKEN_KEY, ACT_TOKEN, VIEW_TOKEN):
        assert secret not in answer.text
    assert "gateway.operator_tokens set, and not shown changed" in shown
    assert "security.sasl_password not set" in shown
    assert "bootstrap 127.0.0.1:9092" in shown
    assert "learner.learn true" in shown
    assert {name.rpartition(".")[2] for name in TYPES} >= SECRETS


def test_the_experiment_is_told_with_its_interval(page: PageDoor) -> None:
    """What leaves out zero is decided, what does not is not; without figures nothing is said."""
    assert "Nothing can be said yet" in words(page.get("/experiment"))
    meter = Meter()
    compare(meter)
    meter.set(metrics.INCREMENTAL, "uniform_holdout", "value", value=0.2)  # without an interval
    page.worker(meter)
    shown = words(page.get("/experiment"))
    assert "policy against holdout +0.412 +0.133 … +0.691 brings more" in shown
    assert "policy against uniform +0.118 -0.090 … +0.326 not decided yet" in shown
    assert "uniform against holdout" not in shown
    assert "policy 4,210" in shown
