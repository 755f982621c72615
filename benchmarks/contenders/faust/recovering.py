"""`python -m ... BOOTSTRAP DATA_DIR`: how long the idiomatic app restores its table."""

import json
import os
import sys
import time
from typing import Any

from benchmarks.contenders.faust.app import build_app


def main(bootstrap: str, data_dir: str) -> None:
    """Run until the table has been restored; print rows, wall and CPU seconds as JSON."""
    app = build_app(bootstrap, data_dir, "faust", "faust-in", "faust-out")
    customers = app.tables["customers"]
    began: list[float] = []

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(sender: Any, assigned: Any, **_: Any) -> None:
        began[:] = [time.perf_counter(), time.process_time()]

    @customers.on_recover
    async def recovered() -> None:
        wall_s, cpu_s = time.perf_counter() - began[0], time.process_time() - began[1]
        rows = len(customers)
        done = json.dumps({"rows": rows, "wall_s": wall_s, "cpu_s": cpu_s})
        os.write(1, f"\n{done}\n".encode())  # Faust redirects what is printed
        os._exit(0)

    sys.argv[1:] = ["worker", "-l", "warn"]
    app.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
