"""What a demo plays: records up to a moment, and what offers lead to."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from streams.contracts.reference import Reference
from streams.simulator.records import Sent


class Story(Protocol):
    """People who do something, and who may be offered something."""

    reference: Reference
    start_ms: int
    end_ms: int

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Everybody in the story."""

    def step(self, until_ms: int) -> Sequence[Sent]:
        """Everything that happens up to `until_ms`, in the order of time."""

    def receive(self, offer: Mapping[str, Any], now_ms: int) -> None:
        """An offer reaches its person; later steps hold what comes of it."""
