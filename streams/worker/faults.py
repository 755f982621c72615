"""What is kept of an exception that should not have been: its type and place, never its content."""

from types import TracebackType

from streams.contracts.inputs.rules import Rejected

OURS = "streams."


def rejected_for(error: BaseException) -> Rejected:
    """Why a record goes to the dead letters whose processing raised.

    An exception's text, and the values in its frames, may hold personal data: neither is looked at.
    """
    return Rejected("internal_error", "$", f"{type(error).__name__} at {place_of(error)}")


def place_of(error: BaseException) -> str:
    """The innermost line of ours that the exception came through: `module:line`.

    >>> place_of(KeyError("someone@example.com"))
    'unknown'
    """
    place, seen = "unknown", error.__traceback__
    while seen is not None:
        if place == "unknown" or _module(seen).startswith(OURS):
            place = f"{_module(seen)}:{seen.tb_lineno}"
        seen = seen.tb_next
    return place


def _module(frame: TracebackType) -> str:
    return str(frame.tb_frame.f_globals.get("__name__", "unknown"))
