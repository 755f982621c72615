"""The limits of what is taken in, and the value that stands for a record that breaks one."""

from typing import Final, Literal

from msgspec import Struct

RejectReason = Literal[
    "empty_value",
    "unknown_topic",
    "too_large",
    "too_deep",
    "too_many_properties",
    "invalid_utf8",
    "invalid_json",
    "not_an_object",
    "unsupported_version",
    "unknown_event_name",
    "missing_field",
    "wrong_type",
    "bad_format",
    "bad_character",
    "out_of_range",
    "bad_timestamp",
    "in_the_future",
    "bad_check_digit",
    "no_identity",
    "pii_in_key",
    "unknown_field",
    "id_conflict",
    "unreadable_row",
    "wrong_currency",
    "internal_error",
]


class InputRules(Struct, frozen=True, kw_only=True):
    """What every input record must keep; `now_ms` is the caller's clock, the only one there is.

    `placeholders` are the shop's own words for "nobody", in lower case.
    """

    now_ms: int
    occurred_at_min_ms: int = 1_577_836_800_000  # 2020-01-01T00:00:00Z
    future_tolerance_ms: int = 300_000
    value_bytes_max: int = 65_536
    depth_max: int = 16
    properties_max: int = 64
    placeholders: frozenset[str] = frozenset()


class Rejected(Struct, frozen=True):
    """A record that cannot be read: why, where, and a hint that never repeats what it held.

    `path` is JSONPath-like (`$.page.path`, `$.items[3].gtin`) or `headers.<name>`.
    """

    reason: RejectReason
    path: str
    detail: str


# What was accepted and cannot be used all the same: it goes to the dead letters as it came.
UNUSABLE: Final[dict[str, Rejected]] = {
    "id_conflict": Rejected("id_conflict", "$.event_id", "came before with other content"),
    "unreadable_row": Rejected("unreadable_row", "$.row", "is damaged, or of a newer version"),
}
