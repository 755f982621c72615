"""`python -m benchmarks.contenders.loop.app BOOTSTRAP DATA_DIR GROUP INPUT OUTPUT CHANGELOG`.

The ceiling of Python: consume, update, and once a second write the changed rows to the changelog
and to RocksDB, then commit the offsets. No transaction, no take-over, no restore, no timers.
"""

import gc
import sys
import time
from typing import Any

from confluent_kafka import Consumer, Producer
from rocksdict import Options, Rdict, WriteBatch

from benchmarks.contenders.struct_rows import (
    Row,
    answer,
    decode_row,
    decode_view,
    encode_row,
    new_row,
    viewed,
)

COMMIT_S = 1.0


def main(
    bootstrap: str, data_dir: str, group: str, source: str, output: str, changelog: str
) -> None:
    """Run until killed."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)  # as offerstream's own runtime
    common: dict[str, Any] = {"bootstrap.servers": bootstrap}
    consumer = Consumer(
        {
            **common,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 5,
        }
    )
    producer = Producer(
        {**common, "linger.ms": 5, "compression.type": "lz4", "batch.size": 1_000_000,
         "queue.buffering.max.messages": 1_000_000, "partitioner": "murmur2_random",
         "enable.idempotence": True}
    )  # fmt: skip
    consumer.subscribe([source])
    store = Rdict(data_dir, Options(raw_mode=True))
    rows: dict[bytes, Row] = {}
    while True:
        changed, answers = gather(consumer, store, rows)
        batch = WriteBatch(raw_mode=True)
        for key in changed:
            data = encode_row(rows[key])
            producer.produce(changelog, data, key)
            batch.put(key, data)
        for key, value in answers:
            producer.produce(output, value, key)
        producer.flush()
        store.write(batch)
        if changed:
            consumer.commit(asynchronous=False)


def gather(
    consumer: Consumer, store: Rdict, rows: dict[bytes, Row]
) -> tuple[set[bytes], list[tuple[bytes, bytes]]]:
    """A second's worth of events: the keys that changed, and what is to be answered."""
    changed: set[bytes] = set()
    answers: list[tuple[bytes, bytes]] = []
    end_s = time.monotonic() + COMMIT_S
    while time.monotonic() < end_s:
        for message in consumer.consume(2_000, 0.05):
            view = decode_view(message.value() or b"")
            key = view.customer_id.encode()
            row = rows.get(key)
            if row is None:
                data = store.get(key)
                row = rows[key] = new_row(view) if data is None else decode_row(data)
            viewed(row, view)
            changed.add(key)
            if view.asks:
                answers.append((key, answer(row, view)))
    return changed, answers


if __name__ == "__main__":
    main(*sys.argv[1:])
