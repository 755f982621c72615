"""A fault in the program stops no partition and nobody else, and says nothing of a person."""

from collections import Counter
from typing import Any

import pytest

from streams import topics
from streams.contracts.internal.routing import Tick
from streams.contracts.outputs.encode import dead_letter_of
from streams.contracts.outputs.payloads import DeadLetter
from streams.decisions import compile_policy
from streams.identity import key_of
from streams.pipeline import process
from streams.settings import BreakerSettings, Settings
from streams.telemetry import catalogue as metrics
from streams.worker import customers
from streams.worker.breaker import BreakerOpenError
from tests.support import small_shop
from tests.support.memory_runtime import World

CUSTOMERS = 5
VICTIM = "c0002"
LETTERS = topics.DEAD_LETTERS.name


def world(**settings: Any) -> World:
    """Five people say yes to everything and open the app twice."""
    sent = [
        *small_shop.consents(CUSTOMERS),
        *(small_shop.opened(n, minute) for minute in (60, 120) for n in range(CUSTOMERS)),
    ]
    shop = compile_policy(small_shop.reference())
    given = Settings(clock="event_time", **settings)
    records = [(topic, 0, key, value) for topic, key, value in sent]
    return World(records, (), shop, 1, settings=given)


def fails(monkeypatch: pytest.MonkeyPatch, times: int, *, ticks_only: bool = False) -> list[str]:
    """Processing raises so often for each message of the victim; the keys it raised for."""
    raised: list[str] = []
    failed: Counter[object] = Counter()

    def failing(message: Any, row: Any, *others: Any) -> Any:
        chosen = key_of(message) == VICTIM and (isinstance(message, Tick) or not ticks_only)
        which = message.at_ms if isinstance(message, Tick) else message.event_id
        if chosen and failed[which] < times:
            failed[which] += 1
            raised.append(key_of(message))
            raise KeyError("someone@example.com", row)
        return process(message, row, *others)

    monkeypatch.setattr(customers, "process", failing)
    return raised


def said(played: World) -> Counter[tuple[str, bytes, bytes]]:
    """Topic, key and value of everything but dead letters."""
    return Counter(
        (o.topic, o.key or b"", o.value or b"") for o in played.outputs if o.topic != LETTERS
    )


def test_a_record_that_fails_twice_is_a_dead_letter_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its bytes stay, its row stays as it was, the reason names type and place and nothing else."""
    quiet = world()
    quiet.run_to_the_end()
    fails(monkeypatch, 2)
    played = world()
    played.run_to_the_end()
    victim = VICTIM.encode()
    assert victim not in played.rows_as_stored()
    wanted = {k: row for k, row in quiet.rows_as_stored().items() if k != victim}
    assert played.rows_as_stored() == wanted
    assert said(played) == Counter({s: n for s, n in said(quiet).items() if s[1] != victim})
    letters = [o for o in played.outputs if o.topic == LETTERS]
    assert len(letters) == 3
    for letter in letters:
        facts = dead_letter_of(letter.headers)
        assert isinstance(facts, DeadLetter)
        assert (facts.reason, facts.path) == ("internal_error", "$")
        assert facts.detail.startswith("KeyError at ")
        assert "example.com" not in str(letter.headers)
        assert VICTIM not in facts.detail
        assert letter.value is not None
        assert VICTIM.encode() in letter.value
    assert played.meter.value(metrics.INTERNAL_ERRORS, "record") == 3
    assert played.meter.value(metrics.REJECTED, "events.app", "internal_error") == 2


def test_what_fails_once_is_done_at_the_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and outputs are those of a run in which nothing failed."""
    quiet = world()
    quiet.run_to_the_end()
    raised = fails(monkeypatch, 1)
    played = world()
    played.run_to_the_end()
    assert raised
    assert played.rows_as_stored() == quiet.rows_as_stored()
    assert said(played) == said(quiet)
    assert not [o for o in played.outputs if o.topic == LETTERS]
    assert played.meter.value(metrics.INTERNAL_ERRORS, "record") == 0


def test_a_timer_that_fails_is_put_off_and_its_row_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row keeps what is due; an hour later it is tried again, and then nothing is missing."""
    late = [small_shop.opened(n, 60 * 24 * 40) for n in range(CUSTOMERS)]
    carts = [small_shop.filled_cart(n, 10) for n in range(CUSTOMERS)]
    middle = [small_shop.opened(0, minute) for minute in (120, 240, 360)]
    sent = [*small_shop.consents(CUSTOMERS), *carts, *middle, *late]
    records = [(topic, 0, key, value) for topic, key, value in sent]
    shop = compile_policy(small_shop.reference())
    quiet = World(records, (), shop, 1)
    quiet.run_to_the_end()
    raised = fails(monkeypatch, 2, ticks_only=True)
    played = World(records, (), shop, 1)
    played.run_to_the_end()
    assert raised
    assert played.meter.value(metrics.INTERNAL_ERRORS, "timer") == len(raised) / 2
    assert played.rows_as_stored() == quiet.rows_as_stored()
    assert said(played) == said(quiet)
    assert not [o for o in played.outputs if o.topic == LETTERS]


def test_a_worker_that_fails_at_everything_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is not the records' then: the breaker stops before the dead letters fill up."""

    def failing(*_: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(customers, "process", failing)
    played = world(breaker=BreakerSettings(window_records=10))
    with pytest.raises(BreakerOpenError):
        played.run_to_the_end()


def test_no_memory_left_is_no_fault_of_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends, and another one reads the record again."""

    def failing(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(customers, "process", failing)
    with pytest.raises(MemoryError):
        world().run_to_the_end()
