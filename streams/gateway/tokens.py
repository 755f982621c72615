"""Tokens of persons: short-lived JWTs that the shop's backend signs; a token is never shown.

HS256 and nothing else, whatever a token says of itself. `kid` names the key, so that a new one can
be brought in beside the old. A token speaks for one id, `sub`, until `exp`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import jwt
from msgspec import Struct

from streams.contracts.common import ID_PATTERN
from streams.errors import SettingsError
from streams.gateway.refusals import RequestRefusedError

ALGORITHM: Final = "HS256"
TOKEN_CHARS_MAX: Final = 4_096
LEEWAY_S: Final = 5
HOW: Final = "write kid=key, the key of 32 to 256 letters and digits"
_ENTRY = re.compile(r"(?P<kid>[A-Za-z0-9_.\-]{1,64})=(?P<key>[A-Za-z0-9_.~+/=\-]{32,256})")
_ID = re.compile(ID_PATTERN)
_REQUIRED: Final = ("exp", "iat", "aud", "sub")


class Token(Struct, frozen=True):
    """What a token says: whose it is, when it was made and until when it holds (epoch seconds)."""

    person: str
    issued_s: float
    until_s: float


class TokenKeys:
    """The keys of the settings; without any, no token is good."""

    def __init__(self, keys: Mapping[str, str], audience: str, lifetime_max_s: int) -> None:
        self._keys = dict(keys)
        self._audience = audience
        self._lifetime_max_s = lifetime_max_s

    def read(self, token: str, now_s: float) -> Token:
        """What a token says, if it is good now.

        Raises:
            RequestRefusedError: it is none of ours, or its time is over; not why, beyond that.
        """
        claims = self._claims(token)
        person, issued_s, until_s = claims["sub"], claims["iat"], claims["exp"]
        if not isinstance(person, str) or _ID.match(person) is None:
            raise _bad("`sub` is no id")
        if until_s - issued_s > self._lifetime_max_s:
            raise _bad(f"it holds for longer than {self._lifetime_max_s} s")
        if until_s <= now_s - LEEWAY_S:
            raise expired()
        if issued_s > now_s + LEEWAY_S:
            raise _bad("it is of later")
        return Token(person, float(issued_s), float(until_s))

    def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token whose signature, algorithm and audience are right."""
        if len(token) > TOKEN_CHARS_MAX:
            raise _bad("it is too long")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise _bad("its `kid` names no key")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,  # by our own clock, below
                    "verify_iat": False,
                    "strict_aud": True,
                },
            )
        except jwt.InvalidTokenError as error:
            raise _bad("its form, signature or audience is not right") from error
        if not all(_is_number(claims[name]) for name in ("iat", "exp")):
            raise _bad("`iat` or `exp` is no number")
        return claims


def parse_token_keys(text: str, audience: str, lifetime_max_s: int) -> TokenKeys:
    """The keys as a setting or a file has them: `kid=key`, with blanks or a line each.

    Raises:
        SettingsError: an entry is none; it is told by its number only.
    """
    keys: dict[str, str] = {}
    lines = (line.partition("#")[0] for line in text.splitlines())
    for number, entry in enumerate((e for line in lines for e in line.split()), 1):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise SettingsError(f"gateway.token_keys: entry {number} is no key; {HOW}")
        if found["kid"] in keys:
            raise SettingsError(f"gateway.token_keys: entry {number} has the kid of another")
        keys[found["kid"]] = found["key"]
    return TokenKeys(keys, audience, lifetime_max_s)


def expired() -> RequestRefusedError:
    """A token was good once: its holder asks the shop's backend for another."""
    return RequestRefusedError(401, "token_expired", "the token's time is over")


def _bad(why: str) -> RequestRefusedError:
    return RequestRefusedError(401, "bad_token", f"the token is not good: {why}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40
