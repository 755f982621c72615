"""The learner's state, offset and snapshots are one transaction: kill -9 changes none of them."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.internal.learning import LearningExample, key_of
from streams.contracts.internal.learning_records import encode_example, encode_snapshot
from streams.contracts.outputs.effects import OutcomeLabeled
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models, may_serve
from streams.models.trainer import Trainer
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import WorkerJob, wait_until

RULES = InputRules(now_ms=4_102_444_800_000)
EVERY = 20


def real_examples() -> list[LearningExample]:
    """The labels that a day in the small shop makes."""
    driver = Driver(compile_policy(reference()), initial_models())
    examples = []
    for topic, _, value in (*consents(60), *visits(4_000, 60, 3), *closing(60, 4_000)):
        effects = driver.feed(topic, value, RULES)
        assert not isinstance(effects, Rejected)
        examples += [e.example for e in effects if isinstance(e, OutcomeLabeled)]
    return examples


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_killed_learner_learns_everything_once(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Snapshots and final state are those of a trainer that was never interrupted."""
    examples = real_examples()
    assert len(examples) > 10 * EVERY
    trainer = Trainer(EVERY)
    snapshots = [s for e in examples if (s := trainer.learn(e)) is not None]
    learner = LearnerSettings(snapshot_every_examples=EVERY)
    job = WorkerJob(kafka, tmp_path, "learning", learner=learner, batch_records_max=40)
    name = topics.LEARNING_EXAMPLES.on_broker("learning")

    def learned() -> int:
        return max(0, kafka.committed("learning-learner", name, partitions=1)[0])

    process = job.start(role="learner")
    sent = 0
    for part in (examples[:100], examples[100:200], examples[200:]):
        sent += job.send((name, e.model.encode(), encode_example(e)) for e in part)
        before = learned()
        wait_until(lambda before=before: learned() > before, process, 60)  # type: ignore[misc]
        process.kill9()
        process = job.start(role="learner")
    wait_until(lambda: learned() >= sent, process, 60)
    # The one before may have learned everything: this one must be up before it is told to stop.
    wait_until(lambda: process.log().count("partition 0 is open") == 4, process, 60)
    assert process.stop() == 0, process.tail()

    want = Counter((key_of(s, serves=may_serve(s)), encode_snapshot(s)) for s in snapshots)
    assert job.said(topics.MODEL_SNAPSHOTS) == want
    changelog = kafka.read_all(topics.LEARNERS_CHANGELOG.on_broker("learning"))
    states = {m.key().decode(): msgspec.json.decode(m.value())["state"] for m in changelog}
    wanted = msgspec.json.decode(msgspec.json.encode(trainer.dump()))
    assert states == {model: wanted[model] for model in states}
    assert "response" in states
