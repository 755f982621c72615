"""What can be played: people who act as time goes on, and who answer the offers they get."""

from collections.abc import Mapping
from typing import Any, Protocol

from streams.contracts.reference.structs import Reference
from streams.simulator.records import Sent


class Story(Protocol):
    """A shop and its people from `start_ms` to `end_ms`; `Market` and `Journey` are two."""

    @property
    def reference(self) -> Reference:
        """The shop's offers, products and policies."""
        ...

    @property
    def start_ms(self) -> int:
        """When the story begins, in its own time."""
        ...

    @property
    def end_ms(self) -> int:
        """When it is over."""
        ...

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Everybody in it."""
        ...

    def step(self, until_ms: int) -> list[Sent]:
        """Everything that happens up to `until_ms` and was not handed out, in the order of time."""
        ...

    def receive(self, offer: Mapping[str, Any], now_ms: int) -> None:
        """An offer (the payload of a `next-best-offers` record) reaches a person.

        What the person does with it comes out of later steps; a second delivery changes nothing.
        """
        ...
