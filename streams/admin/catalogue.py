"""The published reference data as it stands on its topics: read, compared, changed, taken back.

A change is one transaction: the records, and on `reference-versions` a version that keeps what
stood in their place. That is enough to go back, one version after the other.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer
from msgspec import Struct

from streams import topics
from streams.admin.sending import new_producer, produce, producing
from streams.broker.reading import read_to_end
from streams.broker.topic_rules import VERSION_BYTES_MAX
from streams.contracts.reference.records import REFERENCE_TOPICS
from streams.contracts.unreadable import UNREADABLE
from streams.errors import OperatorError
from streams.settings import Settings

VERSIONS_KEPT: Final = 50
COMMIT_S: Final = 30.0
ABORT_S: Final = 5.0
RECORD_BYTES_MAX: Final = 1_048_000  # of what a broker takes by itself, less what surrounds it
NOTHING: Final = msgspec.Raw(b"null")
Records = Mapping[str, Mapping[str, bytes]]


class OvertakenError(OperatorError):
    """Somebody else has published meanwhile."""


class Change(Struct, frozen=True):
    """One record that changes: by catalogue topic and key; None: there is none."""

    topic: str
    key: str
    before: bytes | None
    after: bytes | None

    @property
    def kind(self) -> str:
        """`added`, `changed` or `withdrawn`."""
        if self.before is None:
            return "added"
        return "withdrawn" if self.after is None else "changed"

    def __str__(self) -> str:
        sign = {"added": "+", "changed": "~", "withdrawn": "-"}[self.kind]
        fields = ", ".join(_fields_that_differ(self.before, self.after))
        return f"{sign} {self.topic} {self.key}" + (f": {fields}" if fields else "")


class Version(Struct, frozen=True):
    """What one change of the catalogue replaced. `number` counts from 1, `at_ms` is when."""

    number: int
    at_ms: int
    why: str
    undo: tuple[Change, ...]


class _Stored(Struct, frozen=True):
    """A record of `reference-versions`: a version's head, or what one record was before it."""

    number: int
    at_ms: int
    why: str
    topic: str = ""
    key: str = ""
    before: msgspec.Raw = NOTHING


_STORED: Final = msgspec.json.Decoder(_Stored)


def published(
    settings: Settings, names: Collection[str] = REFERENCE_TOPICS
) -> dict[str, dict[str, bytes]]:
    """Every record of these reference topics (all of them), by catalogue topic and key.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    wanted = [topic for topic in topics.REFERENCES if topic.name in names]
    named = {settings.on_broker(topic): topic.name for topic in wanted}
    there: dict[str, dict[str, bytes]] = {topic.name: {} for topic in wanted}
    for message in read_to_end(settings, list(named)):
        records = there[named[message.topic()]]
        key = (message.key() or b"").decode("utf-8", "replace")
        if message.value():
            records[key] = message.value()
        else:
            records.pop(key, None)
    return there


def changes(old: Records, new: Records) -> list[Change]:
    """What differs, topic by topic; a topic that `new` does not name is left as it is.

    >>> [str(c) for c in changes({"t": {"a": b"{}"}}, {"t": {"b": b"{}"}})]
    ['- t a', '+ t b']
    """
    return list(_changes(old, new))


def with_changes(there: Records, wanted: Sequence[Change]) -> Records:
    """What would stand after these changes."""
    after = {topic: dict(records) for topic, records in there.items()}
    for change in wanted:
        records = after.setdefault(change.topic, {})
        records.pop(change.key, None)
        if change.after is not None:
            records[change.key] = change.after
    return after


def _changes(old: Records, new: Records) -> Iterator[Change]:
    for name, wanted in new.items():
        there = old.get(name, {})
        for key in sorted(there.keys() | wanted.keys()):
            before, after = there.get(key), wanted.get(key)
            if before is None or after is None or _content(before) != _content(after):
                yield Change(name, key, before, after)


def _content(value: bytes) -> Any:
    try:
        return msgspec.json.decode(value)
    except UNREADABLE:
        return value


def _fields_that_differ(before: bytes | None, after: bytes | None) -> list[str]:
    if before is None or after is None:
        return []
    old, new = _content(before), _content(after)
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return ["all of it"]
    return sorted(n for n in old.keys() | new.keys() if old.get(n) != new.get(n))


def versions(settings: Settings) -> list[Version]:
    """The versions that are kept, the newest first.

    Raises:
        OperatorError: no broker answers, or the topic is missing.
    """
    heads: dict[int, _Stored] = {}
    undo: dict[int, dict[tuple[str, str], Change]] = {}
    for value in _stored(settings).values():
        one = _STORED.decode(value)
        if not one.topic:
            heads[one.number] = one
            continue
        before = None if one.before == NOTHING else bytes(one.before)
        back = Change(one.topic, one.key, None, before)
        undo.setdefault(one.number, {})[one.topic, one.key] = back
    return [
        Version(n, heads[n].at_ms, heads[n].why, tuple(undo.get(n, {}).values()))
        for n in sorted(heads, reverse=True)
    ]


def _stored(settings: Settings) -> dict[str, bytes]:
    there: dict[str, bytes] = {}
    for message in read_to_end(settings, [settings.on_broker(topics.REFERENCE_VERSIONS)]):
        key = (message.key() or b"").decode("utf-8", "replace")
        if message.value():
            there[key] = message.value()
        else:
            there.pop(key, None)
    return there


def before_version(current: Records, kept: Sequence[Version], number: int) -> Records:
    """The catalogue as it stood before version `number`, told from what each version replaced.

    Args:
        current: as it stands now.
        kept: the newest first, as `versions` gives them.
        number: the oldest version that is taken back.
    """
    wanted = {name: dict(records) for name, records in current.items()}
    for version in kept:
        if version.number < number:
            break
        for change in version.undo:
            if change.after is None:
                wanted[change.topic].pop(change.key, None)
            else:
                wanted[change.topic][change.key] = change.after
    return wanted


def commit(settings: Settings, wanted: Sequence[Change], why: str) -> int:
    """Publish changes and keep what they replace; all of it or nothing, for committed readers.

    What stands is compared with `before` once the transactional id is taken: whoever took it
    earlier has ended by then, and whoever takes it later ends this transaction.

    Returns:
        The number of the version; 0 where nothing changes.

    Raises:
        OvertakenError: a record is not as `before` says; nothing is published.
        OperatorError: the broker does not answer or refuses.
    """
    if not wanted:
        return 0
    _check_sizes([(change.topic, change.key, change.after) for change in wanted])
    on_broker = {topic.name: settings.on_broker(topic) for topic in topics.ALL}
    with _transaction(settings) as producer:
        _check_untouched(published(settings, {change.topic for change in wanted}), wanted)
        number, records = _to_write(_stored(settings), wanted, why)
        for name, key, value in records:
            produce(producer, on_broker[name], key.encode(), value)
    return number


def _check_untouched(there: Records, wanted: Sequence[Change]) -> None:
    """Raises: OvertakenError: somebody else has changed one of the records meanwhile."""
    for change in wanted:
        if there[change.topic].get(change.key) != change.before:
            raise OvertakenError(
                f"nothing was published: somebody else has changed {change.topic} {change.key} "
                "meanwhile. Look again at what would change"
            )


def _to_write(
    stored: Mapping[str, bytes], wanted: Sequence[Change], why: str
) -> tuple[int, list[tuple[str, str, bytes | None]]]:
    """The number of a version, and its records: topic, key, value."""
    number = max((_STORED.decode(value).number for value in stored.values()), default=0) + 1
    records = [(change.topic, change.key, change.after) for change in wanted]
    versions_ = topics.REFERENCE_VERSIONS.name
    records += [(versions_, key, value) for key, value in _version_records(number, wanted, why)]
    records += [
        (versions_, key, None)
        for key in stored
        if int(key.partition(" ")[0]) <= number - VERSIONS_KEPT
    ]
    return number, records


def _check_sizes(records: Sequence[tuple[str, str, bytes | None]]) -> None:
    """Raises: OperatorError: a record is larger than the broker takes; nothing was sent."""
    for topic, key, value in records:
        size = len(key.encode()) + len(value or b"")
        if size > RECORD_BYTES_MAX:
            raise OperatorError(
                f"nothing was published: {topic} {key} has {size:,} bytes, and a record may have "
                f"{RECORD_BYTES_MAX:,}. Make it smaller"
            )


def _version_records(
    number: int, wanted: Sequence[Change], why: str
) -> Iterator[tuple[str, bytes]]:
    at_ms = time.time_ns() // 1_000_000
    yield f"{number}", msgspec.json.encode(_Stored(number, at_ms, why))
    for change in wanted:
        before = _kept(change.before)
        one = _Stored(number, at_ms, why, change.topic, change.key, before)
        yield f"{number} {change.topic} {change.key}", msgspec.json.encode(one)


def _kept(before: bytes | None) -> msgspec.Raw:
    """As it stood; what was no JSON no worker could read, and it does not come back."""
    if before is None or not isinstance(_content(before), dict):
        return NOTHING
    return msgspec.Raw(before)


@contextmanager
def _transaction(settings: Settings) -> Iterator[Producer]:
    """A producer whose records are seen all together; one after the other where there is no such.

    Raises:
        OperatorError: the broker refuses; nothing is seen then.
    """
    if not settings.transactional:
        with producing(settings) as producer:
            yield producer
        return
    differs = {
        "transactional.id": f"{settings.group}-publish",
        "message.max.bytes": VERSION_BYTES_MAX,
    }
    producer, asked = new_producer(settings, differs), False
    try:
        producer.init_transactions(COMMIT_S)
        producer.begin_transaction()
        yield producer
        producer.flush(COMMIT_S)
        asked = True
        producer.commit_transaction(COMMIT_S)
    except KafkaException as error:
        if asked and error.args[0].code() == KafkaError._TIMED_OUT:
            raise OperatorError(
                "the broker did not say whether it was published. "
                "Look with `offerstream offers versions`"
            ) from error
        _abort(producer)
        raise OperatorError(
            f"nothing was published, the broker refused: {error.args[0].str()}. "
            "Run `offerstream topics verify`"
        ) from error
    except BaseException:
        _abort(producer)
        raise


def _abort(producer: Producer) -> None:
    """So that readers need not wait until the broker ends it."""
    with suppress(KafkaException):
        producer.abort_transaction(ABORT_S)
