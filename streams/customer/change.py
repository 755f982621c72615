"""What an applier is told about an event's time and place, and what it gives back."""

from typing import Literal

from msgspec import Struct

from streams.contracts.outputs.effects import Effect
from streams.customer.places import Places
from streams.customer.row import Customer, Order
from streams.customer.trigger_events import TriggerEvent


class EventTiming(Struct, frozen=True):
    """When the event happened (`at_ms`), the row's time with it (`now_ms`), and where we are.

    `now_ms` never goes back; `late` events correct counts and give no trigger events.
    """

    at_ms: int
    now_ms: int
    late: bool
    places: Places

    @property
    def in_order(self) -> bool:
        """Nothing newer has been seen of this person."""
        return self.at_ms == self.now_ms


class Sale(Struct, frozen=True):
    """What an event changed of an order that counts: `before` None where it is new."""

    before: Order | None
    after: Order


class Change(Struct, frozen=True):
    """A person after an event, and what the event meant."""

    person: Customer
    trigger_events: tuple[TriggerEvent, ...] = ()
    purchased: bool = False
    effects: tuple[Effect, ...] = ()
    ignored: Literal["duplicate", "not_applicable"] | None = None
    sale: Sale | None = None
