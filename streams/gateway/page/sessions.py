"""Who is logged in: a signed cookie, and the token that forms which change something carry.

Nothing is kept but which sessions were ended: several gateways know the same sessions, and a
session ends with the operator's token, for its key is made of that.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any, Final

import jwt
from msgspec import Struct

from streams.gateway.page.operators import Operator, Operators

COOKIE: Final = "offerstream_session"
LASTS_S: Final = 8 * 3_600
COOKIE_BYTES_MAX: Final = 1_000
FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a field
FORM_TOKEN_CHARS_MAX: Final = 200
ENDED_MAX: Final = 10_000
_ALGORITHM: Final = "HS256"


class Session(Struct, frozen=True):
    """An operator who is logged in; `form_token` proves that a form is of a page of ours."""

    operator: Operator
    session_id: str
    form_token: str

    @property
    def may_act(self) -> bool:
        """Whether they may change something."""
        return self.operator.role == "act"


class Sessions:
    """Begins, recognizes and ends sessions."""

    def __init__(self, operators: Operators, clock_ms: Callable[[], int]) -> None:
        self._operators = operators
        self._clock_ms = clock_ms
        self._ended: OrderedDict[str, None] = OrderedDict()

    def begin(self, operator: Operator) -> str:
        """The cookie of a new session."""
        said = {"jti": token_urlsafe(16), "exp": self._clock_ms() // 1_000 + LASTS_S}
        return jwt.encode(
            said, _key(operator, b"cookie"), _ALGORITHM, headers={"kid": operator.name}
        )

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None: it is none of ours, is over, or was ended."""
        if not cookie or len(cookie) > COOKIE_BYTES_MAX:
            return None
        try:
            operator = self._operators.named(str(jwt.get_unverified_header(cookie).get("kid")))
            said = {} if operator is None else self._said(cookie, operator)
        except jwt.InvalidTokenError:
            return None
        session_id = str(said.get("jti", ""))
        if operator is None or not session_id or session_id in self._ended:
            return None
        return Session(operator, session_id, _form_token(operator, session_id))

    def writer(self, form_token: str) -> Operator | None:
        """The operator for whom a page of ours with this token was made, be it long ago; or None.

        It says whose form it is, not that they are logged in.
        """
        if len(form_token) > FORM_TOKEN_CHARS_MAX or not form_token.isascii():
            return None
        name, _, rest = form_token.partition(".")
        operator = self._operators.named(name)
        if operator is None:
            return None
        expected = _form_token(operator, rest.partition(".")[0])
        return operator if hmac.compare_digest(form_token, expected) else None

    def end(self, session: Session) -> None:
        """It is over, whoever still has its cookie."""
        self._ended[session.session_id] = None
        if len(self._ended) > ENDED_MAX:
            self._ended.popitem(last=False)

    def _said(self, cookie: str, operator: Operator) -> dict[str, Any]:
        said: dict[str, Any] = jwt.decode(
            cookie,
            _key(operator, b"cookie"),
            algorithms=[_ALGORITHM],
            options={"require": ["exp", "jti"], "verify_exp": False},
        )
        if self._clock_ms() / 1_000 >= float(said["exp"]):
            raise jwt.ExpiredSignatureError
        return said


def _form_token(operator: Operator, session_id: str) -> str:
    """Whose, of which session, and the proof that we said so."""
    proof = hmac.digest(_key(operator, b"form"), session_id.encode(), "sha256").hex()
    return f"{operator.name}.{session_id}.{proof}"


def _key(operator: Operator, purpose: bytes) -> bytes:
    """A key for one purpose, made of the hash of the operator's token."""
    return hmac.digest(operator.digest, b"offerstream page " + purpose, "sha256")
