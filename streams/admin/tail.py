"""Tailing offers and alerts: one line a record, committed records only."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from streams import topics
from streams.broker.reading import follow
from streams.contracts.chances import equation
from streams.contracts.outputs.payloads import ChurnAlert, NextBestOffer
from streams.contracts.unreadable import UNREADABLE
from streams.settings import Settings
from streams.topics import Topic

_OFFER = msgspec.json.Decoder(NextBestOffer)
_ALERT = msgspec.json.Decoder(ChurnAlert)


def tail_offers(settings: Settings, *, all_: bool, language: str) -> Iterator[str | None]:
    """Offers as text; `None` once a second while there are none."""
    return _tail(settings, topics.NEXT_BEST_OFFERS, all_, lambda v: _offer(v, language))


def tail_alerts(settings: Settings, *, all_: bool, language: str) -> Iterator[str | None]:
    """Alerts as text; `None` once a second while there are none."""
    return _tail(settings, topics.CHURN_ALERTS, all_, lambda v: _alert(v, language))


def _tail(
    settings: Settings, topic: Topic, all_: bool, render: Callable[[bytes], str]
) -> Iterator[str | None]:
    for message in follow(settings, [settings.on_broker(topic)], "beginning" if all_ else "end"):
        yield None if message is None else _rendered(message, render)


def _rendered(message: Any, render: Callable[[bytes], str]) -> str:
    try:
        return render(message.value() or b"")
    except UNREADABLE as error:
        return f"{message.partition()}@{message.offset()} cannot be read: {error}"


def _offer(value: bytes, language: str) -> str:
    o = _OFFER.decode(value)
    text = o.text.get(language, next(iter(o.text.values()), ""))  # type: ignore[call-overload]
    return (
        f"{o.decided_at:%Y-%m-%d %H:%M:%S}  {o.customer_id}  {o.offer.offer_id}"
        f"  {equation('p', o.action_probability, 3)}  {o.trigger.kind}  {o.experiment.arm}  {text}"
    )


def _alert(value: bytes, language: str) -> str:
    a = _ALERT.decode(value)
    text = a.text.get(language, next(iter(a.text.values()), ""))  # type: ignore[call-overload]
    return (
        f"{a.raised_at:%Y-%m-%d %H:%M:%S}  {a.customer_id}  {a.transition} {a.risk_band}"
        f"  {'risk=-' if a.risk is None else equation('risk', a.risk, 2)}  {text}"
    )
