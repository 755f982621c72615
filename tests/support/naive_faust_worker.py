"""The negative control: the counter as stock Faust does it, in a process of its own.

Nothing of the runtime is in it: a `faust.App` with a RocksDB table. Rows are written to RocksDB
before their changelog record is acknowledged, and offsets are committed apart. The tests of the
runtime are worth something because this worker fails them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import faust


def build_app(arguments: dict[str, Any]) -> faust.App:
    """Count and sum per key, and say so, as `counter_worker` does."""
    settings = arguments["settings"]
    app = faust.App(
        settings["application_id"],
        broker=f"kafka://{settings['bootstrap']}",
        store="rocksdb://?driver=rocksdict",
        datadir=Path(settings["data_dir"]),
        web_enabled=False,
        topic_partitions=4,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings["session_timeout_s"],
        broker_heartbeat_interval=settings["heartbeat_s"],
    )
    source = app.topic(*settings["source_topics"], key_type=str, value_type=int)
    said = app.topic(arguments["output_topic"], key_type=str, value_type=bytes)
    counts = app.Table(settings["table"], key_type=str, partitions=4)

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def count(stream: faust.StreamT) -> None:
        handled = 0
        async for key, n in stream.items():
            before, total = counts.get(key) or (0, 0)
            counts[key] = (before + 1, total + n)
            await said.send(key=key, value=f"{key}:{before + 1}:{total + n}".encode())
            handled += 1
            if handled % 100 == 0:
                print(f"HANDLED {handled}", flush=True)

    return app


def main(arguments: dict[str, Any]) -> None:
    """One worker process, as `faust worker` runs it."""
    build_app(arguments).Worker(loglevel="WARN", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
