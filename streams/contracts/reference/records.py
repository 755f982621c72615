"""Reference data on its compacted topics: one record a struct, and its key."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from streams import topics
from streams.contracts.catalogue import CONTRACT_OF, CONTRACTS
from streams.contracts.inputs.diagnosis import diagnose
from streams.contracts.inputs.integers import integers_in, wants_integer
from streams.contracts.inputs.rules import Rejected
from streams.contracts.reference.structs import (
    BeaconPlace,
    Offer,
    Policies,
    ProductInfo,
    Reference,
    StockLevel,
)
from streams.contracts.unreadable import UNREADABLE

ReferenceRecord = Offer | ProductInfo | StockLevel | BeaconPlace | Policies
POLICIES_KEY: Final = "policies"

REFERENCE_TOPICS: Final = tuple(topic.name for topic in topics.REFERENCES)
_KEYS: Final[dict[type[ReferenceRecord], Callable[[Any], str]]] = {
    Offer: lambda offer: offer.offer_id,
    ProductInfo: lambda product: product.product_id,
    StockLevel: lambda level: f"{level.product_id}@{level.store_id}",
    BeaconPlace: lambda place: place.beacon_ref,
    Policies: lambda _: POLICIES_KEY,
}
_DECODERS: Final[dict[str, msgspec.json.Decoder[ReferenceRecord]]] = {
    c.topic.name: msgspec.json.Decoder(c.struct)
    for c in CONTRACTS
    if c.topic.direction == "reference"
}


def key_of_record(record: ReferenceRecord) -> str:
    """The key of a record on its topic.

    >>> key_of_record(StockLevel(product_id="p1", store_id="*", quantity=3))
    'p1@*'
    """
    return _KEYS[type(record)](record)


def in_key_order(reference: Reference) -> Reference:
    """The same in the order of the keys, as workers have it: a draw among offers counts them off.

    >>> levels = tuple(StockLevel(product_id=name, store_id="*", quantity=1) for name in "ba")
    >>> ordered = in_key_order(Reference(inventory=levels))
    >>> ordered.inventory[0].product_id
    'a'
    """
    parts = ("offers", "products", "inventory", "beacons")
    return replace(
        reference,
        **{name: tuple(sorted(getattr(reference, name), key=_key_bytes)) for name in parts},
    )


def _key_bytes(record: ReferenceRecord) -> bytes:
    return key_of_record(record).encode()


def topic_of_record(record: ReferenceRecord) -> str:
    """The topic of a record."""
    return CONTRACT_OF[type(record)].topic.name


def encode_reference_record(record: ReferenceRecord) -> tuple[str, bytes, bytes]:
    """Topic, key and value of a record of reference data."""
    return topic_of_record(record), key_of_record(record).encode(), msgspec.json.encode(record)


def decode_reference_record(
    topic: str, key: bytes | None, value: bytes | None
) -> ReferenceRecord | Rejected | None:
    """One record of a `ref.*` topic; None for a tombstone, which takes `key` away.

    Unknown fields are passed over here: a newer version may have written them.
    """
    decoder = _DECODERS.get(topic)
    if decoder is None:
        return Rejected("unknown_topic", "$", "is not a topic of reference data")
    if not value:
        return None
    try:
        record = decoder.decode(value)
    except UNREADABLE as error:
        whole = integers_in(value, decoder.type) if wants_integer(error) else None
        if whole is not None and whole != value:
            return decode_reference_record(topic, key, whole)
        return diagnose(value, error, kind=decoder.type)
    if key != key_of_record(record).encode():
        return Rejected("out_of_range", "key", "is not the key of the record")
    return record
