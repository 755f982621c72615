"""R2: topics that do not fit are refused at the start, with what to do."""

from pathlib import Path

import pytest

from streams.errors import TopicsError
from streams.runtime import RuntimeSettings
from streams.runtime.topics import count_partitions
from tests.support.apache_kafka import ApacheKafka

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
    kafka.create_topics("fits-in", "fits-changelog", partitions=3)
    kafka.create_topics("fits-odd", partitions=2)
    assert count_partitions(settings(kafka, "fits-in", changelog="fits-changelog")) == 3
    with pytest.raises(TopicsError, match="fits-nowhere; create them: offerstream topics apply"):
        count_partitions(settings(kafka, "fits-in", "fits-nowhere", changelog="fits-changelog"))
    with pytest.raises(TopicsError, match="same number of partitions"):
        count_partitions(settings(kafka, "fits-in", "fits-odd", changelog="fits-changelog"))
