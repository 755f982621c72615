"""Ids of other systems in the letters that our ids may have: escaped, and readable back.

Ours are 1 to 64 of `A-Za-z0-9_.:-`. An id with other characters (`auth0|5f7c`, `gid://shop/1`)
becomes `esc:` and the same text with each other byte, and each colon, as `:` and two hex digits.
Ids that need nothing stay as they are, so that both ways in mean the same person.
"""

import re
from typing import Final

from streams.contracts.ids import derive_id
from streams.contracts.inputs.personal import looks_personal

MARK: Final = "esc:"
LONG: Final = "esh"
CHARS_MAX: Final = 64
_PLAIN = re.compile(r"\A[A-Za-z0-9_.:\-]{1,64}\Z")
_OTHER = re.compile(rb"[^A-Za-z0-9_.\-]")
_ESCAPED = re.compile(rb":([0-9A-F]{2})")


def escaped(id_: str) -> str:
    """The id in our letters; two ids never become one.

    One that would be over 64 characters becomes `esh_` and a hash, which cannot be read back. An
    e-mail address or a phone number is not hidden in an id: it stays, and `decode` refuses it.

    >>> escaped("auth0|5f7c"), escaped("c-1001")
    ('esc:auth0:7C5f7c', 'c-1001')
    >>> escaped("jane@example.com")
    'jane@example.com'
    """
    if _PLAIN.match(id_) and not id_.startswith((MARK, f"{LONG}_")):
        return id_
    if looks_personal(id_):
        return id_
    raw = id_.encode("utf-8", "surrogatepass")
    text = MARK + _OTHER.sub(lambda found: b":%02X" % found[0][0], raw).decode("ascii")
    return text if len(text) <= CHARS_MAX else derive_id(LONG, raw.hex())


def unescaped(id_: str) -> str:
    """What `escaped` was given; an id that it never wrote comes back as it is.

    >>> unescaped("esc:auth0:7C5f7c"), unescaped("c-1001")
    ('auth0|5f7c', 'c-1001')
    """
    if not id_.startswith(MARK):
        return id_
    raw = id_.removeprefix(MARK).encode("ascii", "replace")
    bytes_ = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), raw)
    return bytes_.decode("utf-8", "surrogatepass")
