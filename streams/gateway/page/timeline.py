"""What happened to one person, out of records of several topics: a line each, the newest first."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams import topics
from streams.admin.explaining import Explanation, explain
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import (
    ChurnAlert,
    DecisionLog,
    IdentityChange,
    SegmentChange,
)
from streams.contracts.unreadable import UNREADABLE
from streams.gateway.page.texts import texts_of

LINES_MAX: Final = 200
DECISIONS_MAX: Final = 20
TRAITS_MAX: Final = 5


class Line(Struct, frozen=True):
    """One thing that happened: `kind` says what it is, `what` and `more` are as they were sent.

    `count`: so many times without anything else between; `at` is the last one, `since` the first.
    """

    at: datetime
    kind: str
    what: str
    more: tuple[str, ...] = ()
    count: int = 1
    since: datetime | None = None


class History(Struct, frozen=True):
    """All of it; `decisions` are those of `lines`, each with why and why not."""

    lines: tuple[Line, ...]
    decisions: tuple[Explanation, ...]
    links: tuple[IdentityChange, ...]
    left_out: int


class _Product(Struct):
    product_id: str = ""
    name: str = ""


class _Query(Struct):
    text: str = ""


class _Web(Struct):
    path: str = ""


class _Event(Struct, kw_only=True):
    """Of an input event what a line of the timeline says."""

    event_name: str
    occurred_at: datetime
    event_id: str = ""
    product: _Product | None = None
    query: _Query | None = None
    page: _Web | None = None
    traits: dict[str, msgspec.Raw] | None = None
    order_id: str | None = None
    offer_id: str | None = None
    store_id: str | None = None


_event: Final = msgspec.json.Decoder(_Event)
_decision: Final = msgspec.json.Decoder(DecisionLog)
_alert: Final = msgspec.json.Decoder(ChurnAlert)
_link: Final = msgspec.json.Decoder(IdentityChange)
_segment: Final = msgspec.json.Decoder(SegmentChange)


def history_of(found: list[tuple[str, bytes]], language: LanguageTag) -> History:
    """The history that records tell; what cannot be read is counted in `left_out`.

    Args:
        found: the topic's name and the value of each record.
        language: of the words.
    """
    lines: list[Line] = []
    decisions: dict[str, DecisionLog] = {}
    links: dict[str, IdentityChange] = {}
    unreadable = 0
    for name, value in found:
        try:
            if name == topics.DECISION_LOG.name:
                entry = _decision.decode(value)
                decisions[entry.decision_id] = entry
            elif name == topics.IDENTITY_CHANGES.name:
                change = _link.decode(value)
                links[change.change_id] = change
            else:
                lines.append(_LINES.get(name, _of_event)(value, language))
        except UNREADABLE:
            unreadable += 1
    lines += [_of_link(change) for change in links.values()]
    newest = sorted(decisions.values(), key=lambda one: one.decided_at, reverse=True)
    told = tuple(explain(one, None, language) for one in newest[:DECISIONS_MAX])
    lines += [
        Line(entry.decided_at, "decision", one.text, tuple(_chosen(one, language)))
        for entry, one in zip(newest, told, strict=False)
    ]
    lines = sorted(lines, key=lambda line: line.at)[::-1]
    lines = list(together(dict.fromkeys(lines)))
    return History(
        lines=tuple(lines[:LINES_MAX]),
        decisions=told,
        links=tuple(sorted(links.values(), key=lambda link: link.changed_at)),
        left_out=unreadable + max(0, len(lines) - LINES_MAX),
    )


def together(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines, the newest first, with what comes several times in a row as one.

    A phone beside a shelf hears its beacon every few seconds.
    """
    for _, alike in groupby(lines, key=lambda line: (line.kind, line.what, line.more)):
        newest, *before = alike
        if before:
            newest = replace(newest, count=1 + len(before), since=before[-1].at)
        yield newest


def _chosen(one: Explanation, language: LanguageTag) -> Iterator[str]:
    if one.chosen_offer_id is not None:
        yield one.chosen_offer_id
    known = texts_of(language)
    yield f"{known[f'channel.{one.channel}']}{known['base.comma']}{one.placement}"


def _of_event(value: bytes, _: LanguageTag) -> Line:
    event = _event.decode(value)
    said = [event.order_id, event.offer_id, event.store_id]
    if event.product is not None:
        said += [event.product.product_id, event.product.name]
    if event.query is not None:
        said.append(event.query.text)
    if event.page is not None:
        said.append(event.page.path)
    for trait, said_of in list((event.traits or {}).items())[:TRAITS_MAX]:
        said.append(f"{trait}: {bytes(said_of).decode()}")
    return Line(event.occurred_at, "event", event.event_name, tuple(s for s in said if s))


def _of_alert(value: bytes, language: LanguageTag) -> Line:
    alert = _alert.decode(value)
    return Line(alert.raised_at, "alert", alert.text.get(language, alert.transition))


def _of_segment(value: bytes, _: LanguageTag) -> Line:
    change = _segment.decode(value)
    return Line(change.changed_at, "stage", change.segment)


def _of_link(change: IdentityChange) -> Line:
    said = (change.other_id, change.evidence_event_id or "")
    return Line(change.changed_at, "link", change.kind, tuple(s for s in said if s))


_LINES: Final[dict[str, Callable[[bytes, LanguageTag], Line]]] = {
    topics.CHURN_ALERTS.name: _of_alert,
    topics.SEGMENT_CHANGES.name: _of_segment,
}
