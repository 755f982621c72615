"""Topics on Apache Kafka: made once, mended where they may be, refused where they may not."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka.admin import ConfigResource, ConfigResourceType
from msgspec.structs import replace

from streams.admin.topics import apply_topics, connect, verify_topics
from streams.cli import main
from streams.errors import TopicsError
from streams.settings import Settings
from tests.support.apache_kafka import ApacheKafka
from tests.support.worker_job import WorkerJob


def problems(settings: Settings) -> set[str]:
    """The topics that something is wrong with."""
    return {problem.topic for problem in verify_topics(settings)}


def wait_until(reached: Callable[[], bool]) -> None:
    """The broker tells of a change a moment after it has taken it."""
    deadline = time.monotonic() + 15
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.kafka
def test_apply_mends_what_may_be_mended(kafka: ApacheKafka, tmp_path: Path) -> None:
    """A wrong policy and a missing topic are found and mended; a second apply does nothing."""
    settings = WorkerJob(kafka, tmp_path, "topics").settings
    assert verify_topics(settings) == ()
    client = connect(settings)
    wrong = {"cleanup.policy": "delete"}
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "ref.offers", wrong)])
    client.delete_topics(["dead-letters"])
    client.close()
    wait_until(lambda: problems(settings) == {"ref.offers", "dead-letters"})
    done = apply_topics(settings)
    assert (done.created, done.configured) == (("dead-letters",), ("ref.offers",))
    wait_until(lambda: problems(settings) == set())


@pytest.mark.kafka
def test_another_partition_count_is_refused(kafka: ApacheKafka, tmp_path: Path) -> None:
    """R2: nothing is touched, and the text says what to do; so does the worker's start."""
    job = WorkerJob(kafka, tmp_path, "counts")
    with pytest.raises(TopicsError, match="it has 4 partitions, not 8"):
        apply_topics(replace(job.settings, partitions=8))


@pytest.mark.kafka
def test_the_commands_work_from_the_shell(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Apply, verify, send and list, as a person types them."""
    job = WorkerJob(kafka, tmp_path, "shell")
    environment = {
        "OFFERSTREAM_BOOTSTRAP": kafka.bootstrap,
        "OFFERSTREAM_APPLICATION_ID": job.settings.application_id,
    }

    def offerstream(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
        result = CliRunner().invoke(
            main, arguments, env=environment, input=stdin, catch_exceptions=False
        )
        return result.exit_code, result.output

    assert offerstream("topics", "apply")[1].startswith("created 0")
    assert offerstream("topics", "verify")[0] == 0
    line = '{"event_name": "application_opened", "identity": {"customer_id": "c1"}}\nnonsense\n'
    code, said = offerstream("events", "send", "-", "--no-check", stdin=line)
    assert code == 1
    assert "sent 1 events, refused 1" in said
    assert "line 2" in said
    assert offerstream("dead-letters", "list") == (0, "no dead letters\n")
