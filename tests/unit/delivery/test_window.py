"""What waits: in order per customer, bounded, and only what is done is committed."""

import random

import pytest

from streams.delivery import window as room
from streams.delivery.destinations import Retrying
from streams.delivery.pauses import Rest, pause_s
from streams.delivery.webhooks import Webhook
from streams.delivery.window import Waiting, Window

PLACE = ("churn-alerts", 0)
OTHER = ("churn-alerts", 1)


def webhook(offset: int, key: str = "c", place: tuple[str, int] = PLACE) -> Webhook:
    """A record."""
    return Webhook(
        webhook_id=f"msg_{place[1]}_{offset}",
        topic="churn-alerts",
        place=place,
        offset=offset,
        at_ms=1_000 + offset,
        key=key.encode(),
        value=b"{}",
        headers=(),
        origin=("churn-alerts", 0, offset),
    )


def must(waiting: Waiting | None) -> Waiting:
    """The record that is ready."""
    assert waiting is not None
    return waiting


def test_of_one_customer_one_record_at_a_time_is_on_its_way() -> None:
    """The second goes when the first is done, and not while it waits for its next try."""
    window = Window()
    for offset in (0, 1):
        window.take(webhook(offset))
    first = must(window.next_ready(0.0))
    assert window.next_ready(0.0) is None
    window.back(first, due_s=5.0)
    assert window.next_ready(4.9) is None
    assert must(window.next_ready(5.0)) is first
    window.done(first)
    assert must(window.next_ready(5.0)).webhook.offset == 1


def test_a_customer_whose_record_waits_holds_up_no_other() -> None:
    """What is committed ends before the record that waits; all others are done behind it."""
    window = Window()
    window.take(webhook(0, "bad"))
    window.take(webhook(3, "good"))
    window.back(must(window.next_ready(0.0)), due_s=100.0)
    window.done(must(window.next_ready(0.0)))
    assert window.to_commit() == {PLACE: 0}
    window.committed({PLACE: 0})
    assert window.to_commit() == {}
    window.done(must(window.next_ready(100.0)))
    assert window.to_commit() == {PLACE: 4}
    assert window.oldest_ms() is None


def test_records_that_are_not_ours_move_the_position() -> None:
    """A filtered record is done when it is read, unless one before it is not."""
    window = Window()
    window.passed(PLACE, 7)
    assert window.to_commit() == {PLACE: 8}
    window.take(webhook(9))
    window.passed(PLACE, 12)
    assert window.to_commit() == {PLACE: 9}
    assert window.oldest_ms() == 1_009


def test_the_window_is_bounded_by_records_bytes_and_offsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each bound alone makes it full, and it is not any more when there is room again."""
    monkeypatch.setattr(room, "RECORDS_MAX", 2)
    window = Window()
    window.take(webhook(0, "a"))
    seen = [window.full]
    window.take(webhook(1, "b"))
    seen.append(window.full)
    window.done(must(window.next_ready(0.0)))
    seen.append(window.full)
    monkeypatch.setattr(room, "AHEAD_MAX", 3)
    monkeypatch.setattr(room, "RECORDS_MAX", 100)
    stuck = must(window.next_ready(0.0))
    for offset in range(2, 5):
        window.passed(PLACE, 10 * offset)  # those that are not ours count for nothing
        window.take(webhook(offset, "c"))
        seen.append(window.held_up_by(stuck))
        window.done(must(window.next_ready(0.0)))
    seen.append(window.full)
    seen.append(window.held_up_by(stuck))
    window.done(stuck)
    seen.append(window.full)
    monkeypatch.setattr(room, "BYTES_MAX", 10)
    window.take(webhook(20_000))
    seen.append(window.full)
    assert seen == [False, True, False, False, False, False, True, True, False, True]


def test_a_partition_that_is_taken_away_takes_its_records_with_it() -> None:
    """Those of the same customer on other partitions go on; a late answer changes nothing."""
    window = Window()
    window.take(webhook(0, "c", PLACE))
    window.take(webhook(0, "c", OTHER))
    late = must(window.next_ready(0.0))
    window.drop([PLACE])
    assert window.records == 1
    left = must(window.next_ready(0.0))
    assert left.webhook.place == OTHER
    window.done(late)
    window.back(late, 0.0)
    assert window.next_ready(0.0) is None
    window.done(left)
    assert window.to_commit() == {OTHER: 1}
    assert window.records == 0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_order_holds_and_nothing_undone_is_committed(seed: int) -> None:
    """Random answers, retries and takings away, beside a plain account of what is done."""
    draw, window, now_s = random.Random(seed), Window(), 0.0
    read = {PLACE: 0, OTHER: 0}
    done: dict[tuple[str, int], set[int]] = {PLACE: set(), OTHER: set()}
    last: dict[tuple[str, tuple[str, int]], int] = {}
    flying: list[Waiting] = []
    for _ in range(2_000):
        now_s += draw.random()
        step = draw.random()
        if step < 0.4:
            place = draw.choice([PLACE, OTHER])
            window.take(webhook(read[place], draw.choice("abcde"), place))
            read[place] += 1
        elif step < 0.7 and (ready := window.next_ready(now_s)) is not None:
            keys = [one.webhook.key for one in flying]
            assert ready.webhook.key not in keys
            flying.append(ready)
        elif step < 0.97 and flying:
            one = flying.pop(draw.randrange(len(flying)))
            if draw.random() < 0.3:
                window.back(one, now_s + draw.random() * 3)
                continue
            window.done(one)
            hook = one.webhook
            of_key = (hook.key.decode(), hook.place)
            assert hook.offset > last.get(of_key, -1)
            last[of_key] = hook.offset
            done[hook.place].add(hook.offset)
        elif step >= 0.995:
            place = draw.choice([PLACE, OTHER])
            position = window.to_commit().get(place, 0)
            window.drop([place])
            flying = [one for one in flying if one.webhook.place != place]
            read[place] = min(read[place], position) or 0
            done[place] = {offset for offset in done[place] if offset < read[place]}
            last = {key: at for key, at in last.items() if key[1] != place}
        for place, position in window.to_commit().items():
            assert done[place] >= set(range(position)), f"seed {seed}"


def test_pauses_grow_to_a_limit_and_differ() -> None:
    """Between half and all of a doubling pause, so that many requests do not come at once."""
    retry = Retrying(first_s=1, longest_s=60)
    assert [pause_s(retry, n, 0.999999) for n in (1, 2, 3)] == pytest.approx([1, 2, 4], rel=1e-3)
    assert pause_s(retry, 1, 0.0) == 0.5
    assert pause_s(retry, 10_000, 0.5) == 45.0


def test_a_destination_that_fails_for_all_is_left_alone_and_asked_by_one() -> None:
    """Three customers failed in a row: nothing for a pause, then one request; an answer ends it."""
    rest, retry = Rest(), Retrying(first_s=10, longest_s=100)
    for key in (b"a", b"b", b"c"):
        assert rest.room(0.0, 8) == 8
        rest.failed(key, 0.0, retry, 1.0)
    assert rest.room(9.9, 8) == 0
    assert rest.room(10.0, 8) == 1
    rest.failed(b"a", 10.0, retry, 1.0)
    assert rest.room(29.9, 8) == 0
    rest.answered()
    assert rest.room(29.9, 8) == 8


def test_one_record_that_fails_for_ever_is_not_the_destinations_fault() -> None:
    """However often it fails, others are sent meanwhile."""
    rest, retry = Rest(), Retrying(first_s=10, longest_s=100)
    for _ in range(100):
        rest.failed(b"a", 0.0, retry, 1.0)
    assert rest.room(0.0, 8) == 8


def test_what_it_asked_for_holds_whatever_others_are_answered() -> None:
    """Retry-After is obeyed also where a request that was on its way is answered well."""
    rest = Rest()
    rest.asked_for_time(30.0, 5.0)
    rest.answered()
    assert (rest.room(34.9, 8), rest.room(35.0, 8)) == (0, 8)
