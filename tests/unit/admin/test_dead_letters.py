"""Which dead letters somebody may ask for."""

import pytest

from streams import topics
from streams.admin.dead_letters import choice_of
from streams.errors import OperatorError
from streams.worker.roles import WORK


def test_letters_of_every_topic_that_a_process_reads_can_be_chosen() -> None:
    """Workers, learner and treasury each make letters of what they read, and of nothing else."""
    read = {topic for work in WORK.values() for topic in work.sources}
    assert {topics.LEASE_REQUESTS, topics.LEARNING_EXAMPLES, topics.CUSTOMER_EVENTS} <= read
    for topic in topics.ALL:
        if topic in read:
            assert choice_of((), "", topic.name).source_topic == topic.name
        else:
            with pytest.raises(OperatorError, match="--topic"):
                choice_of((), "", topic.name)
