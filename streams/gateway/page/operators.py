"""Who may look at the page and who may act on it: tokens, kept as hashes alone."""

import re
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Literal

import msgspec
from msgspec import Struct

from streams.errors import SettingsError
from streams.settings import GatewaySettings

Role = Literal["view", "act"]
_ENTRY: Final = re.compile(
    r"(?P<name>[a-z][a-z0-9_-]{0,31})(:(?P<role>view|act))?=(?P<token>[A-Za-z0-9_.-]{24,128})"
)
HOW: Final = (
    "write name=token or name:act=token, the name in small letters, digits, _ or -, the token with "
    "24 to 128 letters, digits, _, . or -"
)


class Operator(Struct, frozen=True):
    """Somebody who may log in; `digest` is the hash of their token."""

    name: str
    role: Role
    digest: bytes

    def __repr__(self) -> str:
        """Without the hash: an operator may end up in a log."""
        return f"Operator({self.name!r}, {self.role!r})"


class Operators:
    """All of them."""

    def __init__(self, known: tuple[Operator, ...]) -> None:
        self._known = known
        self._by_name = {one.name: one for one in known}

    def __bool__(self) -> bool:
        return bool(self._known)

    def named(self, name: str) -> Operator | None:
        """The operator of this name."""
        return self._by_name.get(name)

    def with_token(self, token: str) -> Operator | None:
        """Whose token it is; takes as long for a wrong one as for a right one."""
        given, found = _digest(token), None
        for one in self._known:
            if compare_digest(one.digest, given):
                found = one
        return found


def read_operators(settings: GatewaySettings) -> Operators:
    """The operators of the settings; none: there is no page.

    Raises:
        SettingsError: an entry is not well formed, or their file cannot be read.
    """
    try:
        return parse_operators(settings.operator_tokens_text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"gateway.operator_tokens_file: {settings.operator_tokens_file} cannot be read as text"
        ) from error


def parse_operators(text: str) -> Operators:
    """The operators as a setting or a file has them; `#` begins a remark.

    Raises:
        SettingsError: an entry is not well formed, told by its number only; a name or a token
            stands twice.

    >>> parse_operators("ana:act=0123456789abcdef01234567").named("ana")
    Operator('ana', 'act')
    """
    entries = [e for line in text.splitlines() for e in line.partition("#")[0].split()]
    known: list[Operator] = []
    for number, entry in enumerate(entries, 1):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise SettingsError(
                f"gateway.operator_tokens: entry {number} is not a name with a token: {HOW}"
            )
        role = msgspec.convert(found["role"] or "view", Role)
        one = Operator(found["name"], role, _digest(found["token"]))
        if any(one.name == other.name or one.digest == other.digest for other in known):
            raise SettingsError(
                f"gateway.operator_tokens: entry {number} has the name or the token of another"
            )
        known.append(one)
    return Operators(tuple(known))


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
