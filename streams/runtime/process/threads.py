"""A thread pool that knows whether a call has not come back."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class CountingExecutor(ThreadPoolExecutor):
    """`busy`: how many calls were submitted and have not ended.

    Python waits for pool threads at its end, for ever; who sees `busy` must end the process hard.
    """

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, name)
        self._open: set[Future[Any]] = set()  # of whatever calls return

    @property
    def busy(self) -> int:
        """Calls that have not ended."""
        return sum(not future.done() for future in list(self._open))

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """As the base class."""
        future = super().submit(fn, *args, **kwargs)
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        return future
