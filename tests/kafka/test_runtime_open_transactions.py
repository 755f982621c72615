"""Who opens a partition after a kill leaves alone what others have open, and says nothing."""

import logging
from pathlib import Path

import pytest

from streams.runtime.clients import new_consumer
from streams.runtime.commit.hanging import end_hanging
from streams.runtime.commit.transactions import Transactions
from streams.runtime.records import Output
from tests.support.apache_kafka import ApacheKafka
from tests.support.bare_runtime import bare_settings, opened

NAMES = {"application_id": "others", "changelog_topic": "others-changelog"}
OUT = "others-out"


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
