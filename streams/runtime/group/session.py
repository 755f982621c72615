"""Everything that one opening of a partition holds; dropped as a whole on any fault."""

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from streams.runtime.commit.committer import Committer
from streams.runtime.commit.failpoint import Failpoint
from streams.runtime.commit.transactions import Ending, PlainCommits, Transactions
from streams.runtime.commit.turns import Turns
from streams.runtime.epoch import Epoch
from streams.runtime.group.fetch import Fetcher
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import Shell
from streams.runtime.state.restore import Restored, Restorer
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import RowStore, StoreOptions

R = TypeVar("R")
CommitOffsets = Callable[[int, Mapping[str, int]], None]


class Means(Struct, Generic[R], frozen=True):
    """What all partitions of a process share; `commit_offsets` serves plain commits only.

    `confirm_membership` asks the group's coordinator whether this process still is a member.
    `turns` are for commits of urgent epochs.
    """

    settings: RuntimeSettings
    shell: Shell[R]
    stores: StoreOptions
    failpoint: Failpoint
    commit_offsets: CommitOffsets
    confirm_membership: Callable[[], Awaitable[bool]]
    turns: Turns

    def store_path(self, partition: int) -> Path:
        """Where the rows of a partition are, whoever owns it now."""
        return self.settings.data_dir / self.settings.table / str(partition)


class Session(Generic[R]):
    """A partition from take-over to close. `open` and `close` block: call them in a thread.

    `doing` is the step that `open` is at, `progressed_s` when (monotonic) it last got on with it.
    """

    def __init__(self, means: Means[R], partition: int, cancelled: Callable[[], bool]) -> None:
        self._means = means
        self._partition = partition
        self._cancelled = cancelled
        self._store: RowStore | None = None
        self._fetcher: Fetcher | None = None
        self._ending: Ending | None = None
        self.doing = "waiting for a thread"
        self.progressed_s = time.monotonic()

    def open(self) -> Restored:
        """Fence, and only then read offsets and changelog, restore, seek.

        Raises:
            EpochError, FencedError, BrokerError, StoreError, OperatorError.
        """
        settings = self._means.settings
        self._begin("fencing the owner before")
        self._fetcher = fetcher = Fetcher(settings, self._partition)
        self._ending = ending = self._new_ending(fetcher)
        ending.open()
        self._begin("opening the local store")
        self.store = self._store = store = RowStore(
            self._means.store_path(self._partition), self._means.stores
        )
        self._begin("restoring")
        restorer = Restorer(settings, self._partition, self._is_cancelled)
        restored = restorer.restore(store)
        self._begin("reading the committed offsets")
        self.rows = Rows(store, self._means.shell, settings.cached_rows_max)
        self.rows.open = Epoch(fetcher.start())
        self.fetch = fetcher.fetch
        self.commit = Committer[R](
            settings, self._partition, ending, store, self._means.failpoint
        ).commit
        return restored

    def close(self) -> None:
        """Give up what is open and release everything; safe after a failed `open`, and twice."""
        if self._ending is not None:
            self._ending.close()
        if self._fetcher is not None:
            self._fetcher.close()
        if self._store is not None:
            self._store.close()
        self._ending = self._fetcher = self._store = None

    def _begin(self, step: str) -> None:
        self.doing, self.progressed_s = step, time.monotonic()

    def _is_cancelled(self) -> bool:
        """Asked before each batch of a restore: that is its progress."""
        self.progressed_s = time.monotonic()
        return self._cancelled()

    def _new_ending(self, fetcher: Fetcher) -> Ending:
        settings, partition = self._means.settings, self._partition
        if settings.transactional:
            return Transactions(settings, partition, fetcher.consumer)
        commit_offsets = self._means.commit_offsets
        return PlainCommits(settings, partition, lambda moved: commit_offsets(partition, moved))
