"""Why a whole request is refused: what its sender reads (RFC 9457), and what goes over the wire."""

from typing import Final

from msgspec import Struct

PROBLEM_JSON: Final = "application/problem+json"


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
