"""How all tests run: no deadline for what is made up, seeds printed, logs as they were, an end."""

import faulthandler
import signal
import sys
from collections.abc import Generator, Iterator
from types import FrameType

import pytest
import structlog
from hypothesis import settings
from structlog._config import BoundLoggerLazyProxy

settings.register_profile("offerstream", deadline=None, print_blob=True)
settings.load_profile("offerstream")

TEARDOWN_S = 120.0
"""So long may a fixture take to end what it began."""
EXIT_S = 300.0
"""So long may a process of tests take to end after its last test."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None]:
    """What a fixture waits for at its end has a bound, one after the other.

    pytest-timeout has none there once its test has failed: a thread that nobody had told to end
    held a whole run for an hour.
    """

    def over(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"a fixture did not end within {TEARDOWN_S:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, TEARDOWN_S, TEARDOWN_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_unconfigure() -> None:
    """Threads that tests left behind do not hold the process: it fails and shows them."""
    faulthandler.dump_traceback_later(EXIT_S, exit=True, file=2)  # pytest has its own stderr


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
