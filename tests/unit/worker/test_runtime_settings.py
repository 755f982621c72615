"""What an operator sets is what the runtime is told."""

import pytest

from streams.settings import Settings
from streams.worker.app import runtime_settings
from streams.worker.roles import Role


@pytest.mark.parametrize("role", ["worker", "learner", "treasury"])
def test_the_pace_of_commits_reaches_the_runtime(role: Role) -> None:
    """How long work is gathered, and how many urgent commits run at the same time."""
    told = runtime_settings(Settings(epoch_ms=250, urgent_commits_max=5), role)
    assert (told.epoch_ms, told.urgent_commits_max) == (250, 5)
