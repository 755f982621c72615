"""What a CRM gets: the shipped templates against its API's shapes, and golden bodies."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from streams.cli import main
from streams.delivery.bodies import BodyError, shipped_templates
from streams.delivery.destinations import DestinationsError, Target, load_targets
from streams.delivery.trying import tried

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "webhooks"
EXAMPLES = ROOT / "schemas" / "examples"
OF_CRM: dict[str, dict[str, Any]] = {
    "salesforce-task": {
        "owner_queue": "00G5f000004XyzAEAS",
        "fill": {"customer_field": "Customer_Id__c"},
    },
    "hubspot-task": {"owner_queue": "64492917"},
    "task": {"owner_queue": "retention"},
}
RECORDS = {
    "alert": ("churn-alerts", "churn_alert/valid/entered.json"),
    "complaint": ("churn-alerts", "churn_alert/valid/service_recovery.json"),
    "offer": ("next-best-offers", "next_best_offer/valid/app_banner.json"),
}
CASES = [(name, record, "en") for name in OF_CRM for record in RECORDS]
CASES += [("salesforce-task", "alert", "ja"), ("hubspot-task", "alert", "zh")]


def target(folder: Path, **wanted: Any) -> Target:
    """The destination of a file of one."""
    given = {"url": "https://crm.example/tasks", "topics": ["churn-alerts", "next-best-offers"]}
    file = folder / "destinations.yaml"
    file.write_text(yaml.safe_dump({"destinations": {"crm": {**given, **wanted}}}))
    return load_targets(file)[0]


def body(of: Target, topic: str, value: dict[str, Any]) -> Any:
    """The body that would be sent, decoded."""
    told = "\n".join(tried(of, topic, json.dumps(value).encode()))
    return json.loads(told.partition("\n\n")[2])


@pytest.mark.parametrize(("template", "record", "language"), CASES)
def test_a_template_writes_what_its_api_takes(
    tmp_path: Path, template: str, record: str, language: str
) -> None:
    """Due date, owner's queue, what to say and the offer: equal to the golden body, valid by shape.

    Write the golden files anew by deleting them and running this test.
    """
    topic, example = RECORDS[record]
    wanted = target(tmp_path, template=template, language=language, **OF_CRM[template])
    made = body(wanted, topic, json.loads((EXAMPLES / example).read_text()))
    golden = GOLDEN / f"{template}-{record}-{language}.json"
    if not golden.exists():
        golden.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
        pytest.fail(f"{golden.name} was missing and is written: look at it, and run again")
    assert made == json.loads(golden.read_text())
    shape = GOLDEN / f"{template}.schema.json"
    if shape.exists():
        jsonschema.validate(made, json.loads(shape.read_text()))


@pytest.mark.parametrize("template", OF_CRM)
def test_a_template_needs_nothing_filled_in(tmp_path: Path, template: str) -> None:
    """Without an owner's queue and fields of one's own the CRM decides who has the task."""
    alert = json.loads((EXAMPLES / RECORDS["alert"][1]).read_text())
    made = body(target(tmp_path, template=template), "churn-alerts", alert)
    assert "OwnerId" not in made
    assert "hubspot_owner_id" not in made.get("properties", {})


def test_every_shipped_template_is_tested() -> None:
    """None is shipped unseen."""
    assert set(shipped_templates()) == set(OF_CRM)


def test_texts_cannot_break_out_of_the_body(tmp_path: Path) -> None:
    """Quotes, braces and line ends of a text stay inside it."""
    alert = json.loads((EXAMPLES / RECORDS["alert"][1]).read_text())
    nasty = '", "OwnerId": "0051" } {{ 7 * 7 }} \n\u2028 </script>'
    alert["text"]["en"] = nasty
    made = body(target(tmp_path, template="task"), "churn-alerts", alert)
    assert made["say"] == nasty
    assert made["owner_queue"] == ""


def test_a_task_says_what_may_be_said(tmp_path: Path) -> None:
    """Behind why and what to do, in the language of the destination."""
    alert = json.loads((EXAMPLES / RECORDS["alert"][1]).read_text())
    alert["recommended"]["say"] = {
        "en": "We are sorry.",
        "ja": "申し訳ございません。",
        "zh": "抱歉。",
    }
    made = body(target(tmp_path, template="task", language="ja"), "churn-alerts", alert)
    assert made["say"] == f"{alert['text']['ja']}\nお客様への言葉：申し訳ございません。"


def test_a_control_is_no_task(tmp_path: Path) -> None:
    """Nothing is to be done for it: a template of tasks makes nothing, a filter leaves it out."""
    control = json.loads((EXAMPLES / "churn_alert/valid/resolved.json").read_text())
    with pytest.raises(Exception, match="makes nothing of it"):
        body(target(tmp_path, template="task"), "churn-alerts", control)
    filtered = target(
        tmp_path, template="task", topics=["churn-alerts"], filter="data.recommended != null"
    )
    told = list(tried(filtered, "churn-alerts", json.dumps(control).encode()))
    assert told == ["the filter does not take it: nothing would be sent"]


def own(folder: Path, text: str, **more: Any) -> Target:
    """A destination with a template of its own beside the file."""
    (folder / "own.j2").write_text(text)
    return target(folder, **{"template": "own.j2", **more})


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    """Beside the file of destinations; it sees event, data, task, fill and language."""
    text = (
        '{"a": {{ data.risk | tojson }}, "b": {{ event.id | tojson }}, "c": {{ fill.x | tojson }}}'
    )
    wanted = own(tmp_path, text, fill={"x": "y"})
    alert = json.loads((EXAMPLES / RECORDS["alert"][1]).read_text())
    assert body(wanted, "churn-alerts", alert) == {"a": 0.61, "b": "a_1", "c": "y"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{% if %}", "line 1"),
        ("{{ secret }}", "there is no secret; there are event, data, task, fill, language"),
        ("x" * 70_000, "is over 65536 bytes"),
    ],
)
def test_a_template_that_is_none_is_told_at_the_start(tmp_path: Path, text: str, told: str) -> None:
    """With the place in the file of destinations."""
    with pytest.raises(DestinationsError) as caught:
        own(tmp_path, text)
    assert "$.destinations.crm.template" in str(caught.value)
    assert told in str(caught.value)


def test_tasks_are_there_for_alerts_and_offers_only(tmp_path: Path) -> None:
    """A template of tasks for other topics would fail at every record: told at the start."""
    with pytest.raises(DestinationsError, match="`task` is there for churn-alerts"):
        target(tmp_path, template="task", topics=["case-outcomes"])
    with pytest.raises(DestinationsError, match="name a file, or one of hubspot-task"):
        target(tmp_path, template="no-such.j2")


@pytest.mark.parametrize(
    "text",
    [
        "{{ data.no_such_field }}",
        "no JSON",
        "{{ data.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{% for i in range(10000000) %}1{% endfor %}",
        "{{ data.update({'risk': 0}) }}",
    ],
)
def test_a_template_that_fails_on_a_record_sends_nothing(tmp_path: Path, text: str) -> None:
    """Also one that reaches for more than it is given: the sandbox holds."""
    wanted = own(tmp_path, text)
    alert = json.loads((EXAMPLES / RECORDS["alert"][1]).read_text())
    with pytest.raises(Exception, match="makes nothing of it") as caught:
        body(wanted, "churn-alerts", alert)
    assert isinstance(caught.value.__cause__, BodyError)
    assert "c-1001" not in str(caught.value)


FILTERS = [
    ('data.risk_band == "medium"', True),
    ('data.risk_band == "high"', False),
    ("data.recommended != null", True),
    ('data.recommended.action == "offer" && data.transition == "entered"', True),
    ("data.risk > 0.6", True),
    ("data.expected.nothing == 1", None),
    ('data.signals.exists(s, s.code == "purchase_overdue")', True),
    ('topic == "churn-alerts"', True),
    ("data.score > 0.1", False),  # this alert has none: what cannot be told is not sent
    ("data.no_such == 1", None),
    ("person.segment == 1", None),
    ("data.risk >", None),
]


@pytest.mark.parametrize(("source", "takes"), FILTERS)
def test_a_filter_takes_what_it_says_true_of(
    tmp_path: Path, source: str, takes: bool | None
) -> None:
    """One that is no filter, or names what no record has, is refused at the start (None)."""
    if takes is None:
        with pytest.raises(DestinationsError, match=r"\$\.destinations\.crm\.filter"):
            target(tmp_path, filter=source)
        return
    alert = json.loads((EXAMPLES / RECORDS["alert"][1]).read_text())
    assert target(tmp_path, filter=source).filter.takes("churn-alerts", alert) is takes


def test_try_shows_the_request_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head and body as they would go out; a wrong name is told with what there is."""
    monkeypatch.setenv("TOKEN", "token-0123456789")
    hidden = {"Authorization": {"env": "TOKEN", "prefix": "Bearer "}}
    target(tmp_path, template="hubspot-task", secret_headers=hidden)
    event = str(EXAMPLES / RECORDS["alert"][1])
    command = ["deliver", "-f", str(tmp_path / "destinations.yaml"), "try"]
    shown = CliRunner().invoke(main, [*command, "crm", event])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("POST https://crm.example/tasks\nAuthorization: (secret)\n")
    assert '"hs_task_status": "NOT_STARTED"' in shown.output
    assert "token-0123456789" not in shown.output
    for wrong in ([*command, "crn", event], [*command, "crm", event, "--topic", "churn"]):
        refused = CliRunner().invoke(main, wrong)
        assert refused.exit_code == 2
        assert "is not one of" in refused.output
