"""Everything that one opening of a partition holds; dropped as a whole on any fault."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from streams.runtime.commit.committer import Committer
from streams.runtime.commit.transactions import CommitProtocol, PlainCommits, Transactions
from streams.runtime.epoch import Epoch
from streams.runtime.group.context import PartitionContext
from streams.runtime.group.fetch import Fetcher
from streams.runtime.state.restore import Restored, Restorer
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import RowStore

R = TypeVar("R")


class Session(Generic[R]):
    """A partition from take-over to close. `open` and `close` block: call them in a thread.

    `doing` is the step that `open` is at, `progressed_s` when (monotonic) it last got on with it.
    """

    def __init__(
        self, context: PartitionContext[R], partition: int, cancelled: Callable[[], bool]
    ) -> None:
        self._context = context
        self._partition = partition
        self._cancelled = cancelled
        self._store: RowStore | None = None
        self._fetcher: Fetcher | None = None
        self._protocol: CommitProtocol | None = None
        self.doing = "waiting for a thread"
        self.progressed_s = time.monotonic()

    def open(self) -> Restored:
        """Fence, and only then read offsets and changelog, restore, seek.

        Raises:
            EpochError, FencedError, BrokerError, StoreError, OperatorError.
        """
        settings = self._context.settings
        self._begin("fencing the owner before")
        self._fetcher = fetcher = Fetcher(settings, self._partition)
        self._protocol = protocol = self._new_protocol(fetcher)
        protocol.open()
        self._begin("opening the local store")
        self.store = self._store = store = RowStore(
            self._context.store_path(self._partition), self._context.stores
        )
        self._begin("restoring")
        restorer = Restorer(settings, self._partition, self._is_cancelled)
        restored = restorer.restore(store)
        self._begin("reading the committed offsets")
        self.rows = Rows(store, self._context.shell, settings.cached_rows_max)
        self.rows.open = Epoch(fetcher.start())
        self.fetch = fetcher.fetch
        self.commit = Committer[R](
            settings, self._partition, protocol, store, self._context.failpoint
        ).commit
        return restored

    def close(self) -> None:
        """Give up what is open and release everything; safe after a failed `open`, and twice."""
        if self._protocol is not None:
            self._protocol.close()
        if self._fetcher is not None:
            self._fetcher.close()
        if self._store is not None:
            self._store.close()
        self._protocol = self._fetcher = self._store = None

    def _begin(self, step: str) -> None:
        self.doing, self.progressed_s = step, time.monotonic()

    def _is_cancelled(self) -> bool:
        """Asked before each batch of a restore: that is its progress."""
        self.progressed_s = time.monotonic()
        return self._cancelled()

    def _new_protocol(self, fetcher: Fetcher) -> CommitProtocol:
        settings, partition = self._context.settings, self._partition
        if settings.transactional:
            return Transactions(settings, partition, fetcher.consumer)
        commit_offsets = self._context.commit_offsets
        return PlainCommits(settings, partition, lambda moved: commit_offsets(partition, moved))
