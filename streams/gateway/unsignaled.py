"""A web server whose end somebody else decides: uvicorn without its handlers of signals."""

import contextlib
from collections.abc import Iterator

import uvicorn


class UnsignaledServer(uvicorn.Server):
    """Uvicorn without its signal handlers; who runs it sets `should_exit`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield
