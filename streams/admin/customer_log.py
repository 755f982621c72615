"""What the log keeps of one person: what linked their ids, and the last decisions, explained."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.explained import told
from streams.admin.explaining import explain
from streams.admin.kept_decisions import Wanted, kept_at
from streams.admin.log_places import LogPlace, log_place, records
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import DecisionLog, IdentityChange
from streams.errors import NotKeptError
from streams.settings import Settings


class CustomerLog(Struct, frozen=True):
    """Links and decisions, the oldest first; `words` say the same, with why and why not."""

    links: tuple[IdentityChange, ...]
    decisions: tuple[DecisionLog, ...]
    words: tuple[str, ...]


def read_log(place: LogPlace, person: str, limit: int, language: LanguageTag) -> CustomerLog:
    """Every link of a person, and at most `limit` decisions.

    Raises:
        OperatorError: no broker answers, a topic is missing, or a file is damaged.
    """
    links = tuple(_links(place, person))
    decisions, words = _decisions(place, person, language, limit) if limit else ((), ())
    return CustomerLog(links, decisions, (*map(_in_words, links), *words))


def log_of(settings: Settings, person: str, limit: int) -> CustomerLog:
    """The same from this machine's archive and the topics, in English, for who is elsewhere.

    So `words` name no folder and no address of this machine.

    Raises:
        OperatorError: as `read_log`.
    """
    notes: list[str] = []
    place = log_place(None, lambda: settings, notes.append)
    found = read_log(place, person, limit, "en")
    only = ("Kafka does not answer: only what is archived was looked at",) if notes else ()
    return msgspec.structs.replace(found, words=(*found.words, *only))


def _links(place: LogPlace, person: str) -> Iterator[IdentityChange]:
    for _, value in records(place, topics.IDENTITY_CHANGES, person_id=person):
        change = msgspec.json.decode(value, type=IdentityChange)
        if person in (change.customer_id, change.other_id):
            yield change


def _in_words(change: IdentityChange) -> str:
    at = change.changed_at.strftime("%Y-%m-%d %H:%M UTC")
    evidence = change.evidence_event_id or "none"
    what = f"{change.kind}: {change.customer_id} and {change.other_id}"
    return f"{what}, {at}, by {change.method}, evidence {evidence}"


def _decisions(
    place: LogPlace, person: str, language: LanguageTag, limit: int
) -> tuple[tuple[DecisionLog, ...], tuple[str, ...]]:
    try:
        kept = kept_at(place, Wanted(customer_id=person), limit)
    except NotKeptError:
        return (), ("no decisions: the log holds none about this customer",)
    last = kept.entries
    words = ["the last decisions:"]
    for entry in last:
        words += told(explain(entry, kept.models.get(entry.model.version), language), language)
    return last, tuple(words)
