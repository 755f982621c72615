"""Trigger events: what an event meant in a person's day, as `apply` found it."""

from msgspec import Struct

from streams.contracts.common import ChannelName
from streams.contracts.reference.structs import TriggerKind


class TriggerEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trigger event. `kind` is what trigger rules name; the rest is what they may ask about."""

    kind: TriggerKind
    at_ms: int
    event_id: str
    channel: ChannelName
    product_id: str = ""
    category: str = ""
    price: float = 0.0
    dwell_ms: int = 0
    dwell_before_ms: int = 0
    store_id: str = ""
    zone_id: str = ""
    zone_type: str = ""
    value: float = 0.0
    traceparent: str | None = None
    placement: str = ""
    answer_by_ms: int = 0
