"""R2: topics that do not fit are refused at the start, with what to do and exit code 78."""

from pathlib import Path

import pytest

from streams.errors import TopicsError
from streams.runtime.faults import EXIT_OPERATOR
from streams.runtime.process.topics import count_partitions
from streams.runtime.settings import RuntimeSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import CounterJob

pytestmark = pytest.mark.kafka


def settings(kafka: ApacheKafka, *sources: str, changelog: str) -> RuntimeSettings:
    """An application over these topics."""
    return RuntimeSettings(
        application_id="fits",
        bootstrap=kafka.bootstrap,
        source_topics=sources,
        changelog_topic=changelog,
        table="rows",
        data_dir=Path(),
    )


def test_topics_must_exist_and_have_one_number_of_partitions(kafka: ApacheKafka) -> None:
    """Missing and odd topics are named; those that fit give their number."""
    kafka.create_topics("fits-in", partitions=3)
    kafka.create_topics("fits-changelog", partitions=3, config={"cleanup.policy": "compact"})
    kafka.create_topics("fits-odd", partitions=2)
    assert count_partitions(settings(kafka, "fits-in", changelog="fits-changelog")) == 3
    with pytest.raises(TopicsError, match="fits-nowhere; create them: offerstream topics apply"):
        count_partitions(settings(kafka, "fits-in", "fits-nowhere", changelog="fits-changelog"))
    with pytest.raises(TopicsError, match="same number of partitions"):
        count_partitions(settings(kafka, "fits-in", "fits-odd", changelog="fits-changelog"))


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_a_changelog_that_forgets_is_refused(
    kafka: ApacheKafka, tmp_path: Path, policy: str
) -> None:
    """A process over a changelog from which the broker deletes rows ends with 78, at once."""
    name = f"forgets-{policy.replace(',', '-')}"
    job = CounterJob(kafka, name, tmp_path, changelog={"cleanup.policy": policy})
    worker = job.worker()
    assert worker.wait() == EXIT_OPERATOR
    assert "set it to compact: offerstream topics apply" in worker.log()


def test_a_missing_changelog_ends_the_process(kafka: ApacheKafka, tmp_path: Path) -> None:
    """The exit code tells the launcher that a restart would not help."""
    job = CounterJob(kafka, "lacks", tmp_path)
    job.settings["changelog_topic"] = "lacks-nowhere"
    worker = job.worker()
    assert worker.wait() == EXIT_OPERATOR
    assert "lacks-nowhere; create them: offerstream topics apply" in worker.log()


def test_another_number_of_partitions_ends_the_process(kafka: ApacheKafka, tmp_path: Path) -> None:
    """State of four partitions cannot serve a topic of two."""
    job = CounterJob(kafka, "odd", tmp_path)
    kafka.create_topics("odd-in-two", partitions=2)
    job.settings["source_topics"] = [*job.inputs, "odd-in-two"]
    worker = job.worker()
    assert worker.wait() == EXIT_OPERATOR
    assert "must have the same number of partitions" in worker.log()
