"""L1, L2: the real worker for an hour at half of what it can do, and at three times as much.

Everything happens now and timers run on processing time, as in production; `make soak`. What the
worker can do is measured first, so the load fits the machine.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.inputs.rules import Rejected
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import Trigger
from streams.contracts.reference.structs import Reference
from streams.customer import Customer, Row
from streams.customer.codec import decode_row
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.expected import RULES
from tests.support.live_shop import Feed, Plan, every, live_reference
from tests.support.memory import Samples, peak_rss_bytes
from tests.support.small_shop import Sent, consents
from tests.support.worker_job import Process, WorkerJob

pytestmark = [pytest.mark.kafka, pytest.mark.soak]
SEED = int(os.environ.get("LOAD_SEED", "20261126"))
L1_SECONDS = float(os.environ.get("L1_SECONDS", "3600"))
L2_SECONDS = float(os.environ.get("L2_SECONDS", "300"))
FROZEN = LearnerSettings(learn=False)
CALIBRATION_EVENTS = 60_000
L1_PRESENT, L1_STAYS, L1_CACHED_ROWS_MAX = 2_000, 20, 2_000
# Of so many customers the worker has too much to do while it is calibrated: whatever a backlog
# takes (queues, large epochs) it has taken before the hour begins.
L1_CALIBRATED = 20_000
# Calibration knows no timers; an abandoned cart a visitor and deadlines make it half of the work.
L1_SHARE, L1_REMIND_AFTER_MS = 0.25, 60_000
L1_BEHIND_S_MAX = 30.0
# What half an hour of samples can tell from noise: 10 MiB up or down are 500 MiB a day.
L1_GROWTH_BYTES_A_DAY_MAX = 1 << 30
L2_CUSTOMERS, L2_VALID_FOR_MS = 20_000, 15_000
# From the decision to the record: the rest of a batch, and a commit.
L2_SLACK_S = 10.0


def at_work(
    kafka: ApacheKafka, home: Path, name: str, shop: Reference, customers: int, **settings: object
) -> tuple[WorkerJob, Process]:
    """A worker on processing time that knows what `customers` have agreed to."""
    job = WorkerJob(kafka, home, name, clock="processing_time", learner=FROZEN, **settings)
    job.publish(shop)
    worker = job.start()
    job.wait_for(job.send(consents(customers)), worker)
    return job, worker


def calibrate(job: WorkerJob, worker: Process, customers: int) -> tuple[float, Plan]:
    """Events a second that the worker does when there are always more, and what was sent."""
    before = job.progress()
    rate = CALIBRATION_EVENTS / 10
    plan = Plan(time.time() - 10, rate, customers, None, SEED + 1, "calibration")
    job.send(islice(plan.visits(), CALIBRATION_EVENTS))
    job.wait_for(before + CALIBRATION_EVENTS // 5, worker)
    began_s, first = time.monotonic(), job.progress()
    job.wait_for(before + CALIBRATION_EVENTS, worker)
    return (job.progress() - first) / (time.monotonic() - began_s), plan


@pytest.mark.timeout(14_400)
def test_l1_memory_is_flat_at_half_load(kafka: ApacheKafka, tmp_path: Path) -> None:
    """2,000 customers at a time, each for about 20 events, then others: rows come without end.

    The cache of 2,000 rows a partition is full before the second quarter; only the store grows.
    Carts are spoken of a minute after they were left, so that timers come as often from the first
    quarter on as in the last.
    """
    shop = live_reference(
        valid_for_ms=60_000,
        rearm_ms=60_000,
        open_for_days=0.002,
        remind_after_ms=L1_REMIND_AFTER_MS,
    )
    job, worker = at_work(
        kafka, tmp_path, "l1", shop, L1_CALIBRATED, cached_rows_max=L1_CACHED_ROWS_MAX
    )
    can_per_s, _ = calibrate(job, worker, L1_CALIBRATED)
    per_second = can_per_s * L1_SHARE
    print(f"LOAD_SEED={SEED} L1_SECONDS={L1_SECONDS:.0f}: {per_second:.0f} of {can_per_s:.0f}/s")
    coming = L1_PRESENT + int(L1_SECONDS * per_second / L1_STAYS) + 1
    job.wait_for(job.progress() + job.send(consents(coming)), worker, 600)
    done = job.progress()
    begin_s, cpu_s = time.time(), worker.cpu_s
    feed = Feed(kafka.bootstrap, Plan(begin_s, per_second, L1_PRESENT, L1_STAYS, SEED))
    samples, offers = Samples(worker.pid), list[int]()

    def look() -> None:
        worker.assert_running()
        samples.take()
        offers.append(sum(kafka.end_offsets(topics.NEXT_BEST_OFFERS.name)))

    every(5.0, begin_s + L1_SECONDS, look)
    busy = (worker.cpu_s - cpu_s) / L1_SECONDS
    sent = feed.stop()
    behind_s = (done + sent - job.progress()) / per_second
    job.wait_for(done + sent, worker)
    assert worker.stop() == 0, worker.tail()
    quarters = samples.quarter_maxima()
    slope = samples.bytes_a_day(0.5)
    emitted = np.diff([offers[n] for n in np.linspace(0, len(offers) - 1, 9).astype(int)])
    print(
        f"{sent} events, {coming} customers, feed at most {feed.behind_s_max:.1f} s behind; worker "
        f"busy for {busy:.0%} of a core, {behind_s:.1f} s behind at the end; RSS by "
        f"quarter {[f'{q / 2**20:.1f}' for q in quarters]} MiB, last half {slope / 2**20:+.1f} "
        f"MiB/day; offers by eighth {emitted.tolist()}"
    )
    assert emitted.min() > 0, "no offers for an eighth of the time"
    assert behind_s <= L1_BEHIND_S_MAX, "that was more than it can do, and not half of it"
    assert quarters[3] <= 1.05 * quarters[1]
    assert slope <= L1_GROWTH_BYTES_A_DAY_MAX


@pytest.mark.timeout(7_200)
def test_l2_three_times_too_much_is_caught_up_and_no_stale_offer_is_said(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Lag grows, then drains; every trigger has one decision, every row what happened to it."""
    shop = live_reference(valid_for_ms=L2_VALID_FOR_MS, rearm_ms=30_000, open_for_days=0.002)
    job, worker = at_work(kafka, tmp_path, "l2", shop, L2_CUSTOMERS)
    can_per_s, before = calibrate(job, worker, L2_CUSTOMERS)
    print(f"LOAD_SEED={SEED} L2_SECONDS={L2_SECONDS:.0f}: 3 times {can_per_s:.0f}/s")
    done, begin_s = job.progress(), time.time()
    plan = Plan(begin_s, 3 * can_per_s, L2_CUSTOMERS, None, SEED)
    feed, lags = Feed(kafka.bootstrap, plan), list[int]()
    every(2.0, begin_s + L2_SECONDS, lambda: lags.append(feed.sent + done - job.progress()))
    sent = feed.stop()
    lags.append(sent + done - job.progress())
    job.wait_for(done + sent, worker)
    drained_s = time.time() - begin_s - L2_SECONDS
    decisions = Decisions(kafka)
    counted = sum(
        float(n)
        for n in re.findall(r'decisions_total\{[^}]*verdict="stale"\} (\S+)', worker.metrics())
    )
    print(
        f"{sent} events ({sent / L2_SECONDS:.0f}/s), lag {lags[len(lags) // 2]} at half time, "
        f"{lags[-1]} at the end, drained {drained_s:.0f} s later; verdicts "
        f"{dict(decisions.verdicts)}; peak RSS {peak_rss_bytes(worker.pid) / 2**20:.0f} MiB"
    )
    assert worker.stop() == 0, worker.tail()
    assert lags[-1] > lags[len(lags) // 2] > can_per_s
    assert lags[-1] > sent / 3
    assert decisions.verdicts["stale"] == counted > 0
    late_s = latest_offer_s(kafka)
    print(f"the latest offer was said {late_s:+.1f} s after its end")
    assert late_s < L2_SLACK_S
    reference = Driver(compile_policy(shop), initial_models())
    visits = chain(islice(before.visits(), CALIBRATION_EVENTS), islice(plan.visits(), sent))
    assert_nothing_is_lost(job, reference, chain(consents(L2_CUSTOMERS), visits), decisions)


class Decisions:
    """What the log holds of decisions: verdicts, and how often each answers something that came."""

    def __init__(self, kafka: ApacheKafka) -> None:
        self.verdicts: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        for message in kafka.read_each(topics.DECISION_LOG.name):
            entry = msgspec.json.decode(message.value() or b"", type=LoggedDecision)
            self.verdicts[entry.verdict] += 1
            self.ids[entry.decision_id] += not by_timer(entry.trigger.kind)


class LoggedDecision(msgspec.Struct):
    """The fields of an entry that are looked at here."""

    decision_id: str
    verdict: str
    trigger: Trigger


class SaidOffer(msgspec.Struct):
    """The field of an offer that is looked at here."""

    valid_until: datetime


def by_timer(kind: str) -> bool:
    """When such a decision comes depends on processing time."""
    return kind == "cart_abandoned"


def latest_offer_s(kafka: ApacheKafka) -> float:
    """The greatest time from an offer's end to its record's own time; negative: all were good."""
    latest = -float("inf")
    for message in kafka.read_each(topics.NEXT_BEST_OFFERS.name):
        ends_s = msgspec.json.decode(message.value() or b"", type=SaidOffer).valid_until.timestamp()
        latest = max(latest, message.timestamp()[1] / 1000 - ends_s)
    return latest


def assert_nothing_is_lost(
    job: WorkerJob, reference: Driver, sent: Iterable[Sent], decisions: Decisions
) -> None:
    """One decision for each trigger of one pure pass, and its rows, but for what was offered."""
    asked: Counter[str] = Counter()
    for topic, _, value in sent:
        effects = reference.feed(topic, value, RULES)
        assert not isinstance(effects, Rejected)
        for effect in effects:
            if isinstance(effect, DecisionLogged) and not by_timer(effect.entry.trigger.kind):
                asked[effect.entry.decision_id] += 1
    missing, double = asked - decisions.ids, decisions.ids - asked
    assert (missing.total(), double.total()) == (0, 0)
    assert job.said(topics.DEAD_LETTERS) == Counter()
    rows = {key.decode(): decode_row(data) for key, data in job.rows().items()}
    assert rows.keys() == reference.rows.keys()
    wrong = [key for key, row in rows.items() if lived(row) != lived(reference.rows[key])]
    assert wrong == []
    print(f"{asked.total()} triggers, {len(rows)} rows: 0 missing, 0 double, 0 wrong")


def lived(row: Row) -> Row:
    """A row without what depends on processing time: offers made or withheld, and their timers."""
    assert isinstance(row, Customer)
    return replace(row, contacts=(), open_decisions=(), reminders=(), fired=())
