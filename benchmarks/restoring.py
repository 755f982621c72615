"""`python -m benchmarks.restoring BOOTSTRAP CHANGELOG DATA_DIR`: one restore.

Restores every partition of a changelog into an empty store, all at once and with garbage collected
as seldom as in a worker, and prints rows, wall and CPU seconds as JSON.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streams.runtime.process.run import collect_seldom
from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.restore import Restorer
from streams.runtime.state.store import RowStore, StoreOptions

PARTITIONS = 4


def main(bootstrap: str, changelog: str, data_dir: str) -> None:
    """Restore and say how long it took."""
    settings = RuntimeSettings(
        application_id="restoring",
        bootstrap=bootstrap,
        source_topics=(),
        changelog_topic=changelog,
        table="rows",
        data_dir=Path(data_dir),
    )
    options = StoreOptions(settings.block_cache_bytes, settings.write_buffer_bytes)

    def restored(partition: int) -> int:
        store = RowStore(Path(data_dir) / str(partition), options)
        rows = Restorer(settings, partition, lambda: False).restore(store).rows
        store.close()
        return rows

    collect_seldom()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(PARTITIONS) as threads:
        rows = sum(threads.map(restored, range(PARTITIONS)))
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    print(json.dumps({"rows": rows, "wall_s": wall_s, "cpu_s": cpu_s}))


if __name__ == "__main__":
    main(*sys.argv[1:])
