"""Ids that are personal data: an e-mail address or a phone number has no business in a key."""

import re

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DIALED = re.compile(r"\A(?:tel:)?\+?[0-9][0-9 ().\-]{6,}\Z")
_PHONE = re.compile(
    r"\A(?:tel:.+"
    r"|0[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4}"  # 03-1234-5678, 090-1234-5678
    r"|[0-9]{3}[-.][0-9]{3}[-.][0-9]{4}"  # 555-123-4567
    r"|0[789]0[0-9]{8})\Z"  # 09012345678: a Japanese mobile phone
)


def is_phone(id_: str) -> bool:
    """Whether an id of allowed characters is a phone number.

    Plain digits are mostly card numbers, so only Japanese mobile numbers count among those.

    >>> is_phone("090-1234-5678"), is_phone("4900000012345"), is_phone("c-000-17")
    (True, False, False)
    """
    return _PHONE.match(id_) is not None


def looks_personal(value: object) -> bool:
    """Whether a value that is no allowed id is an e-mail address or a phone number.

    >>> looks_personal("jane@example.com"), looks_personal("+1 555 123 4567"), looks_personal("a b")
    (True, True, False)
    """
    if not isinstance(value, str) or len(value) > 320:
        return False
    return bool(_EMAIL.search(value) or _DIALED.match(value) or _PHONE.match(value))
