"""No reader of ours goes on at the end of a partition because its position was deleted."""

import ast
from pathlib import Path

from confluent_kafka import Producer, TopicPartition
from msgspec.structs import replace

import streams
from streams.broker.clients import new_reader
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings

LARGE, LARGE_BYTES = 200, 60_000  # more than the embedded broker keeps of a partition


def test_a_reader_whose_position_was_deleted_goes_on_at_the_oldest_record() -> None:
    """All that is still there is read, whoever asks for a place without a word about this."""
    with EmbeddedBroker() as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        for _ in range(LARGE):
            producer.produce("t", b"x" * LARGE_BYTES, partition=0)
        assert producer.flush(60) == 0
        reader = new_reader(replace(Settings(), bootstrap=broker.bootstrap), "g")
        place = TopicPartition("t", 0, 0)
        low, _ = reader.get_watermark_offsets(place, timeout=10)
        assert low > 0
        reader.assign([place])
        (first,) = reader.consume(1, 10)
        reader.close()
    assert (first.error(), first.offset()) == (None, low)


def test_every_consumer_says_where_it_goes_on() -> None:
    """Without `auto.offset.reset` the client goes on at the end, and what is between is lost."""
    silent = []
    for path in Path(streams.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Consumer":
                where = path.read_text()
                if "auto.offset.reset" not in where or '"latest"' in where:
                    silent.append(path.name)
    assert silent == []
