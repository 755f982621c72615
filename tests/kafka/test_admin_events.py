"""What a person sends arrives, or is told: refused lines are named, all others are sent."""

import gzip
import json
import os
import random
import signal
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from streams import topics
from streams.cli import main
from tests.support.apache_kafka import ApacheKafka
from tests.support.worker_job import WorkerJob

TOPIC = topics.CLICKSTREAM.name
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)


def event(number: int, **more: Any) -> str:
    """A line with a view of a product."""
    whole = {
        "event_id": f"e{number}",
        "event_name": "product_viewed",
        "occurred_at": (AT + timedelta(seconds=number)).isoformat(),
        "identity": {"customer_id": f"c{number}"},
        "channel": "web",
        "page": {"path": "/p"},
        "product": {"product_id": "s1", "category": "c"},
        **more,
    }
    return json.dumps(whole)


@pytest.fixture
def environment(kafka: ApacheKafka, tmp_path: Path) -> dict[str, str]:
    """That of the commands; the topics are there and empty."""
    job = WorkerJob(kafka, tmp_path, "sending")
    return {
        "OFFERSTREAM_BOOTSTRAP": kafka.bootstrap,
        "OFFERSTREAM_APPLICATION_ID": job.settings.application_id,
    }


@pytest.fixture
def small_records(kafka: ApacheKafka, environment: dict[str, str]) -> Iterator[None]:
    """The topic takes records of 2,000 bytes only, and what it took before when that is over."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for size in (2_000, None):
        kind = AlterConfigOpType.SET if size else AlterConfigOpType.DELETE
        entry = ConfigEntry("max.message.bytes", str(size or ""), incremental_operation=kind)
        resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
        for future in admin.incremental_alter_configs([resource]).values():
            future.result()
        if size:
            yield


def send(environment: dict[str, str], lines: list[str], *options: str) -> Result:
    """`offerstream events send -` with these lines on standard input."""
    given = "\n".join(lines) + "\n"
    return CliRunner().invoke(main, ["events", "send", "-", *options], env=environment, input=given)


def arrived(kafka: ApacheKafka) -> list[str]:
    """The ids that are on the topic, sorted."""
    return sorted(json.loads(m.value())["event_id"] for m in kafka.read_all(TOPIC))


@pytest.mark.kafka
def test_one_line_that_is_too_large_does_not_hold_up_the_others(
    kafka: ApacheKafka, environment: dict[str, str]
) -> None:
    """Nine good lines beside one of 3 MB: nine arrive, one is named; their time is the event's."""
    before = len(kafka.read_all(TOPIC))
    large = event(4, page={"path": "x" * 3_000_000})
    lines = [event(n) if n != 4 else large for n in range(10)]
    done = send(environment, lines, "--no-check")
    assert done.exit_code == 1, done.output
    assert "sent 9 events, refused 1" in done.output
    assert "line 5: refused_by_kafka: " in done.output
    new = kafka.read_all(TOPIC)[before:]
    ids = {json.loads(m.value())["event_id"]: m.timestamp()[1] for m in new}
    assert ids == {
        f"e{n}": round((AT + timedelta(seconds=n)).timestamp() * 1000) for n in range(10) if n != 4
    }


@pytest.mark.kafka
@pytest.mark.usefixtures("small_records")
def test_one_line_that_the_broker_refuses_is_named_alone(
    kafka: ApacheKafka, environment: dict[str, str]
) -> None:
    """Kafka refuses the batch; all records but the one arrive in the end."""
    before = set(arrived(kafka))
    noise = "".join(random.Random(3).choices(string.ascii_letters, k=4_000))  # seed 3
    large = event(26, context={"campaign": {"note": noise}})
    lines = [event(20 + n) if n != 6 else large for n in range(12)]
    done = send(environment, lines)
    assert done.exit_code == 1, done.output
    assert "sent 11 events, refused 1" in done.output
    assert "line 7: refused_by_kafka: " in done.output
    assert set(arrived(kafka)) - before == {f"e{20 + n}" for n in range(12) if n != 6}


@pytest.mark.kafka
def test_what_the_worker_would_reject_is_not_sent(
    kafka: ApacheKafka, environment: dict[str, str]
) -> None:
    """Unless --no-check says so; `--from-line` leaves out what was sent before."""
    bad = event(41, channel="stroe")
    done = send(environment, [event(40), bad, event(42)], "--from-line", "2")
    assert done.exit_code == 1
    assert "sent 1 events, refused 1" in done.output
    assert "line 2: out_of_range: $.channel is not one of" in done.output
    assert {"e40", "e41"} & set(arrived(kafka)) == set()


def sending(
    kafka: ApacheKafka, environment: dict[str, str], lines: list[str], first: str
) -> subprocess.Popen[bytes]:
    """`events send -` that has sent the first of these lines, and waits for more."""
    child = subprocess.Popen(
        [sys.executable, "-m", "streams", "events", "send", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert child.stdin is not None
    child.stdin.write("".join(line + "\n" for line in lines).encode())
    child.stdin.flush()
    until_s = time.monotonic() + 60
    while first not in arrived(kafka):
        if child.poll() is not None or time.monotonic() > until_s:
            child.kill()
            pytest.fail(f"{first} was not sent: {child.communicate(timeout=30)}")
    return child


@pytest.mark.kafka
def test_ctrl_c_says_where_to_go_on(kafka: ApacheKafka, environment: dict[str, str]) -> None:
    """Everything read so far arrives; the sentence names the next line; exit code 130."""
    child = sending(kafka, environment, [event(60 + n) for n in range(500)], "e60")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert b"Traceback" not in err
    left = int(err.split(b"--from-line ")[1].split()[0])
    assert 1 < left <= 501
    assert b"events, refused 0" in out
    assert {f"e{60 + n}" for n in range(left - 1)} <= set(arrived(kafka))


@pytest.mark.kafka
def test_a_broker_that_goes_away_is_told_with_where_to_go_on(
    kafka: ApacheKafka, environment: dict[str, str]
) -> None:
    """It answers no more: a sentence and exit code 1; going on there, everything arrives."""
    lines = [event(600 + n) for n in range(400)]
    child = sending(kafka, environment, lines[:200], "e600")
    kafka.stall()
    try:
        _, err = child.communicate("".join(line + "\n" for line in lines[200:]).encode(), 120)
    finally:
        kafka.resume()
    assert child.returncode == 1, err
    assert b"went away; go on with --from-line " in err
    left = err.split(b"--from-line ")[1].split()[0].decode()
    done = send(environment, lines, "--from-line", left)
    assert done.exit_code == 0, done.output
    assert {f"e{600 + n}" for n in range(400)} <= set(arrived(kafka))


@pytest.mark.kafka
@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_goes_out_in_the_order_of_its_times(
    kafka: ApacheKafka, environment: dict[str, str], tmp_path: Path, zipped: bool
) -> None:
    """However it is ordered, zipped or not; going on in the middle leaves out what was sent."""
    before = len(kafka.read_all(TOPIC))
    numbers = [5, 3, 9, 1, 7, 2, 8]
    text = "".join(event(900 + n, identity={"customer_id": "one"}) + "\n" for n in numbers)
    file = tmp_path / "day.jsonl"
    file.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    done = CliRunner().invoke(main, ["events", "send", str(file)], env=environment)
    assert done.exit_code == 0, done.output
    assert "sent 7 events, refused 0" in done.output
    assert "out of order" not in done.output
    assert "events of the past" not in done.output
    ids = [json.loads(m.value())["event_id"] for m in kafka.read_all(TOPIC)[before:]]
    assert ids == [f"e{900 + n}" for n in sorted(numbers)]


@pytest.mark.kafka
def test_standard_input_is_sent_as_it_comes(environment: dict[str, str]) -> None:
    """It may never end, so it is not sorted; what went out after later ones is told."""
    done = send(environment, [event(n) for n in (953, 951, 952)])
    assert done.exit_code == 0
    assert "out of order: 2 events went out after later ones" in done.output
