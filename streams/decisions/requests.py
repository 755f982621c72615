"""A request: a trigger rule that fired, and the trigger event that it fired on."""

from functools import lru_cache
from typing import Literal

from msgspec import Struct

from streams.contracts.ids import derive_id
from streams.contracts.reference.structs import TriggerRule
from streams.customer import TriggerEvent


class DecisionRequest(Struct, frozen=True):
    """A decision is wanted; `decision_id` is a function of event and rule alone.

    `waited`: what it had to wait for, if it had to. `holds` is false if its reason is gone since,
    `has_room` where the row cannot let it wait any longer.
    """

    rule: TriggerRule
    trigger_event: TriggerEvent
    waited: Literal["deferred", "linking"] | None = None
    holds: bool = True
    has_room: bool = True

    @property
    def decision_id(self) -> str:
        """The id of the decision that answers this."""
        return _decision_id(self.trigger_event.event_id, self.rule.rule_id)


@lru_cache(maxsize=1024)
def _decision_id(event_id: str, rule_id: str) -> str:
    """Asked for several times while a request is answered."""
    return derive_id("d", event_id, rule_id)
