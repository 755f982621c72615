"""The learner's shell: labelled examples in order, the models' state, snapshots; one transaction.

A model's state is a row of the table `learners`; its changelog, the offset that was learned up to
and the snapshots that it led to are committed together. The live trainer is kept from batch to
batch; when a partition is opened, or an epoch dropped, it is loaded from the rows anew.
"""

from collections.abc import Sequence

import msgspec
import structlog
from msgspec import Struct

from streams import topics
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning import LearningExample, key_of
from streams.contracts.internal.learning_records import decode_example, encode_snapshot
from streams.contracts.unreadable import UNREADABLE
from streams.errors import ExampleError, StateError
from streams.models import may_serve
from streams.models.pool import Tuning
from streams.models.trainer import LEARNERS, Trainer
from streams.runtime.records import Output, Record
from streams.runtime.shell import EpochStats, Partition
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.worker.customers import processing_time_ms
from streams.worker.ledger import Ledger
from streams.worker.letters import dead_letter
from streams.worker.meter import Meter

log = structlog.get_logger()

STATE_VERSION = 1
_ENCODER = msgspec.json.Encoder()


class LearnerRow(Struct, frozen=True, kw_only=True):
    """One learner's state after a batch, as JSON by name."""

    version: int
    state: msgspec.Raw


class LearnerShell:
    """What the runtime calls for `learning-examples`."""

    def __init__(self, settings: Settings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter
        self.created: dict[int, int] = {}
        self._ledger = Ledger(meter)
        self._trainers: dict[int, Trainer] = {}
        self._snapshots = settings.on_broker(topics.MODEL_SNAPSHOTS)

    def encode_row(self, row: LearnerRow) -> bytes:
        """The row as JSON."""
        return _ENCODER.encode(row)

    def decode_row(self, data: bytes) -> LearnerRow:
        """A stored row.

        Raises:
            StateError: a newer version wrote it, or it is damaged.
        """
        try:
            row = msgspec.json.decode(data, type=LearnerRow)
        except UNREADABLE as error:
            raise StateError("the learners' state cannot be read") from error
        if row.version > STATE_VERSION:
            raise StateError(f"a newer offerstream wrote the learners' state ({row.version})")
        return row

    def due_at_ms(self, row: LearnerRow) -> int | None:
        """Never: the learner waits for examples only."""
        return None

    def now_ms(self, partition: int) -> int:
        """Processing time."""
        return processing_time_ms()

    def on_records(self, partition: Partition[LearnerRow], records: Sequence[Record]) -> None:
        """Learn a batch in order; publish what is due for publishing."""
        trainer = self._trainer(partition)
        touched = {model for record in records for model in self._learn(partition, trainer, record)}
        dumped = trainer.dump()
        for model in sorted(touched):
            state = msgspec.Raw(_ENCODER.encode(dumped[model]))
            partition.put(model.encode(), LearnerRow(version=STATE_VERSION, state=state))

    def on_due(self, partition: Partition[LearnerRow], now_ms: int) -> None:
        """Nothing is ever due."""

    def on_restored(self, partition: int, rows: int) -> None:
        """Somebody else may have learned in between: the rows tell what is known."""
        self._ledger.opened(partition)
        self._trainers.pop(partition, None)

    def on_dropped(self, partition: int) -> None:
        """What was learned since the last commit is forgotten, and will be learned again."""
        self._ledger.dropped(partition)
        self._trainers.pop(partition, None)

    def on_committed(self, stats: EpochStats) -> None:
        """An epoch of the learner is durable."""
        self._ledger.committed(stats.partition, stats.epoch)
        self._meter.observe(metrics.COMMIT_DURATION, value=stats.commit_seconds)

    def _trainer(self, partition: Partition[LearnerRow]) -> Trainer:
        """What is known on the partition, the open epoch included."""
        trainer = self._trainers.get(partition.number)
        if trainer is None:
            rows = {model: partition.get(model.encode()) for model in LEARNERS}
            known = {
                m: msgspec.json.decode(row.state) for m, row in rows.items() if row is not None
            }
            learner = self._settings.learner
            tuning = Tuning(learner.challenger_half_lives, learner.challenger_variances)
            trainer = Trainer.load(
                known, learner.snapshot_every_examples, tuning if learner.challenger else None
            )
            self._trainers[partition.number] = trainer
        return trainer

    def _learn(
        self, partition: Partition[LearnerRow], trainer: Trainer, record: Record
    ) -> list[str]:
        """Learn one record; the models whose state it changed."""
        example = decode_example(record.value)
        if isinstance(example, Rejected):
            self._reject(partition, record, example)
            return []
        try:
            each = trainer.for_each(example)
            return [one.model for one in each if self._taught(partition, trainer, one)]
        except ExampleError as error:  # an older version wrote it, say
            path = f"$.features.{error.feature}"
            self._reject(partition, record, Rejected("missing_field", path, "is required"))
            return []

    def _taught(
        self, partition: Partition[LearnerRow], trainer: Trainer, example: LearningExample
    ) -> bool:
        """Whether a model's state has changed; its snapshot goes out where one is due.

        Raises:
            ExampleError: the example lacks a feature; nothing has changed.
        """
        trainee = trainer.trainees.get(example.model)
        before = 0 if trainee is None else trainee.examples
        snapshot = trainer.learn(example)
        learned = trainee is not None and trainee.examples > before
        account = self._ledger.account(partition)
        account.measure(metrics.EXAMPLES, example.model, "learned" if learned else "repeated")
        if snapshot is not None:
            key = key_of(snapshot, serves=may_serve(snapshot))
            output = Output(self._snapshots, key, encode_snapshot(snapshot))
            partition.emit(output, urgent=True)
            account.measure(metrics.SNAPSHOTS_PUBLISHED, snapshot.model)
        return learned

    def _reject(self, partition: Partition[LearnerRow], record: Record, rejected: Rejected) -> None:
        topic = topics.LEARNING_EXAMPLES.name
        partition.emit(dead_letter(record, topic, rejected, self._settings))
        self._ledger.account(partition).measure(metrics.EXAMPLES, "", "unreadable")
