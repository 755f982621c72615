"""Is the process alive, is it ready, and if not, why: read by whoever serves `/healthz`."""

import time
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from streams.runtime.settings import RuntimeSettings

_TICK_MAX_S = 10.0


class Verdict(Struct, frozen=True):
    """`ok`, or the reasons why not."""

    ok: bool
    reasons: tuple[str, ...] = ()


class WatchedPartition(Protocol):
    """What is looked at of an owned partition."""

    @property
    def state(self) -> str:
        """`running`, when it serves."""

    @property
    def busy_since_s(self) -> float | None:
        """Since when (monotonic) something waits for its commit."""


class Watched(Protocol):
    """What is looked at of a runtime."""

    @property
    def settings(self) -> RuntimeSettings:
        """How long a commit may take."""

    @property
    def failure(self) -> BaseException | None:
        """What ended it."""

    @property
    def assigned(self) -> bool:
        """Whether the group has said what this process owns."""

    @property
    def no_broker(self) -> str:
        """A sentence where no broker answers."""

    @property
    def owned(self) -> Mapping[int, WatchedPartition]:
        """Its partitions."""


class Health:
    """Alive: the event loop ticks, nothing failed, epochs end.

    Ready: every owned partition runs, and the broker answers.

    Both may be asked from any thread.
    """

    def __init__(self, runtime: Watched) -> None:
        self._runtime = runtime
        self._ticked_s = time.monotonic()

    def tick(self) -> None:
        """The event loop is running."""
        self._ticked_s = time.monotonic()

    def alive(self) -> Verdict:
        """False means: kill and start again."""
        reasons = []
        runtime, now_s = self._runtime, time.monotonic()
        if runtime.failure is not None:
            reasons.append(f"failed: {type(runtime.failure).__name__}")
        if now_s - self._ticked_s > _TICK_MAX_S:
            reasons.append(f"the event loop has not ticked for {now_s - self._ticked_s:.0f} s")
        for number, owned in list(runtime.owned.items()):
            busy_s = now_s - (owned.busy_since_s or now_s)
            if busy_s > runtime.settings.stalled_after_s:
                reasons.append(f"partition {number}: no commit for {busy_s:.0f} s")
        return Verdict(not reasons, tuple(reasons))

    def ready(self) -> Verdict:
        """False means: not yet, or not now (recovering, rebalancing, no broker)."""
        reasons = list(self.alive().reasons)
        if no_broker := self._runtime.no_broker:
            reasons.append(no_broker)
        if not self._runtime.assigned:
            reasons.append("waiting for the consumer group")
        reasons += [
            f"partition {number}: {owned.state}"
            for number, owned in sorted(self._runtime.owned.items())
            if owned.state != "running"
        ]
        return Verdict(not reasons, tuple(reasons))
