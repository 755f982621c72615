"""Going back to an older snapshot, and promoting a challenger, under a worker that dies."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from streams import topics
from streams.cli import main
from streams.contracts.internal.learning import ModelSnapshot, key_of
from streams.contracts.internal.learning_records import encode_snapshot
from streams.contracts.outputs.payloads import DecisionLog
from streams.models import may_serve
from streams.models.pool import Tuning
from streams.models.trainer import Trainer
from streams.settings import LearnerSettings, child_environment
from tests.kafka.test_worker_learner import real_examples
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import consents, reference, visits
from tests.support.worker_job import WorkerJob, wait_until

CUSTOMERS, EVENTS, SEED, PARTS = 60, 2_000, 11, 5


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_rollback_survives_a_crash_and_each_decision_can_be_made_again(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Every decision names the snapshot that was asked for at its time, and follows from it."""
    print(f"SEED={SEED}")
    learner = LearnerSettings(challenger=True)
    job = WorkerJob(kafka, tmp_path, "back", learner=learner, batch_records_max=50)
    job.publish(reference())
    older, newer, rival = some_snapshots()
    name = job.settings.on_broker(topics.MODEL_SNAPSHOTS)
    job.send(
        (name, key_of(one, serves=may_serve(one)), encode_snapshot(one))
        for one in (older, newer, rival)
    )
    events = list(visits(EVENTS, CUSTOMERS, SEED))
    process = job.start()
    sent = job.send(consents(CUSTOMERS))
    job.wait_for(sent, process)

    def play(part: int) -> None:
        nonlocal sent
        sent += job.send(events[part * EVENTS // PARTS : (part + 1) * EVENTS // PARTS])
        job.wait_for(sent, process)

    play(0)
    assert newer.version in said(job, "list", "--model", "response").stdout
    back = said(job, "rollback", older.version, "--why", "a test", "--by", "ana")
    assert back.exit_code == 0, back.output
    wait_until(lambda: "model_rolled_back" in process.log(), process, 30)
    play(1)
    process.kill9()
    process = job.start()
    play(2)
    assert 'offerstream_model_held_back{by="rollback",model="response"} 1' in process.metrics()
    told = said(job, "show", "response").stdout
    assert f"ana: decide with {older.version}: a test" in told
    undone = said(job, "rollback", "--latest", "response", "--why", "done", "--by", "ben")
    assert undone.exit_code == 0, undone.output
    wait_until(lambda: "model_rollback_taken_back" in process.log(), process, 30)
    play(3)
    better = said(job, "promote", "--why", "it uses more", "--by", "ana")
    assert better.exit_code == 0, better.output
    wait_until(lambda: "challenger_promoted" in process.log(), process, 30)
    process.kill9()
    process = job.start()
    play(4)
    assert process.stop() == 0, process.tail()
    listed = said(job, "list").stdout
    assert "decides (promoted by ana)" in listed
    assert "is scored beside" in listed
    assert "the challenger: " in said(job, "show", "challenger").stdout

    decided = [newer, older, older, newer, rival]
    beside = [rival, rival, rival, rival, newer]
    pairs = zip(decided, beside, strict=True)
    assert versions_by_part(job) == [{(one.version, other.version)} for one, other in pairs]
    for version in (older.version, rival.version):
        one = next(e for e in entries(job) if e.model.version == version and e.challenger)
        again = CliRunner().invoke(
            main, ["redecide", one.decision_id], env=child_environment(job.settings)
        )
        assert again.exit_code == 0, again.output


def some_snapshots() -> tuple[ModelSnapshot, ModelSnapshot, ModelSnapshot]:
    """Of the labels of a day in the small shop.

    An older and a newer one of the response model, and the newest of a challenger.
    """
    trainer = Trainer(50, Tuning(half_lives=0.1, variances=3.0))
    learned = [
        trainer.learn(one)
        for e in real_examples()
        if e.model == "response"
        for one in trainer.for_each(e)
    ]
    good = [one for one in learned if one is not None and may_serve(one)]
    found = [one for one in good if one.model == "response"]
    assert all(a.examples < b.examples for a, b in pairwise(found))
    return found[0], found[-1], next(one for one in reversed(good) if one.model == "challenger")


def entries(job: WorkerJob) -> list[DecisionLog]:
    """Every record of the decision log."""
    said_ = job.said(topics.DECISION_LOG).elements()
    return [msgspec.json.decode(value, type=DecisionLog) for _, value in said_]


def versions_by_part(job: WorkerJob) -> list[set[tuple[str, str]]]:
    """The snapshots that decided on the events of each part, and that were scored beside them."""
    found: list[set[tuple[str, str]]] = [set() for _ in range(PARTS)]
    for entry in entries(job):
        kind, _, number = entry.trigger.event_id.partition("-")
        if kind == "visit" and entry.challenger is not None:
            versions = entry.model.version, entry.challenger.version
            found[int(number) * PARTS // EVENTS].add(versions)
    return found


def said(job: WorkerJob, *words: str) -> Result:
    """What `offerstream models` answers."""
    return CliRunner().invoke(main, ["models", *words], env=child_environment(job.settings))
