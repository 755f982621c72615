"""Single values of other systems in our forms: ids, texts, numbers, times. Total: any JSON."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from streams.contracts.sources.ids import escaped
from streams.contracts.sources.times import moment_ms
from streams.contracts.times import from_ms

Kind = Literal[
    "id", "text", "money", "whole", "host", "path", "flat", "email_ids", "time", "country", "same"
]

_NUMBER = re.compile(r"\A\s*(-?[0-9]+(?:\.[0-9]+)?)\s*\Z")
_COUNTRY = re.compile(r"\A[A-Za-z]{2}\Z")
_ENTRIES_MAX = 64


def present(value: object) -> bool:
    """Whether a value says anything: null, an empty text and blanks do not."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def id_of(value: object) -> str | None:
    """An id as text: numbers are read as one writes them.

    >>> id_of(4711), id_of(4711.0), id_of(" c-1 "), id_of(True)
    ('4711', '4711', 'c-1', None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return escaped(str(value))
    if isinstance(value, float):
        return escaped(str(int(value)) if value.is_integer() else repr(value))
    return escaped(value.strip()) if isinstance(value, str) else None


def text_of(value: object) -> str | None:
    """A text without the blanks around it; a number as one writes it."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def money_of(value: object) -> object:
    """A price: a decimal text without the blanks around it. What is no number stays: it is refused.

    >>> money_of(" 12.50 "), money_of(12.5), money_of("about 12")
    ('12.50', 12.5, 'about 12')
    """
    if isinstance(value, str) and (found := _NUMBER.match(value)):
        return found[1]
    return value


def whole_of(value: object) -> int | None:
    """A count or a place in a list, None where it is neither.

    >>> whole_of("3"), whole_of(3.0), whole_of("top"), whole_of(-1)
    (3, 3, None, None)
    """
    if isinstance(value, str) and (found := _NUMBER.match(value)):
        value = float(found[1])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000:
        return None
    return int(value) if float(value).is_integer() else None


def path_of(value: object) -> str | None:
    """The path of a page, of its address too; never its query, where personal data hide.

    >>> path_of("https://shop.example/p/1?email=x"), path_of("/cart#top")
    ('/p/1', '/cart')
    """
    parts = _address(value)
    return None if parts is None else parts[1] or "/"


def host_of(value: object) -> str | None:
    """The host of an address.

    >>> host_of("https://news.example/a?b=c")
    'news.example'
    """
    parts = _address(value)
    return parts[0] or None if parts is not None else None


def _address(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value.strip())
        return parts.hostname or "", parts.path
    except ValueError:
        return None


def flat_of(value: object) -> dict[str, Any] | None:
    """The entries of a map that are no maps themselves; lists only of texts."""
    if not isinstance(value, Mapping):
        return None
    entries = {
        str(name): entry
        for name, entry in value.items()
        if present(entry) and (not isinstance(entry, dict | list) or _texts(entry))
    }
    return dict(list(entries.items())[:_ENTRIES_MAX])


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def email_ids_of(value: object) -> list[dict[str, str]] | None:
    """An e-mail address as the hash that stands for it (SHA-256, of small letters)."""
    if not isinstance(value, str) or "@" not in value:
        return None
    value_hash = sha256(value.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    return [{"type": "email", "value_hash": value_hash}]


def time_of(value: object) -> object:
    """A time in RFC 3339; what is none stays as it is, and is refused.

    >>> time_of(1_772_964_000), time_of("2026-03-08T11:00:00+01:00"), time_of("soon")
    ('2026-03-08T10:00:00.000Z', '2026-03-08T10:00:00.000Z', 'soon')
    """
    at_ms = moment_ms(value)
    return value if at_ms is None else time_text(at_ms)


def time_text(at_ms: int) -> str:
    """Milliseconds since 1970 in RFC 3339, UTC.

    >>> time_text(1_772_964_000_250)
    '2026-03-08T10:00:00.250Z'
    """
    return from_ms(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def country_of(value: object) -> str | None:
    """A country of two letters, as ISO 3166 has it; None for its name."""
    if isinstance(value, str) and _COUNTRY.match(value.strip()):
        return value.strip().upper()
    return None


def same(value: object) -> object:
    """The value as it is."""
    return value


CONVERSIONS: Final[dict[Kind, Callable[[object], object]]] = {
    "id": id_of,
    "text": text_of,
    "money": money_of,
    "whole": whole_of,
    "host": host_of,
    "path": path_of,
    "flat": flat_of,
    "email_ids": email_ids_of,
    "time": time_of,
    "country": country_of,
    "same": same,
}
