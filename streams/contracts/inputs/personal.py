"""E-mail addresses and phone numbers, found by their look: in ids, and in texts of any kind."""

import re
from unicodedata import normalize

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DIALED = re.compile(r"\A(?:tel:)?\+?[0-9][0-9 ().\-]{6,}\Z")
_PHONE = re.compile(
    r"\A(?:tel:.+"
    r"|0[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4}"  # 03-1234-5678, 090-1234-5678
    r"|[0-9]{3}[-.][0-9]{3}[-.][0-9]{4}"  # 555-123-4567
    r"|0[789]0[0-9]{8})\Z"  # 09012345678: a Japanese mobile phone
)

_DATE = re.compile(
    r"(?<!\d)(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)"
    r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?"
)
# Not inside a longer number: a GTIN written in groups is no phone number.
_ALONE = r"(?<![\w+])(?<!\d[ \-./])"
_END = r"(?![ \-./]?\d)(?!\w)"
_PHONE_INSIDE = re.compile(
    r"\btel:\s*\+?[0-9]"
    rf"|{_ALONE}\+[1-9](?:[ ().\-/]{{0,2}}[0-9]){{7,14}}{_END}"  # +49 170 1234567
    rf"|{_ALONE}00[1-9][0-9]{{0,2}}[ ./\-](?:[ ().\-/]{{0,2}}[0-9]){{6,12}}{_END}"  # 0049 170 ...
    rf"|{_ALONE}0[1-9][0-9]{{0,3}}[ /\-](?=(?:[ \-]?[0-9]){{6,9}}{_END})"
    rf"[0-9]{{2,8}}(?:[ \-][0-9]{{2,8}}){{0,3}}{_END}"  # 0170/1234567, 03-1234-5678
    rf"|{_ALONE}\(0?[0-9]{{2,4}}\)[ ]?[0-9]{{3,4}}[ \-]?[0-9]{{3,5}}{_END}"  # (555) 123-4567
    rf"|{_ALONE}[0-9]{{3}}[\-. ][0-9]{{3}}[\-. ][0-9]{{4}}{_END}"  # 555-123-4567
    rf"|{_ALONE}0[789]0[0-9]{{8}}{_END}"  # 09012345678
)


def holds_personal(text: str) -> bool:
    """Whether an e-mail address, a handle or a phone number stands anywhere in a text.

    Plain digits are no phone number: they are card numbers, GTINs, amounts, orders. Neither are
    dates and times. Wide letters and digits, as East Asian keyboards give, are read as plain ones.

    >>> holds_personal("call +49 170 1234567"), holds_personal("mail: jane@example.com")
    (True, True)
    >>> holds_personal("2026-03-01T10:00:00+09:00"), holds_personal("4900000012345")
    (False, False)
    """
    if not text.isascii():
        text = normalize("NFKC", text)
    return "@" in text or _PHONE_INSIDE.search(_DATE.sub(" ", text)) is not None


def is_phone(id_: str) -> bool:
    """Whether an id of allowed characters is a phone number.

    Plain digits are mostly card numbers, so only Japanese mobile numbers count among those.

    >>> is_phone("090-1234-5678"), is_phone("4900000012345"), is_phone("c-000-17")
    (True, False, False)
    """
    return _PHONE.match(id_) is not None


def is_email(value: object) -> bool:
    """Whether a value is, or holds, an e-mail address."""
    return isinstance(value, str) and len(value) <= 320 and bool(_EMAIL.search(value))


def looks_personal(value: object) -> bool:
    """Whether a value that is no allowed id is an e-mail address or a phone number.

    >>> looks_personal("jane@example.com"), looks_personal("+1 555 123 4567"), looks_personal("a b")
    (True, True, False)
    """
    if not isinstance(value, str) or len(value) > 320:
        return False
    return bool(_EMAIL.search(value) or _DIALED.match(value) or _PHONE.match(value))
