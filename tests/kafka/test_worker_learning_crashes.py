"""K1 while the models learn: one decision for each trigger, and each can be made again.

Which model decided hangs on when its snapshot arrived, so there is no reference for the choices.
Which triggers there are does not, and each choice follows from its log record and the snapshot
that the record names.
"""

import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from streams import topics
from streams.contracts.internal.learning import ModelSnapshot
from streams.contracts.internal.learning_records import decode_snapshot
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer
from streams.decisions import compile_policy, redecide
from streams.models import initial_models, with_snapshot
from streams.models.response import ResponseModel
from streams.models.uplift import UpliftModel
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.expected import Expected
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import Process, WorkerJob

CUSTOMERS, EVENTS, KILLS = 200, 20_000, 3
SEED = int(os.environ.get("LEARNING_SEED", "20260105"))


def models_by_version(job: WorkerJob) -> tuple[dict[str, ResponseModel], dict[str, UpliftModel]]:
    """Every response and uplift model that was ever published; a version is one content.

    Nothing is compacted away in a test: the active segment never is.
    """
    start = initial_models()
    models = {start.response.version: start.response}
    uplifts = {start.uplift.version: start.uplift}
    contents: dict[str, bytes] = {}
    for (_, value), times in job.said(topics.MODEL_SNAPSHOTS).items():
        snapshot = decode_snapshot(value)
        assert isinstance(snapshot, ModelSnapshot)
        assert times == 1, f"{snapshot.version} was published {times} times"
        assert contents.setdefault(snapshot.version, value) == value
        if snapshot.model == "response":
            models[snapshot.version] = with_snapshot(start, snapshot).response
        elif snapshot.model == "uplift":
            uplifts[snapshot.version] = with_snapshot(start, snapshot).uplift
    return models, uplifts


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_killed_while_learning(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Worker and learner are killed in turn: no trigger without, or with two, decisions."""
    print(f"LEARNING_SEED={SEED}")
    before = list(consents(CUSTOMERS))
    after = [*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)]
    expected = Expected([*before, *after]).said[topics.DECISION_LOG.name]
    wanted = Counter(decoded(value).decision_id for _, value in expected)

    learner = LearnerSettings(snapshot_every_examples=50)
    job = WorkerJob(kafka, tmp_path, "k1-learning", learner=learner, batch_records_max=50)
    job.publish(reference())
    processes = {"worker": job.start(), "learner": job.start(role="learner")}
    job.wait_for(job.send(before), processes["worker"])
    total = len(before) + job.send(after)
    work_through_kills(job, processes, total)

    models, uplifts = models_by_version(job)
    entries = [decoded(value) for _, value in job.said(topics.DECISION_LOG).elements()]
    assert Counter(entry.decision_id for entry in entries) == wanted
    versions = Counter(entry.model.version for entry in entries)
    print(f"{len(entries)} decisions by {len(versions)} of {len(models)} models")
    assert len(versions) > 2
    policy = compile_policy(reference())
    for entry in entries:
        assert entry.uplift is not None
        uplift = uplifts[entry.uplift.version]
        again = redecide(entry, models[entry.model.version], policy, uplift)
        assert msgspec.json.encode(again) == msgspec.json.encode(entry)
    offered = Counter(e.decision_id for e in entries if e.chosen_offer_id is not None)
    sent = (
        msgspec.json.decode(value, type=NextBestOffer).decision_id
        for _, value in job.said(topics.NEXT_BEST_OFFERS).elements()
    )
    assert Counter(sent) == offered


def work_through_kills(job: WorkerJob, processes: dict[str, Process], total: int) -> None:
    """To the end of the input, with a kill of worker and learner after each part of it."""
    for n in range(KILLS):
        reached = job.progress()
        job.wait_for(reached + (total - reached) // (KILLS - n + 1), processes["worker"])
        for role in ("worker", "learner"):
            processes[role].kill9()
            processes[role] = job.start(role=role)
    assert job.progress() < total, "the last kill came after the work was done"
    job.wait_for(total, processes["worker"])
    assert [process.stop() for process in processes.values()] == [0, 0]


def decoded(value: bytes) -> DecisionLog:
    """A record of `decision-log`."""
    return msgspec.json.decode(value, type=DecisionLog)
