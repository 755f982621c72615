"""Bodies of other systems, Segment's libraries first, to single events of ours."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.sources.apply import map_message
from streams.contracts.sources.mapping import SourceMapping
from streams.contracts.sources.messages import payloads_in, unfolded
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


def messages_of(call: str, mapping: SourceMapping, payload: dict[str, Any]) -> list[Any]:
    """The messages of a call of Segment's HTTP API: the path says what it is.

    Raises:
        RequestRefusedError: a batch without its list.
    """
    if call in BATCHES:
        return batch_of(mapping, payload)
    return [{**payload, "type": _TYPES.get(call, call)}]


def batch_of(mapping: SourceMapping, payload: dict[str, Any]) -> list[Any]:
    """The messages of a request that must be of several.

    Raises:
        RequestRefusedError: there is no list of them.
    """
    if not isinstance(payload.get(mapping.batch_at), list):
        raise RequestRefusedError(422, "no_batch", f"the field `{mapping.batch_at}` is no list")
    return unfolded(mapping, payload)


def payloads_of(mapping: SourceMapping, body: bytes) -> list[Any]:
    """The messages of a body in any form: one, an array, JSON lines, or a request of several."""
    lines = enumerate(body.split(b"\n"), 1)
    return [one for _, payload in payloads_in(lines) for one in unfolded(mapping, payload)]


def read_messages(mapping: SourceMapping, messages: list[Any], arrived_ms: int) -> Read:
    """Each message as an event of ours; what cannot be one goes on as it came, and is refused."""
    incoming, ignored = [], []
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            value = message if isinstance(message, bytes) else msgspec.json.encode(message)
            incoming.append(Incoming(index, topics.CLICKSTREAM.name, value))
            continue
        mapped = map_message(mapping, message, arrived_ms)
        if mapped.ignored:
            ignored.append(index)
            continue
        value = msgspec.json.encode(mapped.event)
        incoming.append(Incoming(index, mapped.topic, value, origins=mapped.origins))
    return Read(incoming, ignored)


_TYPES: Final = {short: call for call, short in CALLS.items()}
