"""Bodies of other systems, Segment's libraries first, to single events of ours."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.sources.apply import map_message
from streams.contracts.sources.mapping import mapping_of
from streams.contracts.sources.snowplow import unwrapped
from streams.contracts.unreadable import UNREADABLE
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.splitting import Incoming

CALLS: Final = {
    "track": "t",
    "page": "p",
    "screen": "s",
    "identify": "i",
    "alias": "a",
    "group": "g",
}
BATCHES: Final = ("batch", "b", "import")
_OF_MEASUREMENTS: Final = ("client_id", "app_instance_id", "user_id", "timestamp_micros")
_OF_BATCH: Final = ("sentAt", "context", "originalTimestamp")


class Read(Struct, frozen=True):
    """A body taken apart; `ignored` are messages that are no events of ours, by their places."""

    incoming: list[Incoming]
    ignored: list[int]


def read_payload(body: bytes) -> dict[str, Any]:
    """The body as the object that it must be.

    Raises:
        RequestRefusedError: it is no JSON object.
    """
    try:
        payload = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise RequestRefusedError(422, "invalid_json", "the body is no JSON") from error
    if not isinstance(payload, dict):
        raise RequestRefusedError(422, "not_an_object", "the body is no JSON object")
    return payload


def messages_of(call: str, payload: Mapping[str, Any]) -> list[Any]:
    """The messages of a call; those of a batch have what is said once for all of them.

    Raises:
        RequestRefusedError: a batch without its list.
    """
    if call not in BATCHES:
        return [{**payload, "type": _TYPES.get(call, call)}]
    shared = {name: payload[name] for name in _OF_BATCH if name in payload}
    batch = _listed(payload, "batch")
    return [{**shared, **one} if isinstance(one, dict) else one for one in batch]


def measurements_of(payload: Mapping[str, Any]) -> list[Any]:
    """The events of a request of GA4's Measurement Protocol, each with what is said once for all.

    Raises:
        RequestRefusedError: there is no list of events.
    """
    shared = {name: payload[name] for name in _OF_MEASUREMENTS if name in payload}
    events = _listed(payload, "events")
    return [{**shared, **one, "type": "event"} if isinstance(one, dict) else one for one in events]


def tracked_in(payload: Mapping[str, Any]) -> list[Any]:
    """The messages of a request of Snowplow's trackers (tp2), unwrapped.

    Raises:
        RequestRefusedError: there is no list of messages.
    """
    data = _listed(payload, "data")
    return [unwrapped(one) if isinstance(one, dict) else one for one in data]


def _listed(payload: Mapping[str, Any], name: str) -> list[Any]:
    messages = payload.get(name)
    if not isinstance(messages, list):
        raise RequestRefusedError(422, "no_batch", f"the field `{name}` is no list")
    return messages


def read_messages(source: str, messages: list[Any], arrived_ms: int) -> Read:
    """Each message as an event of ours; what cannot be one goes on as it came, and is refused."""
    incoming, ignored = [], []
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            value = msgspec.json.encode(message)
            incoming.append(Incoming(index, topics.CLICKSTREAM.name, value))
            continue
        mapped = map_message(mapping_of(source), message, arrived_ms)
        if mapped.ignored:
            ignored.append(index)
            continue
        value = msgspec.json.encode(mapped.event)
        incoming.append(Incoming(index, mapped.topic, value, origins=mapped.origins))
    return Read(incoming, ignored)


_TYPES: Final = {short: call for call, short in CALLS.items()}
