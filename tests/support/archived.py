"""An archive made of records at hand, in the place of topics that were archived."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from streams.archive.keeping import Keeper, Keeping
from streams.archive.records import Row, people_of
from streams.topics import Topic

Sent = tuple[int, str, bytes]
"""A record: epoch milliseconds, key, value."""


def archive_of(root: Path, records: Mapping[Topic, Iterable[Sent]]) -> Path:
    """Records of one partition of each topic; those that are no JSON are left out."""
    names = tuple(topic.name for topic in records)
    keeper = Keeper(Keeping(root=root, topics=names, by_wall=False))
    for topic, sent in records.items():
        good = [one for one in sent if is_json(one[2])]
        for offset, one in enumerate(good):
            keeper.take((topic.name, 0), offset + 1, _row(offset, one))
    keeper.flush()
    return root


def is_json(value: bytes) -> bool:
    """Whether a record has a row as we make it here."""
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _row(offset: int, one: Sent) -> Row:
    at_ms, key, value = one
    told = json.loads(value)
    ids = [told.get(name) for name in ("decision_id", "version", "example_id")]
    return Row(
        partition=0,
        offset=offset,
        at_ms=at_ms,
        key=key,
        id=next((i for i in ids if isinstance(i, str)), None),
        people=people_of(told),
        value=value.decode(),
    )
