"""A broker that does not answer: said once, then once a minute; waited for, not for ever."""

import asyncio
import time
from pathlib import Path

import pytest

from streams.runtime.faults import BrokerError, exit_code
from streams.runtime.process.contact import AWAY_AFTER_S, BrokerContact, Silence
from tests.support.bare_runtime import bare_settings

REASON = "Connection refused"


def test_ten_minutes_of_silence_are_ten_sentences() -> None:
    """Asked once a second: one sentence at first, then one a minute, with a count."""
    silence = Silence("a:9092", 0.0)
    silence.answered(1.0)
    said = [(s, t) for s in range(2, 602) if (t := silence.failed(float(s), REASON))]
    assert [s for s, _ in said] == [11, *range(71, 602, 60)]
    assert said[0][1].startswith("no Kafka broker answers at a:9092 for 10 s (Connection refused")
    assert "attempts: 550" in said[-1][1]


def test_one_late_answer_is_no_silence() -> None:
    """Below the bound nothing is said, before or after."""
    silence = Silence("a:9092", 0.0)
    silence.answered(1.0)
    assert silence.failed(1.0 + AWAY_AFTER_S / 2, REASON) is None
    assert silence.away(1.0 + AWAY_AFTER_S / 2) == ""
    assert silence.answered(7.0) is None


def test_a_broker_that_was_never_there_is_away_at_once() -> None:
    """At the start there is nothing to be patient with: the first sentence comes at once."""
    silence = Silence("a:9092", 0.0)
    assert silence.failed(0.5, REASON)
    assert silence.away(0.6)
    assert silence.seconds(0.6) > 0
    assert silence.answered(5.0)
    assert (silence.away(6.0), silence.seconds(6.0)) == ("", 0.0)


def test_patience_ends_with_74_and_the_reason(tmp_path: Path) -> None:
    """Nobody listens there: the wait ends in time, and what it raises says where and why."""
    told: list[BaseException] = []
    contact = BrokerContact(bare_settings(tmp_path), told.append)
    with pytest.raises(BrokerError):
        asyncio.run(contact.reach(0.0))  # it begins to ask; a busy machine hears "refused" late
    deadline_s = time.monotonic() + 60.0
    while "refused" not in contact.away:
        assert time.monotonic() < deadline_s, contact.away
        time.sleep(0.05)
    began_s = time.monotonic()
    with pytest.raises(
        BrokerError, match=r"at 127\.0\.0\.1:1 .*refused.*broker_patience_s"
    ) as ended:
        asyncio.run(contact.reach(3.0))
    assert exit_code(ended.value) == 74
    assert 3.0 <= time.monotonic() - began_s < 30.0
    assert contact.away
    assert contact.silent_s > 1.0
    contact.stop()
    assert told == []
