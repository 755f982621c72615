"""Write keys: which source a request speaks for, and what it may send. A key is never shown.

A browser's key is public: whoever opens the page can read it. It may send what a person does; only
a server's key may ask for erasure or access. Kept are hashes, so that a look-up tells nothing by
the time it takes.
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Literal

import msgspec
from msgspec import Struct

from streams import topics
from streams.errors import SettingsError

Scope = Literal["browser", "server", "shopify", "woocommerce"]
_ENTRY = re.compile(
    r"(?P<name>[a-z][a-z0-9_\-]{0,31})(?::(?P<scope>browser|server|shopify|woocommerce))?="
    r"(?P<key>[A-Za-z0-9_.~+/=\-]{16,128})"
)
_SERVER_ONLY: Final = frozenset({topics.PRIVACY_REQUESTS.name, topics.QUESTIONS.name})
HOW: Final = "write source=key, or source:server=key, the key of 16 to 128 letters and digits"
_IN_ADDRESS: Final = ("write_key", "writeKey", "api_secret")
_SHOPS: Final = ("shopify", "woocommerce")


class Sender(Struct, frozen=True):
    """A source, and what its key is for."""

    name: str
    scope: Scope = "browser"

    def may_send(self, topic: str) -> bool:
        """Whether it may write to an input topic.

        >>> Sender("web").may_send("privacy.requests"), Sender("web").may_send("events.app")
        (False, True)
        """
        if self.scope in _SHOPS:
            return topic == topics.PURCHASE.name
        return self.scope == "server" or topic not in _SERVER_ONLY


class WriteKeys:
    """The keys of the settings."""

    def __init__(
        self,
        by_hash: Mapping[bytes, Sender],
        secrets: Sequence[tuple[Sender, bytes]] = (),
    ) -> None:
        self._by_hash = by_hash
        self._secrets = secrets

    def sender_of(self, key: str) -> Sender | None:
        """Whose key it is; None for nobody's."""
        return self._by_hash.get(_hashed(key))

    def signing(self, scope: str) -> list[tuple[Sender, bytes]]:
        """The secrets by which a shop's system signs; they are no keys."""
        return [(sender, secret) for sender, secret in self._secrets if sender.scope == scope]


def parse_keys(text: str) -> WriteKeys:
    """The keys as a setting or a file has them.

    Raises:
        SettingsError: there is none, or an entry is none; it is told by its number only.

    >>> parse_keys("web=0123456789abcdef").sender_of("0123456789abcdef").name
    'web'
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    entries = [entry for line in lines for entry in line.split()]
    if not entries:
        raise SettingsError(
            "the gateway has no write keys, so nobody could send: set gateway.write_keys_file or "
            f"OFFERSTREAM_GATEWAY_WRITE_KEYS; {HOW}"
        )
    by_hash: dict[bytes, Sender] = {}
    secrets: list[tuple[Sender, bytes]] = []
    for number, entry in enumerate(entries, 1):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise SettingsError(f"gateway.write_keys: entry {number} is no write key; {HOW}")
        sender = Sender(found["name"], msgspec.convert(found["scope"] or "browser", Scope))
        if sender.scope in _SHOPS:
            secrets.append((sender, found["key"].encode()))
            continue
        if by_hash.setdefault(_hashed(found["key"]), sender) != sender:
            raise SettingsError(f"gateway.write_keys: entry {number} has the key of another source")
    return WriteKeys(by_hash, secrets)


def key_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key of a request, empty where it has none.

    In a header (`Authorization: Bearer`, `X-Write-Key`), as the user name of basic authentication
    (Segment's and RudderStack's libraries), or as `write_key` in the address (beacons; it is
    `writeKey` for RudderStack, `api_secret` for GA4).

    >>> key_of({"authorization": "Basic YWJjOg=="}, {}), key_of({}, {"write_key": "abc"})
    ('abc', 'abc')
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() == "basic":
        return _user_name(given.strip())
    in_address = next(filter(None, map(query.get, _IN_ADDRESS)), "")
    return headers.get("x-write-key", "") or in_address


def _user_name(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[0]
    except ValueError:
        return ""


def _hashed(key: str) -> bytes:
    return sha256(key.encode("utf-8", "replace")).digest()
