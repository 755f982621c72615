"""The learner's shell knows what its rows know: after a drop it learns again, and counts once."""

import json

import pytest

from streams import topics
from streams.contracts.internal.learning import LearningExample
from streams.contracts.internal.learning_records import encode_example
from streams.models import LEARNERS
from streams.runtime.records import Record
from streams.settings import LearnerSettings, Settings
from streams.telemetry import catalogue as metrics
from streams.worker.learner import LearnerRow, LearnerShell
from streams.worker.meter import Meter
from tests.support.one_partition import OnePartition

SETTINGS = Settings(learner=LearnerSettings(snapshot_every_examples=3))
TOPIC = topics.LEARNING_EXAMPLES.on_broker(SETTINGS.application_id)
RESPONSE = LEARNERS["response"]


Partition = OnePartition[LearnerRow]


def learned(partition: Partition) -> dict[str, object]:
    """The state of the response model, as it is stored."""
    state: dict[str, object] = json.loads(partition.stored[b"response"])
    return state


def record(n: int) -> Record:
    """The nth example."""
    example = LearningExample(
        example_id=f"x-{n}",
        model="response",
        observed_at_ms=n,
        label=float(n % 2),
        features={"recency": 0.1 * n},
    )
    return Record(TOPIC, 0, n, 0, b"response", encode_example(example), ())


def opened() -> tuple[LearnerShell, Partition, Meter]:
    """A learner that knows nothing yet."""
    meter = Meter()
    shell = LearnerShell(SETTINGS, meter)
    shell.on_restored(0, 0)
    return shell, OnePartition(shell), meter


def learn(shell: LearnerShell, partition: Partition, first: int, end: int) -> None:
    """One batch."""
    shell.on_records(partition, [record(n) for n in range(first, end)])


@pytest.mark.parametrize("again", [2, 4, 8])
def test_what_was_dropped_is_learned_again_and_counted_once(again: int) -> None:
    """State, snapshots and counters are those of a learner that nothing happened to.

    After the drop the batches are cut otherwise: `again` records come first.
    """
    quiet, wanted, counted = opened()
    learn(quiet, wanted, 0, 4)
    wanted.commit()
    learn(quiet, wanted, 4, 10)
    wanted.commit()
    shell, partition, meter = opened()
    learn(shell, partition, 0, 4)
    partition.commit()
    learn(shell, partition, 4, 7)
    learn(shell, partition, 7, 9)
    partition.drop()
    learn(shell, partition, 4, min(4 + again, 10))
    learn(shell, partition, min(4 + again, 10), 10)
    partition.commit()
    assert learned(partition) == learned(wanted)
    assert partition.outputs == wanted.outputs
    assert len(partition.outputs) == 3
    for metric in (metrics.EXAMPLES, metrics.SNAPSHOTS_PUBLISHED):
        assert meter.values_of(metric) == counted.values_of(metric)


def test_a_partition_that_somebody_else_had_is_learned_from_its_rows() -> None:
    """Opened anew, the shell forgets what it knew: another learner may have gone on."""
    shell, partition, _ = opened()
    other, moved, _ = opened()
    learn(shell, partition, 0, 4)
    partition.commit()
    learn(other, moved, 0, 6)
    moved.commit()
    shell.on_restored(0, 0)
    learn(shell, moved, 6, 8)
    moved.commit()
    wanted_shell, wanted, _ = opened()
    learn(wanted_shell, wanted, 0, 8)
    wanted.commit()
    # `moved` encodes by its own shell: rows are bytes between the two.
    assert learned(moved) == learned(wanted)


@pytest.mark.parametrize("model", ["churn", "calibration", "capacity", "tracks"])
def test_an_example_that_lacks_a_feature_is_a_dead_letter(model: str) -> None:
    """An older version wrote it, say: a place and a reason, and the learner goes on."""
    shell, partition, _ = opened()
    example = LearningExample(
        example_id="x-old",
        model=model,
        observed_at_ms=0,
        label=1.0,
        features={"purchase": 2.0} if model == "tracks" else {},
    )
    old = Record(TOPIC, 0, 0, 0, model.encode(), encode_example(example), ())
    shell.on_records(partition, [old])
    learn(shell, partition, 0, 4)
    partition.commit()
    (letter,) = (o for o in partition.outputs if o.topic.endswith("dead-letters"))
    told = dict(letter.headers)
    assert told["os_reason"] == b"missing_field"
    assert told["os_path"].startswith(b"$.features.")
    quiet, wanted, _ = opened()
    learn(quiet, wanted, 0, 4)
    wanted.commit()
    assert learned(partition) == learned(wanted)
