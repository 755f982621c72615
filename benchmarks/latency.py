"""Event in to offer out: from the producer's send to a `read_committed` reader's receipt.

The moment of sending stands in the event's id, which every offer names as its trigger.
"""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition

from benchmarks.broker import broker
from benchmarks.events import consents
from benchmarks.install import ROOT
from benchmarks.measure import Child, running, wait_for
from benchmarks.results import Run
from benchmarks.shop import PARTITIONS, Shop
from streams import topics
from tests.support.apache_kafka import ApacheKafka

RATE_PER_S = 1_000
PRESENT = 2_000
# A visitor's views: the fewer, the more of the events lead to an offer.
LOADS = {20: "visits of 20 views", 4: "visits of 4 views"}
WARM_S = 60
SEED = 7
OFFERS_MIN = 100
PATIENCE_S = 120.0


class _Trigger(msgspec.Struct):
    event_id: str


class _Offer(msgspec.Struct):
    trigger: _Trigger


def measure(seconds: int, rounds: int, say: Callable[[str], None]) -> Iterator[Run]:
    """A worker on core 1 at 1,000 events a second, producer and reader with the broker on 0."""
    with tempfile.TemporaryDirectory(prefix="bench-latency-") as home:
        for round_ in range(1, rounds + 1):
            for views, load in LOADS.items():
                waits = _one(Path(home) / f"{views}-{round_}", seconds, views)
                if len(waits) < OFFERS_MIN:
                    raise RuntimeError(f"only {len(waits)} offers came: nothing to measure")
                p50, p90, p99 = (float(np.percentile(waits, q)) for q in (50, 90, 99))
                say(f"round {round_}, {load}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
                numbers = {"p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": max(waits)}
                per_s = len(waits) / seconds
                yield Run("latency", load, round_, {**numbers, "offers_per_s": per_s})


def _one(at: Path, seconds: int, views: int) -> list[float]:
    with ExitStack() as stack:
        kafka = stack.enter_context(broker())
        shop = Shop(kafka, at)
        customers = PRESENT + RATE_PER_S * (seconds + WARM_S) // views + 1
        shop.send(topics.PROFILE, consents(customers))
        worker = stack.enter_context(running(shop.worker()))
        wait_for(worker, shop.progress(topics.PROFILE), customers)
        pace = [sys.executable, "-m", "benchmarks.pace", kafka.bootstrap, topics.CLICKSTREAM.name]
        numbers = [str(n) for n in (RATE_PER_S, seconds + WARM_S, PRESENT, views, SEED)]
        sender = Child(
            [*pace, *numbers], at / "pace.log", environment={"PYTHONPATH": str(ROOT)}, core=0
        )
        stack.enter_context(running(sender))
        return list(_waits(kafka, worker, seconds + WARM_S))


def _waits(kafka: ApacheKafka, worker: Child, seconds: int) -> Iterator[float]:
    """Milliseconds from send to receipt, of the offers to events after the warming."""
    reader = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": f"latency-{uuid.uuid4()}",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    name, decode = topics.NEXT_BEST_OFFERS.name, msgspec.json.Decoder(_Offer).decode
    reader.assign([TopicPartition(name, p, 0) for p in range(PARTITIONS)])
    first_ns, end_s = 0, time.monotonic() + seconds + PATIENCE_S
    while time.monotonic() < end_s:
        message = reader.poll(0.5)
        now_ns = time.time_ns()
        worker.check()
        if message is None or message.error() is not None:
            if first_ns and now_ns - first_ns > seconds * 1e9:
                break
            continue
        event_id = decode(message.value() or b"").trigger.event_id
        sent_ns = int(event_id.rpartition("-")[2])
        first_ns = first_ns or sent_ns
        if sent_ns - first_ns > WARM_S * 1e9:
            yield (now_ns - sent_ns) / 1e6
    reader.close()
