"""Bytes of the learning topics: examples and snapshots, by name, as JSON. No pickle, ever."""

from typing import Final, TypeVar

import msgspec

from streams.contracts.inputs.diagnosis import diagnose
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning import LearningExample, ModelSnapshot, Promotion, Rollback
from streams.contracts.unreadable import UNREADABLE

_EXAMPLES: Final = msgspec.json.Decoder(LearningExample)
_SNAPSHOTS: Final = msgspec.json.Decoder(ModelSnapshot)
_ROLLBACKS: Final = msgspec.json.Decoder(Rollback)
_PROMOTIONS: Final = msgspec.json.Decoder(Promotion)
_Kind = TypeVar("_Kind")


def encode_example(example: LearningExample) -> bytes:
    """The value of a record of `learning-examples`; its key is `example.model`."""
    return msgspec.json.encode(example)


def decode_example(value: bytes | None) -> LearningExample | Rejected:
    """One record of `learning-examples`."""
    return _decoded(_EXAMPLES, value)


def encode_snapshot(snapshot: ModelSnapshot) -> bytes:
    """The value of a record of `model-snapshots`; its key is `learning.key_of`.

    Raises:
        TypeError: a parameter is not a number, text, list or map of such.
    """
    return msgspec.json.encode(snapshot)


def decode_snapshot(value: bytes | None) -> ModelSnapshot | Rejected:
    """One record of `model-snapshots`."""
    return _decoded(_SNAPSHOTS, value)


def decode_rollback(value: bytes | None) -> Rollback | Rejected:
    """One record of `model-snapshots` under a key that ends in `.rollback`."""
    return _decoded(_ROLLBACKS, value)


def decode_promotion(value: bytes | None) -> Promotion | Rejected:
    """One record of `model-snapshots` under a key that ends in `.promoted`."""
    return _decoded(_PROMOTIONS, value)


def _decoded(decoder: msgspec.json.Decoder[_Kind], value: bytes | None) -> _Kind | Rejected:
    if not value:
        return Rejected("empty_value", "$", "has no value")
    try:
        return decoder.decode(value)
    except UNREADABLE as error:
        return diagnose(value, error)
