"""A budget is kept over all partitions: never more than there is, and in the end all of it.

Four partitions, two workers, a treasury; many more people than money. What was reserved is added up
from the committed offers alone. A money that stands still would be easy to keep: so the end of each
test asks that all of it went out.
"""

import sys
import time
from collections import Counter
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from streams import topics
from streams.admin.auditing import ANY_LEAP_MS, read_reference, read_topics
from streams.admin.budgets import budgets
from streams.audit import audit, in_one_line
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer
from streams.runtime.commit.failpoint import STEPS
from streams.settings import LearnerSettings, child_environment
from tests.support.apache_kafka import ApacheKafka
from tests.support.feeding import Feed
from tests.support.scarce_shop import DISCOUNT, OFFER_ID, agreed, opens, scarce, uses
from tests.support.worker_job import Process, WorkerJob, wait_until

PEOPLE, COUPONS = 8_000, 1_000
PER_SECOND = 15
DAY_MINUTES = 1_440.0

pytestmark = pytest.mark.kafka


def job_of(kafka: ApacheKafka, home: Path, name: str) -> WorkerJob:
    """A shop with frozen models."""
    frozen = LearnerSettings(learn=False)
    return WorkerJob(kafka, home, name, learner=frozen, batch_records_max=50, epoch_ms=50)


def reserved(job: WorkerJob) -> dict[str, Decimal]:
    """What was reserved for each offer that went out, by its person; no decision went out twice."""
    said = job.said(topics.NEXT_BEST_OFFERS)
    found: dict[str, Decimal] = {}
    ids: Counter[str] = Counter()
    for (_, value), times in said.items():
        offer = msgspec.json.decode(value, type=NextBestOffer)
        money = offer.constraints.budget_reserved
        assert money is not None, "an offer with a budget says what was reserved"
        assert offer.customer_id not in found, "one offer a person"
        found[offer.customer_id] = Decimal(money.amount)
        ids[offer.decision_id] += times
    assert set(ids.values()) <= {1}
    return found


def dying(job: WorkerJob, role: str, slot: int, step: str, nth: int) -> Process:
    """The process of a slot, which will kill itself at a step of its nth commit."""
    settings = replace(job.settings, data_dir=str(job.home / "data"))
    marker = job.home / f"died-{role}-{step}"
    module = ["-m", "tests.support.dying_slot"]
    command = [sys.executable, *module, role, str(slot), step, str(nth), str(marker)]
    return Process(command, child_environment(settings), job.home / f"{role}-{slot}.log")


def audited(job: WorkerJob) -> None:
    """The auditor, which shares no code with what it audits, finds nothing, and looked."""
    read = read_topics(job.settings)
    data = read_reference(job.settings)
    report = audit(read.inputs, read.outputs, data, leap_max_ms=ANY_LEAP_MS, ordered=False)
    print(in_one_line(report))
    assert {v.rule for v in report.violations} == set(), report.violations[:3]
    assert {t.rule: t.checked for t in report.tallies}["budget"] == report.outputs["offer"] > 0


def withheld(job: WorkerJob) -> int:
    """How many decisions found no money."""
    entries = job.said(topics.DECISION_LOG)
    told = (msgspec.json.decode(value, type=DecisionLog) for _, value in entries)
    return sum(any(c.why_not == "budget" for c in entry.offers) for entry in told)


@pytest.mark.timeout(900)
def test_through_kills_and_rebalances_never_above_and_in_the_end_all_of_it(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Worker and treasury die at every step of a commit, while a second worker comes and goes."""
    job = job_of(kafka, tmp_path, "scarce")
    job.publish(scarce(COUPONS))
    treasury, worker, other = job.start(2, "treasury"), job.start(0), job.start(1)
    job.wait_for(job.send(agreed(PEOPLE)), worker)
    people = opens(PEOPLE)
    feed = Feed(job.send, people, PER_SECOND)
    most = COUPONS * Decimal(str(DISCOUNT))
    sums = []
    for number, step in enumerate(STEPS):
        treasury.kill9()
        worker.kill9()
        treasury = dying(job, "treasury", 2, step, 2)
        worker = dying(job, "worker", 0, step, 4)
        if number % 2:
            assert other.stop() == 0, other.tail()
            other = job.start(1)
        worker.wait(90)
        worker = job.start(0)
        sums.append(sum(reserved(job).values()))
        assert sums[-1] <= most
    sent = len(feed.stop())
    treasury.kill9()
    treasury = job.start(2, "treasury")
    print(f"after each step: {[str(s) for s in sums]}; {sent} people had come")
    died = sorted(path.name for path in tmp_path.glob("died-*"))
    assert len([name for name in died if name.startswith("died-worker")]) == len(STEPS)
    print(f"died amid a commit: {died}")

    until = time.monotonic() + 120
    while sum(reserved(job).values()) < most:
        assert time.monotonic() < until, (sum(reserved(job).values()), budgets(job.settings))
        more = list(islice(people, 100))
        assert more, "people are gone, and money is left"
        sent += job.send(more)
        job.wait_for(PEOPLE + sent, worker)
    for _ in range(3):  # and still not more
        sent += job.send(islice(people, 100))
    job.wait_for(PEOPLE + sent, worker)
    assert [p.stop() for p in (worker, other, treasury)] == [0, 0, 0]
    assert sum(reserved(job).values()) == most
    assert len(reserved(job)) == COUPONS
    assert withheld(job) > 100
    audited(job)


@pytest.mark.timeout(400)
def test_money_of_uses_stays_and_that_of_unused_coupons_comes_back(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Of 80 coupons 30 are used, at less than was reserved; weeks later the rest is there again."""
    coupons, used, cost = 80, 30, 3.0
    job = job_of(kafka, tmp_path, "comes-back")
    job.publish(scarce(coupons))
    treasury, worker = job.start(1, "treasury"), job.start(0)
    total = job.send(agreed(2_000))
    job.wait_for(total, worker)
    total += job.send(opens(600))
    job.wait_for(total, worker)
    people = opens(2_000)
    list(islice(people, 600))

    def go_on(wanted: int) -> dict[str, Decimal]:
        nonlocal total
        until = time.monotonic() + 90
        while len(found := reserved(job)) < wanted:
            assert time.monotonic() < until, (len(found), wanted, budgets(job.settings))
            total += job.send(islice(people, 40))
            job.wait_for(total, worker)
        return found

    first = go_on(coupons)
    assert len(first) == coupons
    minute = DAY_MINUTES
    total += job.send(uses(sorted(first)[:used], minute, cost))
    job.wait_for(total, worker)
    people = opens(2_000, from_minute=40 * DAY_MINUTES)
    list(islice(people, 1_000))
    # 30 uses at 3 leave 310 of 400: 62 coupons more.
    left = (coupons * DISCOUNT - used * cost) / DISCOUNT
    second = go_on(coupons + int(left))
    total += job.send(islice(people, 100))
    job.wait_for(total, worker)
    assert len(reserved(job)) == len(second) == coupons + int(left)
    told = budgets(job.settings)[OFFER_ID]
    wait_until(lambda: budgets(job.settings)[OFFER_ID].used == "90.00", treasury, 60)
    assert told.overdrawn == "0.00"
    assert [p.stop() for p in (worker, treasury)] == [0, 0]
    audited(job)
