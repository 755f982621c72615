"""The first hour: docs/run.md played line by line gives what `replay` of the same file gives."""

import json
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from msgspec import Struct

from streams.admin.reference import example_shop
from streams.cli import main
from tests.support.apache_kafka import ROOT, ApacheKafka
from tests.support.pages import Ran, Terminals, expected_code, not_printed, to_play
from tests.support.worker_job import WorkerJob

PAGE = ROOT / "docs" / "run.md"
DAY = ROOT / "tests" / "golden" / "a-day-in-the-shop.jsonl"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = [page for page in PAGES if page != PAGE and to_play(page)]
LINK_WAIT = timedelta(seconds=1)
# Who was a visitor first: until the link is answered a decision sees less of what was looked at,
# so what is drawn from differs, and what is drawn may.
VISITORS_FIRST = ("mia",)
THE_SAME = ("decision_id", "customer_id", "trigger", "channel", "placement", "experiment", "model")


def replayed(folder: Path, name: str) -> list[dict[str, Any]]:
    """What `replay` wrote."""
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def timeless(value: Any) -> Any:
    """A record without its times; those at the top are compared apart."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if not is_time(v)}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def is_time(value: Any) -> bool:
    """An RFC 3339 time."""
    try:
        return isinstance(value, str) and value[10:11] == "T" and bool(at(value))
    except ValueError:
        return False


def at(text: str) -> datetime:
    """A time of a record."""
    return datetime.fromisoformat(text)


def by_id(records: list[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Records by what makes them one; none is there twice."""
    found = {tuple(record[name] for name in names): record for record in records}
    assert len(found) == len(records)
    return found


class Day(Struct, frozen=True):
    """docs/run.md was played: what its lines printed, in terminals that are still open."""

    terminals: Terminals
    ran: list[Ran]

    def told(self, line: str) -> Ran:
        """What became of a line."""
        (found,) = (r for r in self.ran if r.line.split("#")[0].strip() == line)
        return found


@pytest.fixture(scope="module")
def day(kafka: ApacheKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """The page, once, for all tests of this file: workers run until the end."""
    home = tmp_path_factory.mktemp("first-run")
    WorkerJob(kafka, home, "first-run")  # the topics of other tests are gone
    with Terminals(kafka.bootstrap, home, "first-run") as terminals:
        folder = terminals.folder
        shutil.copytree(example_shop(), folder / "shop")
        shutil.copy(DAY, folder / "events.jsonl")
        (folder / "FILE").write_text("Kunde;Datum;Betrag\nc1;2026-03-01;12,50\n", encoding="utf-8")
        yield Day(terminals, [r for block in to_play(PAGE) for r in terminals.play(block)])


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_the_first_run_gives_what_replay_gives(
    kafka: ApacheKafka, day: Day, tmp_path: Path
) -> None:
    """49 offers and 2 alerts, the same ones, but for the second that a login may take."""
    out = tmp_path / "replayed"
    done = CliRunner().invoke(main, ["replay", str(DAY), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert len(day.told("offerstream offers tail --all").out.splitlines()) == 49
    assert len(day.told("offerstream alerts tail --all").out.splitlines()) == 2
    assert_same(
        [json.loads(m.value()) for m in kafka.read_all("next-best-offers")],
        replayed(out, "next-best-offers"),
        "decision_id",
    )
    assert_same(
        [json.loads(m.value()) for m in kafka.read_all("churn-alerts")],
        replayed(out, "churn-alerts"),
        "alert_id",
        "transition",
    )


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_the_first_run_prints_what_its_page_shows(day: Day) -> None:
    """Line by line: exit codes, and the output behind a block."""
    for r in day.ran:
        assert_sound(r, day.terminals.log)
    for block in to_play(PAGE):
        printed = "".join(r.out + r.err for r in day.ran if r.line in block.lines)
        assert not_printed(block.shown, printed) == []


@pytest.mark.kafka
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.name)
def test_every_other_page_can_be_played(kafka: ApacheKafka, day: Day, page: Path) -> None:
    """On the broker and beside the workers of the first run; `2@17` is a dead letter that waits."""
    bad = b'{"event_id": "x", "event_name": "application_opened", "channel": "app"}'
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce("events.app", bad, b"x")
    assert producer.flush(30) == 0
    letter = wait_for_letter(kafka)
    day.terminals.words["2@17"] = f"{letter.partition()}@{letter.offset()}"
    shutil.rmtree(day.terminals.folder / "out", ignore_errors=True)
    for block in to_play(page):
        ran = day.terminals.play(block)
        for r in ran:
            assert_sound(r, day.terminals.log)
        assert not_printed(block.shown, "".join(r.out + r.err for r in ran)) == []


def wait_for_letter(kafka: ApacheKafka) -> Any:
    """The first dead letter."""
    until_s = time.monotonic() + 60
    while not (letters := kafka.read_all("dead-letters")):
        assert time.monotonic() < until_s, "no dead letter came"
    return letters[0]


def assert_sound(ran: Ran, log: str) -> None:
    """It ended as the page says, without a stack trace; `doctor` may warn of this machine."""
    assert "Traceback" not in ran.err
    if " tail" in ran.line:
        assert ran.code in (0, 130)
    elif "doctor" not in ran.line:
        assert ran.code == expected_code(ran.line), (ran, log[-3_000:])


def compared(record: dict[str, Any]) -> Any:
    """What a record must say on Kafka as in `replay`."""
    if record["customer_id"] not in VISITORS_FIRST or "decision_id" not in record:
        return timeless(record)
    return {name: timeless(record[name]) for name in THE_SAME if name in record}


def assert_same(got: list[dict[str, Any]], wanted: list[dict[str, Any]], *names: str) -> None:
    """The same records; the times of those that waited for a login may be a second later."""
    left, right = by_id(got, *names), by_id(wanted, *names)
    assert left.keys() == right.keys()
    assert {key: compared(left[key]) for key in left} == {key: compared(right[key]) for key in left}
    for key, record in left.items():
        for name, value in record.items():
            if is_time(value):
                assert timedelta(0) <= at(value) - at(right[key][name]) <= LINK_WAIT, (key, name)
