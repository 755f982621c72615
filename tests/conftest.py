"""How all tests run: no deadline for what is made up, seeds printed, logs as they were."""

import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings
from structlog._config import BoundLoggerLazyProxy

settings.register_profile("offerstream", deadline=None, print_blob=True)
settings.load_profile("offerstream")


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A verb that ran inside of a test has said where logs go: the next test hears them again."""
    before = structlog.get_config()
    yield
    if structlog.get_config()["processors"] is before["processors"]:
        return
    structlog.configure(**before)
    for module in tuple(sys.modules.values()):
        for found in tuple(vars(module).values()):
            if isinstance(found, BoundLoggerLazyProxy):
                vars(found).pop("bind", None)  # what it has kept of the settings
