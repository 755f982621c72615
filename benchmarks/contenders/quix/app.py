"""`python -m ...quix.app documented|tuned BOOTSTRAP DATA_DIR GROUP INPUT OUTPUT`.

`documented` is what the documents teach: JSON topics, `apply(stateful=True)`, dictionaries in the
state. `tuned` decodes with msgspec, keeps bytes in the state and gives the clients room.
"""

import gc
import sys
from typing import Any

from quixstreams import Application, State

from benchmarks.contenders import dict_rows


def documented(bootstrap: str, data_dir: str, group: str, source: str, output: str) -> None:
    """Run until killed."""
    app = Application(
        bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=data_dir,
        loglevel="WARNING",
    )
    frame = app.dataframe(app.topic(source, value_deserializer="json"))
    frame = frame.apply(update, stateful=True)
    frame = frame.filter(lambda answer: answer is not None)
    frame.to_topic(app.topic(output, value_serializer="json"))
    app.run()


def update(view: dict[str, Any], state: State) -> dict[str, Any] | None:
    """One event: the row in the state, the answer downstream."""
    row = state.get("row")
    if row is None:
        row = dict_rows.new_row(view)
    dict_rows.viewed(row, view)
    state.set("row", row)
    return dict_rows.answer(row, view) if view["asks"] else None


def tuned(bootstrap: str, data_dir: str, group: str, source: str, output: str) -> None:
    """Run until killed."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)  # as offerstream's own runtime
    app = Application(
        bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=data_dir,
        loglevel="WARNING",
        consumer_extra_config={"fetch.queue.backoff.ms": 5},
        producer_extra_config={
            "linger.ms": 20,
            "compression.type": "lz4",
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
        },
    )
    frame = app.dataframe(app.topic(source, value_deserializer="bytes"))
    frame = frame.apply(update_bytes, stateful=True)
    frame = frame.filter(is_answer)
    frame.to_topic(app.topic(output, value_serializer="bytes"))
    app.run()


def update_bytes(value: bytes, state: State) -> bytes | None:
    """One event: bytes in, bytes in the state, bytes out."""
    from benchmarks.contenders import struct_rows

    view = struct_rows.decode_view(value)
    data = state.get_bytes("row")
    row = struct_rows.new_row(view) if data is None else struct_rows.decode_row(data)
    struct_rows.viewed(row, view)
    state.set_bytes("row", struct_rows.encode_row(row))
    return struct_rows.answer(row, view) if view.asks else None


def is_answer(value: bytes | None) -> bool:
    """Only what was asked for goes out."""
    return value is not None


if __name__ == "__main__":
    {"documented": documented, "tuned": tuned}[sys.argv[1]](*sys.argv[2:])
