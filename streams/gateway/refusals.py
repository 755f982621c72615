"""Why a whole request is refused: what its sender reads (RFC 9457), and what goes over the wire."""

import re
from typing import Final

import msgspec
from msgspec import Struct

from streams.contracts.inputs.allowed import guess
from streams.contracts.inputs.diagnosis import diagnose, path_and_text

_UNKNOWN: Final = "Object contains unknown field"
_NAME: Final = re.compile(r"`([A-Za-z_][A-Za-z0-9_]{0,63})`\Z")
PROBLEM_JSON: Final = "application/problem+json"
NO_SUCH_PATH: Final = "there is no such path here"
"""The one answer to a path that is not there, and to one that somebody may not know is there."""


class Problem(Struct, frozen=True, kw_only=True):
    """The body of an answer that refuses a request; `code` is for programs, `detail` for people."""

    code: str
    title: str
    status: int
    detail: str


class RequestRefusedError(Exception):
    """A request that is not taken; none of its events is."""

    def __init__(self, status: int, code: str, detail: str, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


def unreadable(
    code: str, body: bytes, error: Exception, kind: type[msgspec.Struct]
) -> RequestRefusedError:
    """Why a body is none of that kind: where, and what it may be; `error` is of its decoding.

    A name that is none, as an e-mail address, is not said again.
    """
    at, text = path_and_text(str(error))
    if text.startswith(_UNKNOWN):
        named = _NAME.search(text)
        if named is None:
            return RequestRefusedError(422, code, f"{at}: has a field that is unknown here")
        what = f"is no field here{guess(kind.__struct_fields__, named[1])}"
        return RequestRefusedError(422, code, f"{at}.{named[1]}: {what}")
    found = diagnose(body, error, kind=kind)
    return RequestRefusedError(422, code, f"{found.path}: {found.detail}")
