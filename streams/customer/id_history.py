"""Parts of the row about its id: whom a device was seen with, what was erased under it."""

from msgspec import field

from streams.customer.parts import Value

REFUSED_IDS_MAX = 8
UNLINKED_MAX = 8
ENCOUNTERS_MAX = 9
CLOSING_MAX = 4
CLOSED_MAX = 12
ERASURE_REMEMBERED_MS = 90 * 86_400_000


class Encounter(Value, frozen=True):
    """Another id that an id has met (a person with a device, what was unlinked), and when last."""

    customer_id: str
    at_ms: int


class Closing(Value, frozen=True):
    """An erasure that waits for the ids that it was sent on to.

    `by` is the id that waits for us, as `known_as`; empty where the request itself came here.
    """

    request_id: str
    requested_at_ms: int
    by: str = ""
    known_as: str = ""
    waiting: tuple[str, ...] = ()
    rows_erased: int = 0
    held: dict[str, int] = field(default_factory=dict)


class Erasure(Value, frozen=True):
    """What was erased under this id: nothing from before `at_ms` comes back.

    `closed` are hashes of the requests that are done here.
    """

    at_ms: int
    closing: tuple[Closing, ...] = ()
    closed: tuple[int, ...] = ()
