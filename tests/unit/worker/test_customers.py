"""The shell is told what became of its epochs, and measures by that."""

import json
from collections import Counter

import pytest
from msgspec.structs import replace

from streams.customer import Customer, decode_row
from streams.decisions import compile_policy
from streams.telemetry import catalogue as metrics
from streams.worker import customers
from tests.support import small_shop
from tests.support.memory_runtime import SETTINGS, World

CUSTOMERS = 20


def world() -> World:
    """Twenty people say yes to everything and open the app, in one partition."""
    opened = [small_shop.opened(n, 600) for n in range(CUSTOMERS)]
    sent = [*small_shop.consents(CUSTOMERS), *opened]
    shop = compile_policy(small_shop.reference())
    return World([(topic, 0, key, value) for topic, key, value in sent], (), shop, 1)


def latencies(of: World) -> float:
    """How many offers' waits were observed."""
    return of.meter.observations_of(metrics.EVENT_TO_OFFER).get((), 0.0)


def test_latencies_are_right_when_other_topics_come_first_after_a_drop() -> None:
    """What was read before a drop may come again behind records of a topic that was late."""
    played = world()
    played.hidden.add("events.profile")
    while played.deliver(0):
        pass
    played.drop(0)
    played.hidden.clear()
    for _ in range(CUSTOMERS):
        played.deliver(0)
    played.begin_commit(0)
    while played.deliver(0):
        pass
    played.end_commit(0)
    assert latencies(played) == 0  # the first epoch held consents only
    played.run_to_the_end()
    offers = Counter(output.topic for output in played.outputs)["next-best-offers"]
    assert offers > 0
    assert latencies(played) == offers


def test_rows_that_a_dropped_epoch_made_are_counted_once() -> None:
    """The shell's count of new rows is that of the rows in the end."""
    played = world()
    while played.deliver(0):
        pass
    played.drop(0)
    assert played.shell.created.get(0, 0) == 0
    played.run_to_the_end()
    assert played.shell.created == {0: CUSTOMERS}
    assert len(played.rows_as_stored()) == CUSTOMERS


def test_another_currency_is_a_dead_letter_and_changes_no_row() -> None:
    """What only the reference data can refuse ends where unreadable records end."""
    total = {"amount": "10000", "currency": "JPY"}
    event = {
        "event_id": "yen",
        "event_name": "order_completed",
        "occurred_at": small_shop.BEGIN.isoformat(),
        "identity": {"customer_id": "c0001"},
        "channel": "web",
        "order_id": "o-1",
        "total": total,
        "items": [],
    }
    value = json.dumps(event).encode()
    shop = compile_policy(small_shop.reference())
    played = World([("events.purchase", 0, b"c0001", value)], (), shop, 1)
    played.run_to_the_end()
    (letter,) = played.outputs
    assert (letter.topic, letter.value) == ("dead-letters", value)
    assert dict(letter.headers)["os_reason"] == b"wrong_currency"
    assert dict(letter.headers)["os_path"] == b"$.total.currency"
    rows = [decode_row(data) for data in played.rows_as_stored().values()]
    assert [row.orders for row in rows if isinstance(row, Customer)] == [()]


def test_a_topic_of_another_systems_payloads_is_taken_by_its_setting() -> None:
    """An order on the clickstream's topic becomes a row; what is no event of ours is counted."""
    settings = replace(SETTINGS, input_sources="events.clickstream=segment")
    order = {
        "type": "track",
        "event": "Order Completed",
        "messageId": "m-1",
        "userId": "c-1",
        "timestamp": small_shop.BEGIN.isoformat(),
        "properties": {"order_id": "o-1", "total": "9.00", "currency": "EUR", "products": []},
    }
    played = [order, {**order, "event": "Video Played"}, {**order, "properties": {}}]
    sent = [("events.clickstream", 0, b"any", json.dumps(one).encode()) for one in played]
    world = World(sent, (), compile_policy(small_shop.reference()), 1, settings=settings)
    world.run_to_the_end()
    (row,) = [decode_row(data) for data in world.rows_as_stored().values()]
    assert isinstance(row, Customer)
    assert len(row.orders) == 1
    (letter,) = world.outputs
    assert (letter.value, dict(letter.headers)["os_reason"]) == (sent[2][3], b"missing_field")
    counted = world.meter.value(metrics.NOT_OURS, "events.clickstream")
    assert counted == 1


def test_many_timers_take_turns_with_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """On processing time, with no time left after one timer: one a call; else all of a moment."""
    monkeypatch.setattr(customers, "DUE_TURN_S", -1.0)
    weeks, calls = 6, {}
    sent = [*small_shop.consents(CUSTOMERS), small_shop.opened(0, weeks * 7 * 24 * 60)]
    shop = compile_policy(small_shop.reference())
    for clock in ("processing_time", "event_time"):
        settings = replace(SETTINGS, clock=clock)
        played = World(
            [(t, 0, key, value) for t, key, value in sent], (), shop, 1, settings=settings
        )
        while played.deliver(0):
            pass
        calls[clock] = 0
        while played.fire(0):
            calls[clock] += 1
    assert calls["processing_time"] >= weeks * CUSTOMERS
    assert 0 < calls["event_time"] < CUSTOMERS
