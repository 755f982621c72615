"""What becomes of a message before anybody looks at what it says: whose it is, or where it goes."""

from msgspec import Struct

from streams.contracts.inputs.events import InputEvent, PrivacyRequest
from streams.contracts.outputs.effects import Effect
from streams.contracts.times import to_ms
from streams.customer.row import AlertCase, Customer, PersonRow


class Resolution(Struct, frozen=True):
    """The row under the key, and what is to be done with it.

    `person` None: nothing further is to be done, `row` is stored as it is (None deletes it).
    `event` None: the person is looked at as of `at_ms`, but nothing happened to them.
    `merged_case`: one of two churn cases of people who have become one; it is to be closed.
    """

    row: PersonRow | None
    person: Customer | None
    event: InputEvent | None
    effects: tuple[Effect, ...]
    at_ms: int
    merged_case: AlertCase | None = None


def done(row: PersonRow | None, at_ms: int, *effects: Effect) -> Resolution:
    """Nothing further is to be done."""
    return Resolution(row, None, None, effects, at_ms)


def event_at_ms(event: InputEvent) -> int:
    """The event's time; a privacy request's is when it was made."""
    if isinstance(event, PrivacyRequest):
        return to_ms(event.requested_at)
    return event.at_ms
