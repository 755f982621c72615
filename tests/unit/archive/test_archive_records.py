"""Records as rows of the archive: whatever their bytes are."""

import pytest

from streams import topics
from streams.archive.records import ARCHIVED, row_of
from streams.contracts.internal.budgets import BudgetTold, encode_budget


class Message:
    """A record of confluent-kafka's, as far as it is read."""

    def __init__(self, value: bytes | None) -> None:
        self._value = value

    def value(self) -> bytes | None:
        """What it says."""
        return self._value

    def key(self) -> bytes | None:
        """Under which key."""
        return b"c1"

    def partition(self) -> int:
        """Where it lies."""
        return 3

    def offset(self) -> int:
        """At which offset."""
        return 17

    def timestamp(self) -> tuple[int, int]:
        """Of what kind, and when."""
        return 1, 1_772_409_600_000

    def headers(self) -> list[tuple[str, bytes]] | None:
        """None."""
        return None


@pytest.mark.parametrize(
    "value",
    [b'{"customer_id":"\xff"}', b'{"\xff":1}', b"\xff\x00", b"[" * 100_000, b"", b"null", b"[1]"],
)
def test_bytes_that_are_no_event_are_kept_all_the_same(value: bytes) -> None:
    """They name nobody, and come back as they were: as text, or as bytes where they are none."""
    row = row_of(topics.CLICKSTREAM.name, Message(value))
    assert row is not None
    assert (row.partition, row.offset, row.people, row.id) == (3, 17, (), None)
    assert (row.raw if row.value is None else row.value.encode()) == value


def test_a_tombstone_has_neither_text_nor_bytes() -> None:
    """A record without a value is kept as one."""
    row = row_of(topics.REF_OFFERS.name, Message(None))
    assert row is not None
    assert (row.value, row.raw) == (None, None)


def test_how_the_money_of_a_budget_stood_is_kept() -> None:
    """Under the offer, and about nobody."""
    assert topics.BUDGETS in ARCHIVED
    told = BudgetTold(
        offer_id="tea", amount="20.00", used="8.00", reserved="8.00", free="4.00", overdrawn="0.00"
    )
    row = row_of(topics.BUDGETS.name, Message(encode_budget(told)))
    assert row is not None
    assert (row.id, row.people) == ("tea", ())
    assert '"used":"8.00"' in (row.value or "")
