"""Who asked to be erased, and under which ids the archive knows them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from streams import topics
from streams.archive.damage import reading
from streams.archive.files import database
from streams.archive.layout import pieces, that_count
from streams.archive.positions import load
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import PrivacyRequest
from streams.contracts.inputs.rules import InputRules
from streams.contracts.outputs.payloads import IdentityChange
from streams.contracts.unreadable import UNREADABLE

_CHANGE = msgspec.json.Decoder(IdentityChange)
_ANY_TIME = InputRules(now_ms=2**52, occurred_at_min_ms=0)


class Asked(Struct, frozen=True):
    """A person who asked: the ids that were named, and up to which time records go."""

    ids: tuple[str, ...]
    until_ms: int


def asked_of(message: Any) -> Iterator[Asked]:
    """The erasure that a record of `privacy.requests` asks for, read as the worker reads it."""
    headers = tuple(message.headers() or ())
    event = decode(topics.PRIVACY_REQUESTS.name, message.value(), headers, _ANY_TIME)
    if isinstance(event, PrivacyRequest) and event.event_name == "erasure_requested":
        identity = event.identity
        named = (identity.customer_id, identity.anonymous_id, identity.device_id)
        ids = tuple(sorted({one for one in named if one is not None}))
        if ids:
            yield Asked(ids, max(event.at_ms, message.timestamp()[1]))


def ids_with_links(root: Path, ids: Sequence[str]) -> tuple[str, ...]:
    """These ids and all that are linked to them, by the identity changes in the archive."""
    linked: dict[str, set[str]] = {}
    for change in _changes(root):
        one, other = change.customer_id, change.other_id
        if change.kind == "linked":
            linked.setdefault(one, set()).add(other)
            linked.setdefault(other, set()).add(one)
        elif change.kind == "unlinked":
            linked.get(one, set()).discard(other)
            linked.get(other, set()).discard(one)
    found, waiting = set(ids), list(ids)
    while waiting:
        new = linked.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return tuple(sorted(found))


def _changes(root: Path) -> Iterator[IdentityChange]:
    name = topics.IDENTITY_CHANGES.name
    counted = that_count(pieces(root, name), load(root).next)
    if not counted:
        return
    paths = [str(root / piece.place) for piece in counted]
    with reading(paths), database() as connection:
        query = 'SELECT value FROM read_parquet(?) WHERE value IS NOT NULL ORDER BY "at", "offset"'
        rows = connection.execute(query, [paths]).fetchall()
    for (value,) in rows:
        try:
            yield _CHANGE.decode(value)
        except UNREADABLE:
            continue
