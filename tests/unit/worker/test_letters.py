"""A record that cannot be used goes to the dead letters of its own application."""

from streams.contracts.inputs.rules import Rejected
from streams.runtime.records import Record
from streams.settings import Settings
from streams.worker.letters import dead_letter

RECORD = Record("demo.events.app", 2, 7, 0, b"c-1", b"nonsense", (("os_attempt", b"1"),))


def test_the_topic_of_dead_letters_carries_the_prefix_as_every_other() -> None:
    """Applications with prefixes of their own share nothing on one Kafka."""
    rejected = Rejected("invalid_json", "$", "is no JSON")
    letter = dead_letter(RECORD, "events.app", rejected, Settings(topic_prefix="demo."))
    assert letter.topic == "demo.dead-letters"
    assert (letter.key, letter.value) == (b"c-1", b"nonsense")
    facts = dict(letter.headers)
    assert facts["os_source_topic"] == b"events.app"
    assert (facts["os_source_partition"], facts["os_source_offset"]) == (b"2", b"7")
    assert facts["os_attempt"] == b"2"
    assert dead_letter(RECORD, "events.app", rejected, Settings()).topic == "dead-letters"
