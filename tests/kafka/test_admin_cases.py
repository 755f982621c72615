"""Cases are listed and told from the alerts on the topic."""

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from streams import topics
from streams.cli import main
from streams.contracts.outputs.payloads import ChurnAlert
from streams.settings import child_environment
from tests.support.apache_kafka import ApacheKafka
from tests.support.told import Fields, warned
from tests.support.worker_job import WorkerJob

SETTLE = {
    "action": "service_recovery",
    "channel": "call_center",
    "act_before": "2026-03-09T12:00:00Z",
}
SIGN = {
    "code": "cancel_page",
    "strength": 0.9,
    "lift": 2.688,
    "observed_at": "2026-03-02T12:00:00Z",
    "evidence_event_ids": ["seen-1"],
}


def worth(amount: str) -> Fields:
    """What is at risk."""
    return {"value_at_risk": {"amount": amount, "currency": "EUR"}}


@pytest.fixture
def job(kafka: ApacheKafka, tmp_path: Path) -> WorkerJob:
    """Two open cases of other values, one that ended, and a record that is no alert."""
    job = WorkerJob(kafka, tmp_path, "cases")
    alerts = [
        warned(0, "a1", case_id="small", customer_id="c1", **worth("5.00")),
        warned(
            1,
            "a2",
            case_id="great",
            customer_id="c2",
            signals=[SIGN],
            recommended=SETTLE,
            **worth("90.00"),
        ),
        warned(2, "a3", case_id="over", customer_id="c3", **worth("500.00")),
        warned(3, "a4", "resolved", case_id="over", customer_id="c3", resolved_by="bought"),
    ]
    records = [
        (topics.CHURN_ALERTS.name, a["customer_id"].encode(), _encoded(a), ()) for a in alerts
    ]
    job.send([*records, (topics.CHURN_ALERTS.name, b"c4", b"no alert", ())])
    return job


def _encoded(alert: Fields) -> bytes:
    return msgspec.json.encode(msgspec.convert(alert, ChurnAlert))


def said(job: WorkerJob, *words: str) -> Result:
    """What `offerstream alerts` answers."""
    environment = child_environment(job.settings)
    return CliRunner().invoke(main, ["alerts", *words], env=environment)


@pytest.mark.kafka
def test_open_cases_come_by_value_and_what_cannot_be_read_is_named(job: WorkerJob) -> None:
    """The greatest first, the ended one only if asked for; as JSON the alerts themselves."""
    listed = said(job, "list", "--open")
    assert listed.exit_code == 0
    head, first, second = listed.stdout.splitlines()
    assert head.startswith("expected loss")
    assert [line.split()[-1] for line in (first, second)] == ["great", "small"]
    assert "settle complaint" in first
    (place,) = listed.stderr.splitlines()
    assert re.match(r"churn-alerts \d@0 is no record of an alert: JSON is malformed", place)
    everything = said(job, "list").stdout
    assert "bought" in next(line for line in everything.splitlines() if line.endswith("over"))
    mine = said(job, "list", "--customer", "c1", "--json").stdout
    assert msgspec.json.decode(mine, type=ChurnAlert).alert_id == "a1"
    assert said(job, "list", "--open", "--band", "medium").stdout == ""


@pytest.mark.kafka
def test_a_case_is_told_with_its_history_signals_and_events(job: WorkerJob) -> None:
    """Every alert in its order; an id that is not there is named, with what helps."""
    told = said(job, "show", "great").stdout
    assert "cancel_page: looked at the page for closing the account  x 2.69  seen-1" in told
    over = said(job, "show", "over").stdout.splitlines()
    assert ["entered" in over[1], "resolved (bought)" in over[2]] == [True, True]
    missing = said(job, "show", "nobody")
    assert missing.exit_code != 0
