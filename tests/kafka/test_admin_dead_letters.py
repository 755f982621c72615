"""Dead letters are driven again at most once, whatever happens in the middle."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from streams import topics
from streams.admin import dead_letters as room
from streams.admin.dead_letters import Bound, Choice, list_letters, redrive
from streams.admin.sending import produce
from streams.admin.waiting_letters import waiting_letter, waiting_letters
from streams.broker.redriving import drive_again
from streams.contracts.inputs.rules import RejectReason
from streams.contracts.outputs.encode import encode_dead_letter
from streams.contracts.outputs.payloads import DeadLetter
from streams.errors import OperatorError
from tests.support.apache_kafka import ApacheKafka
from tests.support.worker_job import WorkerJob

VALUES = [b'{"n": %d}' % n for n in range(12)]


@pytest.fixture
def job(kafka: ApacheKafka, tmp_path: Path) -> WorkerJob:
    """Twelve letters from events.app, a third of them for another reason."""
    job = WorkerJob(kafka, tmp_path, "letters")
    job.send(_letter(number, value) for number, value in enumerate(VALUES))
    return job


def _letter(number: int, value: bytes) -> tuple[object, ...]:
    reason: RejectReason = "in_the_future" if number % 3 == 0 else "missing_field"
    facts = DeadLetter(
        reason=reason,
        path="$.x",
        detail="is required",
        source_topic=topics.APP.name,
        source_partition=1,
        source_offset=number,
        attempt=1,
    )
    letter = encode_dead_letter(facts, b"c%d" % number, value, (("ce_id", b"e%d" % number),))
    return letter.topic, letter.key, letter.value, letter.headers


def driven(job: WorkerJob) -> list[tuple[bytes, bytes]]:
    """What came back to the source topic."""
    return [(m.key(), m.value()) for m in job.kafka.read_all(topics.APP.name)]


@pytest.mark.kafka
def test_a_letter_is_driven_again_once(job: WorkerJob) -> None:
    """By reason, then all: each record comes back once, with its own headers and its attempt."""
    assert len(list_letters(job.settings, Choice())) == 12
    future = Choice(reason="in_the_future")
    assert redrive(job.settings, future, lambda _: None) == 4
    assert redrive(job.settings, future, lambda _: None) == 0
    assert redrive(job.settings, Choice(), lambda _: None) == 8
    assert redrive(job.settings, Choice(), lambda _: None) == 0
    assert sorted(driven(job)) == sorted((b"c%d" % n, v) for n, v in enumerate(VALUES))
    headers = dict(job.kafka.read_all(topics.APP.name)[0].headers() or [])
    assert headers["ce_id"].startswith(b"e")
    assert headers["os_attempt"] == b"1"
    assert list_letters(job.settings, Choice()) == []


@pytest.mark.kafka
def test_a_crash_in_the_middle_leaves_no_duplicate(
    job: WorkerJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that were sent but not committed are nobody's; the next redrive sends them."""
    produced = 0
    real = produce

    def dies(*arguments: Any) -> None:
        nonlocal produced
        produced += 1
        if produced == 9:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(room, "produce", dies)
    with pytest.raises(KeyboardInterrupt):
        redrive(job.settings, Choice(), lambda _: None)
    monkeypatch.setattr(room, "produce", real)
    assert driven(job) == []
    assert redrive(job.settings, Choice(), lambda _: None) == 12
    assert sorted(driven(job)) == sorted((b"c%d" % n, v) for n, v in enumerate(VALUES))


@pytest.mark.kafka
def test_of_two_redrives_at_once_the_earlier_is_fenced(
    job: WorkerJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second takes over; the first sends nothing and says so."""
    real = drive_again

    def overtaken(*arguments: Any) -> int:
        monkeypatch.setattr(room, "drive_again", real)
        assert redrive(job.settings, Choice(), lambda _: None) == 12
        return real(*arguments)

    monkeypatch.setattr(room, "drive_again", overtaken)
    with pytest.raises(OperatorError, match="none is driven twice"):
        redrive(job.settings, Choice(), lambda _: None)
    assert len(driven(job)) == 12


@pytest.mark.kafka
def test_an_explanation_names_the_place_and_not_the_person(job: WorkerJob) -> None:
    """One letter by its id."""
    letter = list_letters(job.settings, Choice())[0]
    chosen = list_letters(job.settings, Choice(ids=(letter.letter_id,)))
    assert chosen == [letter]
    secret = replace(letter, value=b'{"jane@example.com": "jane"}', key=b"jane@example.com")
    text = "\n".join(room.explain(secret))
    assert "jane" not in text
    assert f"events.app 1@{letter.facts.source_offset}" in text


@pytest.mark.kafka
def test_what_waits_is_told_without_holding_it(job: WorkerJob) -> None:
    """The same letters as the list has, without values; one of them is read at its place."""

    def told() -> tuple[int, list[str]]:
        waiting = waiting_letters(job.settings, Choice(), lambda: False)
        assert waiting.complete
        return sum(waiting.counts.values()), sorted(one.letter_id for one in waiting.newest)

    listed = list_letters(job.settings, Choice())
    assert told() == (12, sorted(letter.letter_id for letter in listed))
    first = listed[0]
    found = waiting_letter(job.settings, first.letter_id, lambda: False)
    assert found is not None
    assert (found.value, found.facts) == (first.value, first.facts)
    redrive(job.settings, Choice(ids=(first.letter_id,)), lambda _: None)
    assert waiting_letter(job.settings, first.letter_id, lambda: False) is None
    assert waiting_letter(job.settings, "0@9999", lambda: False) is None
    assert told()[0] == 11
    assert not waiting_letters(job.settings, Choice(), lambda: True).complete


@pytest.mark.kafka
def test_a_redrive_with_a_bound_leaves_the_others_waiting(job: WorkerJob) -> None:
    """By number or by size, at least one at a time, until none is left; each comes back once."""
    few, small = Bound(5, 10**6), Bound(100, 1)
    counts = [redrive(job.settings, Choice(), lambda _: None, few) for _ in range(2)]
    assert counts == [5, 5]
    assert [redrive(job.settings, Choice(), lambda _: None, small) for _ in range(3)] == [1, 1, 0]
    assert sorted(driven(job)) == sorted((b"c%d" % n, v) for n, v in enumerate(VALUES))
