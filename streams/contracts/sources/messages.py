"""Single messages out of what another system sends or stores: one, a list, a request of several."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from streams.contracts.sources.mapping import SourceMapping
from streams.contracts.sources.snowplow import unwrapped
from streams.contracts.unreadable import UNREADABLE

WHOLE_BYTES_MAX: Final = 64 * 1024 * 1024  # of a file that is one JSON value over many lines


def unfolded(mapping: SourceMapping, payload: object) -> list[Any]:
    """The messages of a payload; each of several has what is said once for all of them.

    What is no JSON object stays as it is, and is refused where it is mapped.

    >>> table = SourceMapping(batch_at="batch", shared=("sentAt",))
    >>> unfolded(table, {"sentAt": 1, "batch": [{"a": 2}, 3]})
    [{'sentAt': 1, 'a': 2}, 3]
    """
    if isinstance(payload, list):
        return [message for one in payload for message in unfolded(mapping, one)]
    if not isinstance(payload, dict):
        return [payload]
    batch = payload.get(mapping.batch_at) if mapping.batch_at else None
    if not isinstance(batch, list):
        return [_taken_out(mapping, payload)]
    shared = {name: payload[name] for name in mapping.shared if name in payload}
    return [_taken_out(mapping, {**shared, **m} if isinstance(m, dict) else m) for m in batch]


def payloads_in(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, object]]:
    """The payloads of a text with the lines that they begin in: JSON lines, or one JSON value.

    Args:
        lines: number and text, blank ones too.

    A line that is no JSON comes out as the bytes that it is. Where the first line is none, all of
    the text is one value, of at most `WHOLE_BYTES_MAX`.

    >>> list(payloads_in([(1, b'{"a": 1}'), (2, b"oops")]))
    [(1, {'a': 1}), (2, b'oops')]
    >>> list(payloads_in([(1, b"[1,"), (2, b"2]")]))
    [(1, [1, 2])]
    """
    filled = ((number, stripped) for number, line in lines if (stripped := line.strip()))
    first = next(filled, None)
    if first is None:
        return
    payload = _read(first[1])
    if isinstance(payload, bytes):
        kept, left = [first], WHOLE_BYTES_MAX - len(first[1])
        for one in filled:
            kept.append(one)
            left -= len(one[1]) + 1
            if left < 0:
                break
        else:
            whole = _read(b"\n".join(text for _, text in kept))
            if not isinstance(whole, bytes):
                yield first[0], whole
                return
        yield from ((number, _read(text)) for number, text in kept)
    else:
        yield first[0], payload
    yield from ((number, _read(text)) for number, text in filled)


def _read(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except UNREADABLE:
        return text


def _taken_out(mapping: SourceMapping, message: object) -> object:
    if mapping.wrapped == "snowplow" and isinstance(message, dict):
        return unwrapped(message)
    return message
