"""The state pipeline's work without Kafka or a store: `python -m benchmarks.work_alone`.

What no runtime in Python can be quicker than: an event is decoded, its customer's row too, updated
and encoded again, and kept as bytes in a dict. Prints one measurement as JSON; the first 15 % of
the events are not counted, as for the contenders.
"""

import json
import sys
import time

from benchmarks.contenders.struct_rows import (
    answer,
    decode_row,
    decode_view,
    encode_row,
    new_row,
    viewed,
)
from benchmarks.workload import views
from streams.runtime.process.run import collect_seldom


def main(events: int, customers: int, seed: int) -> None:
    """Do the work of all events and print events, wall and CPU seconds of those that count."""
    values = [value for _, value in views(events, customers, seed)]
    rows: dict[str, bytes] = {}
    answers: list[bytes] = []
    warm = int(events * 0.15)
    collect_seldom()
    work(values[:warm], rows, answers)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work(values[warm:], rows, answers)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    print(json.dumps({"events": events - warm, "wall_s": wall_s, "cpu_s": cpu_s}))


def work(values: list[bytes], rows: dict[str, bytes], answers: list[bytes]) -> None:
    """Decode, update, encode, answer."""
    for value in values:
        view = decode_view(value)
        data = rows.get(view.customer_id)
        row = new_row(view) if data is None else decode_row(data)
        viewed(row, view)
        rows[view.customer_id] = encode_row(row)
        if view.asks:
            answers.append(answer(row, view))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
