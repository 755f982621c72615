"""The end of an epoch: one transaction, then one write to the store. Runs in a thread.

`begin -> changelog records, outputs -> send_offsets_to_transaction -> commit -> WriteBatch`.
Whatever fails before the commit is answered by dropping the epoch; a crash after it by a restore.
"""

from itertools import chain
from typing import Generic, TypeVar

from confluent_kafka import Message

from streams.runtime.commit.failpoint import Failpoint
from streams.runtime.commit.transactions import CommitProtocol
from streams.runtime.epoch import Epoch
from streams.runtime.records import Output, RowChange, due_headers
from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.store import RowStore

R = TypeVar("R")
# Less than the client sends in one request (`batch.size`), with what a record has around it.
_AT_ONCE_BYTES, _AROUND_BYTES = 950_000, 64


class Committer(Generic[R]):
    """Ends epochs of one partition, one at a time, in whatever thread it is called."""

    def __init__(
        self,
        settings: RuntimeSettings,
        partition: int,
        protocol: CommitProtocol,
        store: RowStore,
        failpoint: Failpoint,
    ) -> None:
        self._changelog = settings.changelog_topic
        self._partition = partition
        self._protocol = protocol
        self._store = store
        self._failpoint = failpoint
        self._position = store.position() or 0

    def commit(self, epoch: Epoch[R]) -> None:
        """Make the sealed epoch durable, then write it to the store.

        Raises:
            EpochError, FencedError, BrokerError, StoreError.
        """
        self._failpoint("before_begin")
        self._protocol.begin()
        self._failpoint("after_begin")
        self._send(epoch)
        self._failpoint("after_produce")
        self._protocol.send_offsets(epoch.moved)
        self._failpoint("after_send_offsets")
        self._failpoint("before_commit")
        self._protocol.commit()
        self._failpoint("after_commit")
        self._failpoint("before_write_batch")
        if epoch.changes:
            self._store.write(epoch.changes, self._position)
        self._failpoint("after_write_batch")

    def _send(self, epoch: Epoch[R]) -> None:
        """All records; the last one of the changelog tells where the changelog will stand."""
        last, at_once = len(epoch.changes) - 1, 0
        for n, output in enumerate(chain(map(self._changed, epoch.changes), epoch.outputs)):
            size = len(output.key or b"") + len(output.value or b"") + _AROUND_BYTES
            if at_once + size > _AT_ONCE_BYTES:
                self._protocol.deliver()
                at_once = 0
            at_once += size
            self._protocol.send(output, self._on_last_row if n == last else None)

    def _changed(self, change: RowChange) -> Output:
        headers = due_headers(change.due_ms)
        return Output(self._changelog, change.key, change.data, headers, self._partition)

    def _on_last_row(self, error: object, message: Message) -> None:
        offset = message.offset()
        if error is None and offset is not None:
            self._position = offset + 1
