"""Who opens a partition after a kill leaves alone what others have open, and says nothing."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.protocol.producer import ProduceRequest
from kafka.record import MemoryRecordsBuilder

from streams.runtime.clients import new_consumer
from streams.runtime.commit import hanging
from streams.runtime.commit.hanging import end_hanging
from streams.runtime.commit.transactions import Transactions
from streams.runtime.faults import EpochError
from streams.runtime.records import Output
from streams.runtime.settings import RuntimeSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.bare_runtime import bare_settings, opened

NAMES = {"application_id": "others", "changelog_topic": "others-changelog"}
OUT = "others-out"


@pytest.fixture(scope="module")
def trusting(kafka: ApacheKafka) -> Iterator[ApacheKafka]:
    """A broker that takes a record into a transaction that nobody has begun."""
    if kafka.foreign:
        pytest.skip("the broker is not ours to configure")
    with ApacheKafka("transaction.partition.verification.enable=false\n") as broker:
        yield broker


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_what_others_have_open_is_not_called_hanging(
    kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two partitions left one output open: the second's opening ends its own and says nothing."""
    kafka.create_topics("in", OUT)
    kafka.create_topics(NAMES["changelog_topic"], config={"cleanup.policy": "compact"})
    settings = bare_settings(tmp_path, bootstrap=kafka.bootstrap, output_topics=(OUT,), **NAMES)
    for number in (0, 1):  # as a kill leaves them: written, not ended
        left = Transactions(settings, number, new_consumer(settings))
        opened(left)
        left.begin()
        left.send(Output(OUT, b"k", b"left by %d" % number, (), 2), None)
        left.deliver()
    with caplog.at_level(logging.INFO):
        assert end_hanging(settings, 1, new_consumer(settings)) == []
    assert [r.getMessage() for r in caplog.records if "hangs" in r.getMessage()] == []
    written = [m.value() for m in kafka.read_all(OUT, read_committed=False)]
    assert written == [b"left by 0", b"left by 1"]
    assert kafka.end_offsets(OUT)[2] == 0  # the first one's is open still, and is its own matter
    owner = Transactions(settings, 0, new_consumer(settings))
    opened(owner)
    kafka.wait_until_ended(OUT)
    assert list(kafka.read_all(OUT)) == []


def left_hanging(transactions: Any, settings: RuntimeSettings, topic: str, value: bytes) -> None:
    """Commit a transaction, and have the broker take one more record of its producer.

    That is what is left where the coordinator has skipped a partition: it calls the transaction
    committed, and the record is open for ever.
    """
    opened(transactions)
    transactions.begin()
    transactions.send(Output(topic, b"k", b"committed in order", (), 2), None)
    transactions.deliver()
    transactions.commit()
    with hanging._Coordinator(settings, 0) as coordinator:
        newest = None
        while newest is None or newest[0] != "CompleteCommit":
            newest = coordinator.newest()
        producer_id, epoch = newest[1]
        batch = MemoryRecordsBuilder(2, 0, 10_000, 0, True, producer_id, epoch, 1)
        batch.append(timestamp=1, key=b"k", value=value)
        batch.close()
        row = ProduceRequest.TopicProduceData
        request = ProduceRequest(
            transactional_id=coordinator._id,
            acks=-1,
            timeout_ms=30_000,
            topic_data=[
                row(
                    name=topic,
                    partition_data=[row.PartitionProduceData(index=2, records=batch.buffer())],
                )
            ],
            min_version=3,
            max_version=9,
        )
        manager = coordinator._admin._manager
        answer = manager.run(lambda: manager.send(request, node_id=1))
    assert answer.responses[0].partition_responses[0].error_code == 0


@pytest.mark.kafka
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "step", ["InitProducerIdRequest", "AddOffsetsToTxnRequest", "EndTxnRequest"]
)
def test_a_remedy_that_breaks_off_is_carried_on_as_decided(
    trusting: ApacheKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before whichever step it fails: the next try commits what was decided to be committed."""
    out = f"out-{step.lower()}"
    names = {"application_id": step, "changelog_topic": f"log-{step.lower()}"}
    trusting.create_topics(f"in-{step}", out)
    trusting.create_topics(names["changelog_topic"], config={"cleanup.policy": "compact"})
    settings = bare_settings(
        tmp_path,
        bootstrap=trusting.bootstrap,
        output_topics=(out,),
        source_topics=(f"in-{step}",),
        **names,
    )
    left_hanging(Transactions(settings, 0, new_consumer(settings)), settings, out, b"hangs")
    assert [m.value() for m in trusting.read_all(out)] == [b"committed in order"]

    sent = hanging._Coordinator._send

    def breaks_off(self: Any, request: Any) -> Any:
        if type(request).__name__ == step:
            raise EpochError("the broker went away")
        return sent(self, request)

    with monkeypatch.context() as broken:
        broken.setattr(hanging._Coordinator, "_send", breaks_off)
        with pytest.raises(EpochError, match="went away"):
            end_hanging(settings, 0, new_consumer(settings))
    end_hanging(settings, 0, new_consumer(settings))
    trusting.wait_until_ended(out)
    assert [m.value() for m in trusting.read_all(out)] == [b"committed in order", b"hangs"]
    assert not list((tmp_path / "hanging").iterdir())
