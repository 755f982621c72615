"""A request: a trigger rule that fired, and the trigger event that it fired on."""

from msgspec import Struct

from streams.contracts.ids import derive_id
from streams.contracts.reference.structs import TriggerRule
from streams.customer import TriggerEvent


class DecisionRequest(Struct, frozen=True):
    """A decision is wanted; `decision_id` is a function of event and rule alone."""

    rule: TriggerRule
    trigger_event: TriggerEvent

    @property
    def decision_id(self) -> str:
        """The id of the decision that answers this."""
        return derive_id("d", self.trigger_event.event_id, self.rule.rule_id)
