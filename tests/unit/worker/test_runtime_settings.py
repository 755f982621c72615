"""What an operator sets is what the runtime is told."""

import pytest

from streams.runtime.clients import EMBEDDED_FETCH_WAIT_MS
from streams.settings import Settings
from streams.worker.app import runtime_settings
from streams.worker.roles import Role


@pytest.mark.parametrize("role", ["worker", "learner", "treasury"])
def test_the_pace_of_commits_reaches_the_runtime(role: Role) -> None:
    """How long work is gathered, and how many urgent commits run at the same time."""
    told = runtime_settings(Settings(epoch_ms=250, urgent_commits_max=5), role)
    assert (told.epoch_ms, told.urgent_commits_max) == (250, 5)


def test_on_the_embedded_broker_topics_are_waited_for_longer_than_a_fetch_takes() -> None:
    """Of one answer a question is handed on before a denial that was there earlier."""
    told = runtime_settings(Settings(transactional=False), "worker")
    assert told.merge_wait_ms > EMBEDDED_FETCH_WAIT_MS
    assert runtime_settings(Settings(), "worker").merge_wait_ms == 0
