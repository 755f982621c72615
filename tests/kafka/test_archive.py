"""`offerstream archive` on Apache Kafka: killed under load, each committed record is kept once."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from streams import topics
from streams.archive import Wish, rows_about, run_archive
from streams.archive.files import database
from streams.archive.layout import pieces, that_count
from streams.archive.positions import Missing, load
from streams.archive.records import ARCHIVED
from streams.cli import main
from streams.settings import child_environment
from tests.support import small_shop
from tests.support.apache_kafka import ApacheKafka
from tests.support.worker_job import WorkerJob

CUSTOMERS, EVENTS, SEED, KILLS = 40, 6_000, 8, 6
READ_AHEAD = 300_000  # more records than a client reads ahead of whom it reads for


def kept(root: Path, topic: topics.Topic) -> Counter[str]:
    """The values of a topic in the archive, with how often."""
    counted = that_count(pieces(root, topic.name), load(root).next)
    if not counted:
        return Counter()
    with database() as connection:
        query = "SELECT value FROM read_parquet(?) WHERE value IS NOT NULL"
        found = connection.execute(query, [[str(root / p.place) for p in counted]]).fetchall()
    return Counter(value for (value,) in found)


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_killed_under_load_it_keeps_each_record_once(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Kill -9 again and again while workers decide: afterwards archive and topics are equal."""
    job = WorkerJob(kafka, tmp_path, "archived")
    job.publish(small_shop.reference())
    sent = [*small_shop.consents(CUSTOMERS), *small_shop.visits(EVENTS, CUSTOMERS, SEED)]
    environment = child_environment(job.settings)
    root, draw = tmp_path / "kept", random.Random(SEED)
    command = [sys.executable, "-m", "streams", "archive", str(root), "--flush-s", "0.2"]
    workers = [job.start(), job.start(role="learner")]
    for number in range(KILLS):
        share = sent[number * len(sent) // KILLS : (number + 1) * len(sent) // KILLS]
        job.send((topic, key, value) for topic, key, value in share)
        process = subprocess.Popen(command, env=environment)
        time.sleep(draw.uniform(1.0, 3.0))
        process.kill()
        process.wait(30)
    job.wait_for(len(sent), workers[0])
    for worker in workers:
        worker.stop()
    done = CliRunner().invoke(main, ["archive", str(root), "--once"], env=environment)
    assert done.exit_code == 0, done.output
    for topic in ARCHIVED:
        if topic in (topics.LEARNING_EXAMPLES, topics.MODEL_SNAPSHOTS):
            continue  # churn's labels are not kept; of compacted snapshots the topic has fewer
        wanted = Counter({value.decode(): n for (_, value), n in job.said(topic).items() if value})
        assert kept(root, topic) == wanted, topic.name
    assert kept(root, topics.DECISION_LOG).total() > 500
    assert load(root).missing == (), "markers of transactions and compaction are no gaps"

    (entry,) = rows_about(root, topics.DECISION_LOG, "c0001")[-1:]
    told = CliRunner().invoke(
        main,
        ["explain", "--customer", "c0001", "--log", str(root), "--limit", "1"],
        env={"OFFERSTREAM_BOOTSTRAP": "127.0.0.1:1"},
    )
    assert told.exit_code == 0, told.output
    assert entry.split(b'"')[3].decode() in told.output

    since = json.loads(entry) | {"decision_id": "d_since"}
    job.send([(topics.DECISION_LOG.name, b"c0001", json.dumps(since).encode())])
    told = CliRunner().invoke(
        main,
        ["explain", "--customer", "c0001", "--json", "--limit", "10000"],
        env={**environment, "OFFERSTREAM_ARCHIVE_DIR": str(root)},
    )
    assert told.exit_code == 0, told.output
    ids = Counter(json.loads(line)["decision_id"] for line in told.output.splitlines())
    archived = Counter(
        json.loads(value)["decision_id"] for value in rows_about(root, topics.DECISION_LOG, "c0001")
    )
    assert ids == archived + Counter(["d_since"])


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_what_kafka_deletes_before_and_while_it_reads_is_noted(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Of the log each offset is archived or in `missing`, and the verb says how many are not."""
    job = WorkerJob(kafka, tmp_path, "deleted")
    name = job.settings.on_broker(topics.DECISION_LOG)
    job.send([(name, b"c1", b"{}")] * 10)
    (number,) = [n for n, end in enumerate(kafka.end_offsets(name)) if end]

    def delete_before(offset: int) -> None:
        assert kafka.delete_before(name, number, offset) == offset

    delete_before(7)
    root = tmp_path / "kept"
    arguments, environment = ["archive", str(root), "--once"], child_environment(job.settings)
    first = CliRunner().invoke(main, arguments, env=environment)
    assert first.exit_code == 0, first.output
    assert "7 offsets were deleted by Kafka before they were archived" in first.output
    assert load(root).missing == (Missing(name, number, 0, 6),)
    assert kept(root, topics.DECISION_LOG) == Counter({"{}": 3})

    job.send([(name, b"c1", b"%d" % n) for n in range(10, READ_AHEAD)])
    low, looks = READ_AHEAD - 10, iter(range(10_000))

    def stopped() -> bool:
        look = next(looks)
        if look == 2:
            delete_before(low)
        return look > 9_000

    done = run_archive(job.settings, Wish(root=root, once=True), stopped)
    (_, gap) = load(root).missing
    assert 10 < gap.first < gap.last
    assert gap == Missing(name, number, gap.first, low - 1)
    assert done.deleted == low - gap.first
    read = [*range(10, gap.first), *range(low, READ_AHEAD)]
    assert kept(root, topics.DECISION_LOG) == Counter({"{}": 3} | {str(n): 1 for n in read})


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_a_deleted_end_of_a_transaction_is_no_gap(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Retention empties an idle partition: what no reader would ever have seen is not missed."""
    job = WorkerJob(kafka, tmp_path, "idle")
    name = job.settings.on_broker(topics.DECISION_LOG)
    job.send([(name, b"c1", b"{}")])
    (number,) = [n for n, end in enumerate(kafka.end_offsets(name)) if end]
    root = tmp_path / "kept"
    arguments, environment = ["archive", str(root), "--once"], child_environment(job.settings)
    assert CliRunner().invoke(main, arguments, env=environment).exit_code == 0
    assert load(root).next[topics.DECISION_LOG.name, number] == 1

    aborted = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "gave-up"})
    aborted.init_transactions(30)
    aborted.begin_transaction()
    aborted.produce(name, b"{}", b"c1", partition=number)
    assert aborted.flush(30) == 0
    aborted.abort_transaction(30)
    kafka.wait_until_ended(name)
    assert kafka.delete_before(name, number, -1) == 3, "a record that was taken back, and its end"

    again = CliRunner().invoke(main, arguments, env=environment)
    assert again.exit_code == 0, again.output
    assert "deleted by Kafka" not in again.output
    assert load(root).missing == ()
    assert load(root).next[topics.DECISION_LOG.name, number] == 3


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_a_topic_that_was_made_anew_and_a_second_archiver_are_refused(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Offsets that go backward would mix two topics: a sentence and exit code 2."""
    job = WorkerJob(kafka, tmp_path, "anew")
    name = topics.DECISION_LOG.name
    job.send([(name, b"c1", b'{"decision_id":"d-1","customer_id":"c1"}')] * 3)
    environment, root = child_environment(job.settings), tmp_path / "kept"
    arguments = ["archive", str(root), "--once"]
    first = CliRunner().invoke(main, arguments, env=environment)
    assert (first.exit_code, kept(root, topics.DECISION_LOG).total()) == (0, 3)
    again = CliRunner().invoke(main, arguments, env=environment)
    assert "archived 0 records" in again.output
    WorkerJob(kafka, tmp_path, "anew")
    anew = CliRunner().invoke(main, arguments, env=environment)
    assert anew.exit_code == 2
    assert "was made anew" in anew.output
    other = tmp_path / "other"
    command = [sys.executable, "-m", "streams", "archive", str(other)]
    with subprocess.Popen(command, env=environment) as running:
        until_s = time.monotonic() + 30
        while not (other / "positions.json").is_file() and time.monotonic() < until_s:
            time.sleep(0.1)
        second = CliRunner().invoke(main, ["archive", str(other), "--once"], env=environment)
        running.terminate()
        assert running.wait(30) == 0
    assert second.exit_code == 2
    assert "another process archives into" in second.output
