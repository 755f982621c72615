"""`python -m bytewax.run "...bytewax.flow:flow('BOOTSTRAP','INPUT','OUTPUT')" -r DIR -s 1`."""

from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow

from benchmarks.contenders import dict_rows


def flow(bootstrap: str, source: str, output: str) -> Dataflow:
    """Kafka in, a stateful map, Kafka out; rows are kept by Bytewax's own recovery."""
    dataflow = Dataflow("state")
    messages = op.input("views", dataflow, KafkaSource([bootstrap], [source]))
    keyed = op.map("decode", messages, decode)
    answers = op.stateful_map("update", keyed, update)
    asked = op.filter_map("asked", answers, as_message)
    op.output("answers", asked, KafkaSink([bootstrap], output, add_config={"linger.ms": "0"}))
    return dataflow


def decode(message: KafkaSourceMessage) -> tuple[str, dict[str, Any]]:
    """The event under its customer."""
    view = orjson.loads(message.value)
    return view["customer_id"], view


def update(
    row: dict[str, Any] | None, view: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """One event: the new row and the answer."""
    if row is None:
        row = dict_rows.new_row(view)
    dict_rows.viewed(row, view)
    return row, dict_rows.answer(row, view) if view["asks"] else None


def as_message(keyed: tuple[str, dict[str, Any] | None]) -> KafkaSinkMessage | None:
    """Only what was asked for goes out."""
    key, answer = keyed
    return None if answer is None else KafkaSinkMessage(key.encode(), orjson.dumps(answer))
