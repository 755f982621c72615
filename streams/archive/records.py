"""A record of a topic as a row of the archive: its id, whom it is about, and what it says."""

from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.ids import pseudonym
from streams.contracts.internal.learning import CUSTOMER_KEY
from streams.contracts.unreadable import UNREADABLE

ARCHIVED: Final = (
    topics.DECISION_LOG,
    topics.NEXT_BEST_OFFERS,
    topics.CHURN_ALERTS,
    topics.CASE_OUTCOMES,
    topics.SEGMENT_CHANGES,
    topics.IDENTITY_CHANGES,
    topics.PRIVACY_RECEIPTS,
    topics.LEARNING_EXAMPLES,
    topics.MODEL_SNAPSHOTS,
    topics.BUDGETS,
    *topics.REFERENCES,
)
"""What is always archived; input events are by wish."""

_IDS: Final = (
    "decision_id",
    "alert_id",
    "case_id",
    "change_id",
    "example_id",
    "request_id",
    "version",
    "event_id",
    "offer_id",
    "product_id",
)
_PEOPLE: Final = ("customer_id", "other_id", "anonymous_id", "device_id")
_LABELS: Final = frozenset({"response", "margin", "offer_margin"})
_LABELS_OF_LOOKS: Final = "calibration"


class Row(Struct, frozen=True, kw_only=True):
    """A record as it is archived.

    Attributes:
        partition, offset: where Kafka had it; together with the topic they name it for good.
        at_ms: the record's timestamp.
        key: as text; None where there was none.
        id: of what it tells: a decision, an alert, a version.
        people: every id of a person that it names.
        value: as text; None for a tombstone, and for what is no text.
        raw: the bytes in base64 where they are no text.
        headers: names and values as JSON; None where there are none.
    """

    partition: int
    offset: int
    at_ms: int
    key: str | None
    id: str | None
    people: tuple[str, ...]
    value: str | None
    raw: bytes | None = None
    headers: str | None = None

    @property
    def day(self) -> date:
        """Of the record's timestamp, UTC."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC).date()

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return 200 + len(self.value or "") + len(self.raw or b"")


def row_of(topic: str, message: Any) -> Row | None:
    """The row of a record of confluent-kafka's; None for one that is not archived.

    Of the labels of who leaves those are by which the score is judged, under a pseudonym that an
    erasure finds. The others are not: they name nobody, and follow from purchases and outcomes.
    """
    value = message.value()
    told = _told(value)
    people = people_of(told)
    if topic == topics.LEARNING_EXAMPLES.name:
        if told.get("model") == _LABELS_OF_LOOKS:
            people = _labeled_one(told)
            if not people:
                return None
        elif told.get("model", "response") not in _LABELS:
            return None
    text, raw = _as_text(value)
    return Row(
        partition=message.partition(),
        offset=message.offset(),
        at_ms=message.timestamp()[1],
        key=_as_text(message.key())[0],
        id=next((str(told[name]) for name in _IDS if isinstance(told.get(name), str)), None),
        people=people,
        value=text,
        raw=raw,
        headers=_headers(message.headers()),
    )


def people_of(told: dict[str, Any]) -> tuple[str, ...]:
    """Every id of a person in a record: on top, in its identity, in what it links.

    >>> people_of({"identity": {"customer_id": "mia", "anonymous_id": "a-1"}})
    ('a-1', 'mia')
    """
    places = [told, told.get("identity"), told.get("link"), told.get("data")]
    inner = told.get("data")
    if isinstance(inner, dict):
        places += [inner.get("identity"), inner.get("link")]
    found = {
        place[name]
        for place in places
        if isinstance(place, dict)
        for name in (*_PEOPLE, "to", "from")
        if isinstance(place.get(name), str)
    }
    return tuple(sorted(found))


def as_labels_name(id_: str) -> str:
    """How labels name a person: by a pseudonym, which is nobody's id, for no id holds a `#`."""
    return f"#{pseudonym(id_)}"


def _labeled_one(told: dict[str, Any]) -> tuple[str, ...]:
    """Whom a label is about; nobody where an older version wrote it."""
    features = told.get("features")
    key = features.get(CUSTOMER_KEY) if isinstance(features, dict) else None
    return (f"#{int(key)}",) if isinstance(key, int | float) else ()


def _told(value: bytes | None) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(value or b"null")
    except UNREADABLE:
        return {}
    return told if isinstance(told, dict) else {}


def _as_text(value: bytes | None) -> tuple[str | None, bytes | None]:
    if value is None:
        return None, None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None, value
    return (None, value) if "\x00" in text else (text, None)


def _headers(headers: Any) -> str | None:
    if not headers:
        return None
    told = [(name, (value or b"").decode("utf-8", "replace")) for name, value in headers]
    return msgspec.json.encode(told).decode()
