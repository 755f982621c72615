"""Parts of the runtime for tests without a worker."""

import time
from pathlib import Path
from typing import Any

from streams.runtime.commit.transactions import Transactions
from streams.runtime.faults import EpochError
from streams.runtime.settings import RuntimeSettings


def bare_settings(home: Path, **differs: Any) -> RuntimeSettings:
    """An application of one source topic; nobody listens where it would look for a broker."""
    usual: dict[str, Any] = {
        "application_id": "a",
        "bootstrap": "127.0.0.1:1",
        "source_topics": ("in",),
        "changelog_topic": "changelog",
        "table": "rows",
        "data_dir": home,
    }
    return RuntimeSettings(**{**usual, **differs})


async def undelivered(*_: Any) -> None:
    """For a partition's loop to which nothing is delivered."""
    raise AssertionError("nothing is delivered here")


def opened(protocol: Transactions) -> None:
    """Open, as often as a broker that has just started asks for."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return protocol.open()
        except EpochError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
