"""What the partitions of a process share."""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from streams.runtime.commit.failpoint import Failpoint
from streams.runtime.commit.turns import Turns
from streams.runtime.epoch import Batch
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import Shell
from streams.runtime.state.store import StoreOptions

R = TypeVar("R")
Deliver = Callable[[Batch, Callable[[Batch], None]], Awaitable[None]]
CommitOffsets = Callable[[int, Mapping[str, int]], None]


class PartitionContext(Struct, Generic[R], frozen=True):
    """What all partitions of a process share; `commit_offsets` serves plain commits only.

    `confirm_membership` asks the group's coordinator whether this process still is a member.
    `turns` are for commits of urgent epochs, `executor` for everything that blocks.
    `deliver` hands a batch to the Faust agent and returns when it has been handled.
    `fail` is told what must end the process.
    """

    settings: RuntimeSettings
    shell: Shell[R]
    stores: StoreOptions
    failpoint: Failpoint
    commit_offsets: CommitOffsets
    confirm_membership: Callable[[], Awaitable[bool]]
    turns: Turns
    executor: Executor
    deliver: Deliver
    fail: Callable[[BaseException], None]

    def store_path(self, partition: int) -> Path:
        """Where the rows of a partition are, whoever owns it now."""
        return self.settings.data_dir / self.settings.table / str(partition)
