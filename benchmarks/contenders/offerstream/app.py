"""`python -m ... BOOTSTRAP DATA_DIR GROUP INPUT OUTPUT CHANGELOG SETTINGS`: the runtime's shell.

SETTINGS is JSON: what differs from the runtime's defaults. `"collect_seldom": false` gives Python's
cycle collector its own defaults back.
"""

import gc
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders.struct_rows import (
    Row,
    answer,
    decode_row,
    decode_view,
    encode_row,
    new_row,
    viewed,
)
from streams.runtime.process.app import Runtime, build_runtime
from streams.runtime.process.run import run
from streams.runtime.records import Output, Record
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import EpochStats, Partition


class StateShell:
    """One row a customer, updated by every view; every twentieth view is answered."""

    def __init__(self, output: str) -> None:
        self._output = output

    def encode_row(self, row: Row) -> bytes:
        """MessagePack with field names."""
        return encode_row(row)

    def decode_row(self, data: bytes) -> Row:
        """A row of `encode_row`'s bytes."""
        return decode_row(data)

    def due_at_ms(self, row: Row) -> None:
        """Never."""

    def now_ms(self, partition: int) -> int:
        """No timers."""
        return 0

    def on_records(self, partition: Partition[Row], records: Sequence[Record]) -> None:
        """Decode, update, answer."""
        get, put = partition.get, partition.put
        for record in records:
            view = decode_view(record.value or b"")
            key = view.customer_id.encode()
            row = get(key)
            if row is None:
                row = new_row(view)
            viewed(row, view)
            put(key, row)
            if view.asks:
                partition.emit(Output(self._output, key, answer(row, view)))

    def on_due(self, partition: Partition[Row], now_ms: int) -> None:
        """Never."""

    def on_restored(self, partition: int, rows: int) -> None:
        """The log tells."""

    def on_committed(self, stats: EpochStats) -> None:
        """Progress is read from the group's offsets."""

    def on_dropped(self, partition: int) -> None:
        """Nothing is kept beside the rows."""


def main(
    bootstrap: str,
    data_dir: str,
    group: str,
    source: str,
    output: str,
    changelog: str,
    differs: str,
) -> int:
    """The runtime's own defaults, but for what `differs`."""
    others: dict[str, Any] = json.loads(differs)
    seldom = others.pop("collect_seldom", True)
    settings = RuntimeSettings(
        application_id=group,
        bootstrap=bootstrap,
        source_topics=(source,),
        changelog_topic=changelog,
        table="customers",
        data_dir=Path(data_dir),
        **others,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    runtime = build_runtime(settings, StateShell(output))
    return run(runtime, on_started=None if seldom else collect_often)


async def collect_often(_: Runtime[Row]) -> None:
    """As Python does where nobody says otherwise."""
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
