"""What waits is told in bounded memory: counts of all, the facts of the newest, no value."""

from dataclasses import dataclass, field

from streams.admin.dead_letters import MARKER, Choice
from streams.admin.waiting_letters import HELD_MAX, SHOWN_MAX, Tally
from streams.contracts.inputs.rules import RejectReason
from streams.contracts.outputs.encode import encode_dead_letter
from streams.contracts.outputs.payloads import DeadLetter


@dataclass
class Record:
    """A record of the topic."""

    number: int
    told: list[tuple[str, bytes]] = field(default_factory=list)

    def headers(self) -> list[tuple[str, bytes]]:
        """As Kafka's client has them."""
        return self.told

    def partition(self) -> int:
        """One of four."""
        return self.number % 4

    def offset(self) -> int:
        """One after the other."""
        return self.number // 4

    def timestamp(self) -> tuple[int, int]:
        """Of the broker."""
        return 1, 1_780_315_200_000 + self.number

    def value(self) -> bytes:
        """Must never be asked for."""
        raise AssertionError


def letter(number: int) -> Record:
    """A letter, a third of them for another reason."""
    reason: RejectReason = "in_the_future" if number % 3 == 0 else "missing_field"
    facts = DeadLetter(
        reason=reason,
        path="$.x",
        detail="is required",
        source_topic="events.app",
        source_partition=0,
        source_offset=number,
        attempt=1,
    )
    return Record(number, list(encode_dead_letter(facts, b"k", b"v", ()).headers))


def mark(letter_id: str) -> Record:
    """What says that a letter was driven again."""
    return Record(10**6, [(MARKER, letter_id.encode())])


def test_all_are_counted_and_the_newest_are_kept() -> None:
    """Ten thousand letters: the last hundred stand there, the newest first."""
    tally = Tally(Choice())
    for number in range(10_000):
        tally.take(letter(number))
    told = tally.told(complete=True)
    assert told.counts == {
        ("events.app", "in_the_future"): 3_334,
        ("events.app", "missing_field"): 6_666,
    }
    assert [one.facts.source_offset for one in told.newest] == [
        *range(9_999, 9_999 - SHOWN_MAX, -1)
    ]
    assert {(one.key, one.value, tuple(one.headers)) for one in told.newest} == {(None, None, ())}
    assert len(tally._heads) == HELD_MAX
    assert len(tally._oldest) == HELD_MAX


def test_a_letter_that_was_driven_again_waits_no_more() -> None:
    """Whether its mark is read after it or before it; a mark that is none stops nothing."""
    tally = Tally(Choice())
    tally.take(mark("1@0"))
    for number in range(4):
        tally.take(letter(number))
    tally.take(mark("3@0"))
    tally.take(mark("nonsense"))
    told = tally.told(complete=False)
    assert [one.letter_id for one in told.newest] == ["2@0", "0@0"]
    assert sum(told.counts.values()) == 2
    assert not told.complete


def test_only_the_chosen_are_counted() -> None:
    """By reason; what is no letter of ours is passed over."""
    tally = Tally(Choice(reason="in_the_future"))
    for number in range(9):
        tally.take(letter(number))
    tally.take(Record(9, [("os_reason", b"of another making")]))
    told = tally.told(complete=True)
    assert told.counts == {("events.app", "in_the_future"): 3}
    assert [one.facts.source_offset for one in told.newest] == [6, 3, 0]
