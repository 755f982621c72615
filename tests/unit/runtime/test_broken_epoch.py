"""An epoch one of whose batches could not be handled is never committed, whoever asks for it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime.epoch import Batch, Epoch
from streams.runtime.faults import StoreError
from streams.runtime.group.partition import PartitionLoop
from streams.runtime.records import Record
from tests.support.bare_runtime import bare_settings, undelivered


class DamagedShell:
    """A shell whose rows are on a damaged disk."""

    def on_records(self, partition: Any, records: list[Record]) -> None:
        """As reading a damaged block does."""
        raise StoreError("Corruption: block checksum mismatch")

    def on_committed(self, stats: Any) -> None:
        """Nothing to fold in."""

    def on_dropped(self, partition: int) -> None:
        """Nothing is kept beside the rows."""


def test_a_drain_does_not_commit_a_batch_that_failed(tmp_path: Any) -> None:
    """The batch's positions are in the epoch, its outputs are not: to commit would lose them."""
    committed: list[Epoch[Any]] = []
    settings = bare_settings(tmp_path)
    rows = SimpleNamespace(open=Epoch({"in": 5}), committing=None, settle=lambda _: None)
    context: Any = SimpleNamespace(
        settings=settings, shell=DamagedShell(), deliver=undelivered, fail=_unasked
    )
    batch = Batch(0, {"in": 5}, {"in": 6}, [Record("in", 0, 5, 0, None, b"1", ())])

    async def drain_after_a_failure_that_nobody_saw() -> None:
        with ThreadPoolExecutor(1) as executor:
            context.executor = executor
            loop = PartitionLoop[Any](0, 1, context)
            loop._session = SimpleNamespace(rows=rows, commit=committed.append)  # type: ignore[assignment]
            with pytest.raises(StoreError):
                loop._take(batch)
            with pytest.raises(StoreError):
                await loop._drain()

    asyncio.run(drain_after_a_failure_that_nobody_saw())
    assert committed == []


def _unasked(error: BaseException) -> None:
    raise AssertionError(error)
