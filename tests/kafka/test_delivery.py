"""Webhooks from Apache Kafka to real HTTP servers: none lost, in order, and a dead one alone."""

import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from streams import topics
from streams.cli import main
from streams.delivery.parking import failure_of
from tests.support.apache_kafka import ROOT, ApacheKafka
from tests.support.delivery_job import DeliveryJob, alert, alerts, destination
from tests.support.memory import rss_bytes
from tests.support.receiver import SECRET, Got, Receiver, Reply
from tests.support.worker_job import WorkerJob, wait_until

pytestmark = pytest.mark.kafka
CUSTOMERS = 20
OFFER = ROOT / "schemas/examples/next_best_offer/valid/app_banner.json"
LONG_S = 3_600.0


@pytest.fixture
def job(kafka: ApacheKafka, tmp_path: Path) -> WorkerJob:
    """Topics that are there and empty."""
    return WorkerJob(kafka, tmp_path, "delivery")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes everything."""
    with Receiver() as made:
        yield made


def parked(kafka: ApacheKafka) -> list[Any]:
    """The facts of every parked record."""
    found = kafka.read_all(topics.DELIVERY_FAILURES.name)
    return [failure_of(m.headers() or []) for m in found if "os_redriven" not in dict(m.headers())]


def delete(kafka: ApacheKafka, number: int, before: int) -> None:
    """Kafka deletes the alerts of a partition before an offset, as retention does."""
    low = kafka.delete_before(topics.CHURN_ALERTS.name, number, before)
    assert low == before or before < 0


def numbers_by_customer(got: list[Got]) -> dict[str, list[int]]:
    """The numbers of the first requests of each webhook, in the order in which they came."""
    numbers: dict[str, list[int]] = {}
    for event in {one.webhook_id: one.event for one in got}.values():
        numbers.setdefault(event["subject"], []).append(event["data"]["number"])
    return numbers


def test_a_record_arrives_signed_once_and_in_its_customers_order(
    job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """The official library verifies each; the body is a CloudEvent with the record in `data`."""
    job.send(alerts(200, CUSTOMERS))
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    got = receiver.wait_for(200)
    time.sleep(0.5)
    assert len({one.webhook_id for one in receiver.got}) == len(receiver.got) == 200
    event = got[0].verified()
    assert event["specversion"] == "1.0"
    assert event["type"] == "churn_alert.v1"
    assert event["id"] == event["data"]["alert_id"]
    for one in got:
        assert one.verified() == one.event
    for numbers in numbers_by_customer(got).values():
        assert numbers == sorted(numbers)
    done = 'offerstream_delivery_records_total{destination="crm",fate="delivered"}'
    assert delivery.metric(done) == 200
    lag = 'offerstream_delivery_lag_records{destination="crm"}'
    wait_until(lambda: delivery.metric(lag) == 0, delivery.process, 60)
    assert delivery.metric('offerstream_delivery_oldest_waiting_seconds{destination="crm"}') == 0
    assert delivery.process.stop() == 0


def test_what_is_refused_is_parked_and_driven_again_with_the_same_id(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """422 is for this record alone: the next of the customer goes on; redrive sends it once."""
    mended: list[bool] = []

    def answer(got: Got) -> Reply:
        return Reply(422) if got.event["data"]["number"] == 3 and not mended else Reply(200)

    receiver.answer = answer
    job.send(alerts(8, 2))
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    receiver.wait_for(8)
    wait_until(lambda: len(parked(kafka)) == 1, delivery.process, 30)
    (failure,) = parked(kafka)
    assert (failure.destination, failure.reason, failure.status) == ("crm", "refused", 422)
    assert (failure.source_topic, failure.attempts) == ("churn-alerts", 1)
    listed = CliRunner().invoke(main, ["deliver", "failures"], env=delivery.environment)
    assert "1  crm  refused" in listed.output
    mended.append(True)
    command = ["deliver", "redrive", "--destination", "crm"]
    first, second = (CliRunner().invoke(main, command, env=delivery.environment) for _ in "ab")
    assert ("driven again: 1" in first.output, "driven again: 0" in second.output) == (True, True)
    got = receiver.wait_for(9)
    third = [one for one in got if one.event["data"]["number"] == 3]
    assert [one.webhook_id for one in third] == [failure.webhook_id] * 2
    assert third[1].body == third[0].body
    time.sleep(0.5)
    assert len(receiver.got) == 9
    assert delivery.process.stop() == 0


def test_a_failing_destination_is_tried_again_and_its_wish_to_wait_is_obeyed(
    job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """503 twice, then 429 with Retry-After 1: the next request comes a second later, all arrive."""
    replies = [Reply(503), Reply(503), Reply(429, (("Retry-After", "1"),))]

    def answer(_: Got) -> Reply:
        return replies.pop(0) if replies else Reply(204)

    receiver.answer = answer
    job.send(alerts(3, 1))
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    got = receiver.wait_for(6)
    assert [one.event["data"]["number"] for one in got] == [0, 0, 0, 0, 1, 2]
    assert len({one.webhook_id for one in got[:4]}) == 1
    assert [one.headers["offerstream-attempt"] for one in got[:4]] == ["1", "2", "3", "4"]
    assert got[3].at_s - got[2].at_s >= 1.0
    assert delivery.process.stop() == 0


def test_gone_stops_the_destination_alone_and_loses_nothing(
    job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """410: no further request; the other destination goes on; started anew it gets all of it."""
    with Receiver(lambda _: Reply(410)) as gone:
        wanted = {"gone": destination(gone.url), "crm": destination(receiver.url)}
        job.send(alerts(40, 4))
        delivery = DeliveryJob(job, tmp_path, wanted)
        receiver.wait_for(40)
        series = 'offerstream_delivery_stopped{destination="gone"}'
        wait_until(lambda: delivery.metric(series) == 1, delivery.process, 20)
        count = len(gone.got)
        assert count <= 4
        job.send([alert(99, "c-0")])
        receiver.wait_for(41)
        assert len(gone.got) == count
        assert delivery.process.stop() == 0
        gone.answer = lambda _: Reply(204)
        delivery.process = delivery.start()
        gone.wait_for(count + 41)
        assert len({one.webhook_id for one in gone.got}) == 41
        assert delivery.process.stop() == 0


def test_what_became_of_an_offer_is_told_and_a_filter_sends_less(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """Delivered and failed are events of the offers' decisions, before the position moves on."""
    example = json.loads(OFFER.read_text())
    decisions = {f"d_{n}": f"c-{n}" for n in range(6)}
    now = datetime.now(UTC)
    times = {"decided_at": now, "deliver_not_before": now, "valid_until": now + timedelta(hours=1)}
    offers = [
        {**example, **{name: at.isoformat() for name, at in times.items()}, **more}
        for more in ({"decision_id": d, "customer_id": c} for d, c in decisions.items())
    ]
    name = topics.NEXT_BEST_OFFERS.name
    job.send(
        (
            name,
            one["customer_id"].encode(),
            json.dumps(one).encode(),
            [("ce_id", one["decision_id"].encode())],
        )
        for one in offers
    )
    job.send(alerts(5, 5))
    wanted = destination(
        receiver.url,
        topics=[name, "churn-alerts"],
        filter='topic == "next-best-offers" && data.customer_id != "c-5"',
        template="task",
        reports_delivery=True,
    )
    receiver.answer = lambda got: Reply(
        422 if json.loads(got.body)["customer_id"] == "c-4" else 200
    )
    delivery = DeliveryJob(job, tmp_path, {"crm": wanted})
    receiver.wait_for(5)

    def told() -> dict[str, str]:
        found = kafka.read_all(topics.OFFER_FEEDBACK.name)
        events = [json.loads(message.value() or b"") for message in found]
        assert len({event["event_id"] for event in events}) == len(events)
        return {event["decision_id"]: event["event_name"] for event in events}

    wait_until(lambda: len(told()) == 5, delivery.process, 30)
    assert told() == {f"d_{n}": "offer_delivered" for n in range(4)} | {"d_4": "delivery_failed"}
    assert [failure.reason for failure in parked(kafka)] == ["refused"]
    time.sleep(0.5)
    assert {json.loads(got.body)["customer_id"] for got in receiver.got} == {
        f"c-{n}" for n in range(5)
    }
    log = delivery.process.log()
    assert not [secret for secret in (SECRET, "c-4", "d_4") if secret in log]
    assert delivery.process.stop() == 0


def test_a_hanging_destination_slows_nobody(
    job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """One that accepts and never answers: the other gets all within moments of its being there."""
    with Receiver(lambda _: Reply(after_s=LONG_S)) as hanging:
        wanted = {
            "hanging": destination(hanging.url, timeout_s=60),
            "crm": destination(receiver.url),
        }
        delivery = DeliveryJob(job, tmp_path, wanted)
        job.send([alert(0, "c-0")])
        hanging.wait_for(1)
        for number in range(1, 30):
            sent_s = time.monotonic()
            job.send([alert(number, f"c-{number % 3}")])
            receiver.wait_for(number + 1, timeout_s=10)
            assert receiver.got[-1].at_s - sent_s < 5.0
        assert len(hanging.got) <= 4
        age = 'offerstream_delivery_oldest_waiting_seconds{destination="%s"}'
        wait_until(lambda: delivery.metric(age % "crm") == 0, delivery.process, 20)
        assert delivery.metric(age % "hanging") > 1
        assert delivery.process.stop() == 0


def test_what_cannot_be_delivered_is_parked_with_its_reason(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """Tried for as long as it may be, too old, and a template that fails: each for its own."""
    (tmp_path / "own.j2").write_text("{{ data.no_such_field | tojson }}")
    receiver.answer = lambda _: Reply(500)
    wanted = {
        "failing": destination(receiver.url, retry={"first_s": 0.1, "longest_s": 0.1, "for_s": 1}),
        "late": destination(receiver.url, max_age_s=0.001),
        "shapeless": destination(receiver.url, template="own.j2"),
    }
    job.send([alert(0, "c-0")])
    time.sleep(0.1)
    delivery = DeliveryJob(job, tmp_path, wanted)
    wait_until(lambda: len(parked(kafka)) == 3, delivery.process, 60)
    found = {one.destination: (one.reason, one.status, one.attempts > 1) for one in parked(kafka)}
    assert found == {
        "failing": ("gave_up", 500, True),
        "late": ("too_old", 0, False),
        "shapeless": ("bad_template", 0, False),
    }
    assert len({one.webhook_id for one in parked(kafka)}) == 1
    assert delivery.process.stop() == 0


@pytest.mark.timeout(300)
def test_a_backlog_for_a_dead_destination_takes_no_memory(
    job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """60,000 records of 2 KiB wait in Kafka, not in the process; all come when it is back."""
    count, padding = 60_000, [("x-padding", b"x" * 2_048)]
    down = threading.Event()
    receiver.answer = lambda _: Reply(204 if down.is_set() else 503)
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url, concurrency=16)})
    before = rss_bytes(delivery.process.pid)
    records = (alert(number, f"c-{number % 5_000}") for number in range(count))
    job.send((topic, key, value, [*headers, *padding]) for topic, key, value, headers in records)
    waiting = 'offerstream_delivery_waiting{destination="crm"}'
    wait_until(lambda: delivery.metric(waiting) >= 1_000, delivery.process, 60)
    time.sleep(10)
    assert delivery.metric(waiting) <= 1_200  # the bound, and one more batch
    assert rss_bytes(delivery.process.pid) - before < 80 * 2**20
    down.set()
    receiver.wait_for(len(receiver.got) + 2_000, 120)
    assert rss_bytes(delivery.process.pid) - before < 80 * 2**20
    assert delivery.process.stop() == 0


@pytest.mark.timeout(300)
def test_a_broker_that_is_killed_and_comes_back_costs_no_webhook(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """It is not ready meanwhile, ends nothing, and goes on by itself."""
    if kafka.foreign:
        pytest.skip("the broker is not ours to kill")
    receiver.answer = lambda _: Reply(204, after_s=0.02)
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    job.send(alerts(1_500, CUSTOMERS))
    receiver.wait_for(200)
    kafka.kill9()
    time.sleep(5)
    delivery.process.assert_running()
    kafka.start()
    numbers = range(1_500)
    wait_until(
        lambda: {one.event["data"]["number"] for one in list(receiver.got)} == set(numbers),
        delivery.process,
        120,
    )
    assert len({one.webhook_id for one in receiver.got}) == 1_500
    assert delivery.process.stop() == 0


def test_what_kafka_deleted_before_it_was_delivered_is_told(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """Stopped for longer than the topic keeps records: the log says how many, and it goes on."""
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    job.send(alert(number, "c-1") for number in range(10))
    receiver.wait_for(10)
    assert delivery.process.stop() == 0
    job.send(alert(number, "c-1") for number in range(10, 30))
    (number,) = [n for n, end in enumerate(kafka.end_offsets(topics.CHURN_ALERTS.name)) if end]
    delete(kafka, number, 25)
    delivery.process = delivery.start()
    receiver.wait_for(15)
    told = {one.event["data"]["number"] for one in receiver.got}
    assert told == {*range(10), *range(25, 30)}
    (line,) = [one for one in delivery.log.read_text().splitlines() if "deleted_before_it" in one]
    said = json.loads(line)
    assert (said["destination"], said["partition"], said["n"]) == ("crm", number, 15)
    assert delivery.process.stop() == 0


def test_what_kafka_deletes_while_it_waits_to_be_delivered_is_told_at_once(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """Overtaken while it runs: the log and a metric say how many, without a new start."""
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    job.send(alert(number, "c-1") for number in range(10))
    receiver.wait_for(10)
    (number,) = [n for n, end in enumerate(kafka.end_offsets(topics.CHURN_ALERTS.name)) if end]
    delivery.process.signal(signal.SIGSTOP)
    job.send(alert(number, "c-1") for number in range(10, 13))  # a request may wait for these
    time.sleep(1.0)
    job.send(alert(number, "c-1") for number in range(13, 40))
    delete(kafka, number, 35)
    delivery.process.signal(signal.SIGCONT)
    wait_until(
        lambda: any(o.event["data"]["number"] == 39 for o in receiver.got), delivery.process, 60
    )
    (line,) = [one for one in delivery.log.read_text().splitlines() if "deleted_before_it" in one]
    lost = json.loads(line)["n"]
    told = {one.event["data"]["number"] for one in receiver.got}
    assert told == {*range(35 - lost), *range(35, 40)}
    assert 35 - lost < 35
    deleted = 'offerstream_delivery_deleted_total{destination="crm"}'
    wait_until(lambda: delivery.metric(deleted) == lost, delivery.process, 30)
    job.send([alert(40, "c-1")])
    wait_until(
        lambda: any(o.event["data"]["number"] == 40 for o in receiver.got), delivery.process, 30
    )
    assert delivery.process.stop() == 0


def test_an_emptied_partition_is_no_loss_and_a_loss_is_told_once(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """The end of a transaction goes with what it ended; what is lost is not told at each start."""
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "transactional.id": "alerts",
            "partitioner": "murmur2_random",
            "log_level": 2,
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for topic, key, value, headers in (alert(number, "c-1") for number in range(3)):
        producer.produce(topic, value, key, headers=headers)
    producer.commit_transaction(30)
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url)})
    receiver.wait_for(3)
    assert delivery.process.stop() == 0
    (number,) = [n for n, end in enumerate(kafka.end_offsets(topics.CHURN_ALERTS.name)) if end]

    def said(what: str) -> list[int]:
        lines = delivery.log.read_text().splitlines()
        return [json.loads(line)["n"] for line in lines if what in line]

    delete(kafka, number, -1)
    delivery.process = delivery.start()
    wait_until(lambda: said("ends_of_transactions_deleted") == [1], delivery.process, 30)
    time.sleep(2.5)  # it commits every second
    assert delivery.process.stop() == 0
    job.send(alert(number, "c-1") for number in range(3, 23))
    delete(kafka, number, -1)
    delivery.process = delivery.start()
    wait_until(lambda: said("deleted_before_it") == [20], delivery.process, 30)
    time.sleep(2.5)
    for again in range(2):
        assert delivery.process.stop() == 0
        delivery.process = delivery.start()
        time.sleep(5.0)  # a group takes a moment
        assert said("deleted_before_it") == [20], again
    job.send([alert(25, "c-1")])
    receiver.wait_for(4)
    assert said("ends_of_transactions_deleted") == [1]
    assert delivery.process.stop() == 0


@pytest.mark.timeout(300)
def test_killed_under_load_no_webhook_is_lost(
    kafka: ApacheKafka, job: WorkerJob, receiver: Receiver, tmp_path: Path
) -> None:
    """Kill -9 again and again, beside a second process: all arrive, doubles under the same id."""
    seed = 16
    draw = random.Random(seed)
    print(f"seed {seed}")
    receiver.answer = lambda _: Reply(500 if draw.random() < 0.05 else 204)
    count = 3_000
    delivery = DeliveryJob(job, tmp_path, {"crm": destination(receiver.url, concurrency=8)})
    other = delivery.start()
    for share in range(4):
        job.send(alert(n, f"c-{n % CUSTOMERS}") for n in range(share, count, 4))
        time.sleep(draw.uniform(0.5, 2.0))
        delivery.process.kill9()
        delivery.process = delivery.start()

    def arrived() -> set[int]:
        return {one.event["data"]["number"] for one in list(receiver.got)}

    wait_until(lambda: len(arrived()) == count, delivery.process, 120)
    ids: dict[str, set[bytes]] = {}
    for one in receiver.got:
        ids.setdefault(one.webhook_id, set()).add(one.body)
    assert len(ids) == count
    assert Counter(len(bodies) for bodies in ids.values()) == {1: count}
    assert parked(kafka) == []
    assert delivery.process.stop() == 0
    assert other.stop() == 0
