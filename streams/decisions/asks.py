"""An ask: a trigger rule that fired, and the moment that it fired on."""

from msgspec import Struct

from streams.contracts.ids import derive_id
from streams.contracts.reference.structs import TriggerRule
from streams.customer import Moment


class Ask(Struct, frozen=True):
    """A decision is wanted; `decision_id` is a function of event and rule alone."""

    rule: TriggerRule
    moment: Moment

    @property
    def decision_id(self) -> str:
        """The id of the decision that answers this."""
        return derive_id("d", self.moment.event_id, self.rule.rule_id)
