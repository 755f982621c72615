"""What can be played: people who act as time goes on, and who answer the offers they get."""

from datetime import datetime
from typing import NamedTuple, Protocol

from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.reference.structs import Reference
from streams.simulator.records import Sent


class Received(NamedTuple):
    """What the people of a story look at in an offer that they get."""

    decision_id: str
    customer_id: str
    offer_id: str
    valid_until: datetime
    arm: str

    @classmethod
    def of(cls, sent: NextBestOffer) -> "Received":
        """The offer of a `next-best-offers` record."""
        shown = sent.offer
        return cls(
            sent.decision_id,
            sent.customer_id,
            shown.offer_id,
            shown.valid_until,
            sent.experiment.arm,
        )


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

    def receive(self, offer: Received, now_ms: int) -> None:
        """An offer reaches a person.

        What the person does with it comes out of later steps; a second delivery changes nothing.
        """
        ...
