"""What a learner wrote out of itself, read back by field name."""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct, ValidationError, convert

from streams.errors import StateError

S = TypeVar("S", bound=Struct)


def saved_state(data: Mapping[str, object], kind: type[S], whose: str) -> S:
    """The state of a learner as its struct; `whose` names the learner in the error.

    Raises:
        StateError: a parameter is missing, unknown or of the wrong type.
    """
    try:
        return convert(dict(data), kind)
    except ValidationError as error:
        raise StateError(f"{whose} parameters cannot be read: {error}") from error
