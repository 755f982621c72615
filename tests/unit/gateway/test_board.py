"""The board holds what is valid, and nothing for longer because nobody asks about it."""

import gc
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.times import from_ms, to_ms
from streams.gateway import board as of_board
from streams.gateway.board import Board, Held, Place

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples" / "next_best_offer" / "valid"
OFFER = msgspec.json.decode((EXAMPLES / "app_banner.json").read_bytes(), type=NextBestOffer)
T0 = to_ms(OFFER.decided_at)
SECOND = timedelta(seconds=1)


def held(number: int, at_ms: int, valid: timedelta) -> Held:
    """An offer of somebody of its own."""
    made = replace(
        OFFER,
        decision_id=f"d-{number}",
        customer_id=f"c-{number}",
        decided_at=from_ms(at_ms),
        valid_until=from_ms(at_ms) + valid,
    )
    return Held.read(Place(0, number), msgspec.json.encode(made))


def test_what_is_over_is_held_no_longer() -> None:
    """Whoever it was for, and whether anybody asks; what is valid stays, in its order."""
    now_ms = T0
    board = Board(lambda: now_ms)
    board.post(held(0, now_ms, 3_600 * SECOND))
    for number in range(1, 1_001):
        now_ms = T0 + 1_000 * number
        board.post(held(number, now_ms, 5 * SECOND))
        assert len(board) <= 6
    newest = [one.decision_id for one in board.newest(10)]
    assert newest == ["d-1000", "d-999", "d-998", "d-997", "d-996", "d-0"]
    board.take_down("c-999", "d-999")
    now_ms += 60_000
    board.post(held(1_001, now_ms, 5 * SECOND))
    assert [one.decision_id for one in board.newest(10)] == ["d-1001", "d-0"]
    assert board.valid("c-0")
    assert not board.valid("c-1000")


def test_what_is_taken_down_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are used or dismissed before their end; what is held still ends in time."""
    monkeypatch.setattr(of_board, "OFFERS_MAX", 10)
    now_ms = T0
    board = Board(lambda: now_ms)
    board.post(held(0, now_ms, 60 * SECOND))
    for number in range(1, 1_001):
        board.post(held(number, now_ms, 3_600 * SECOND))
        board.take_down(f"c-{number}", f"d-{number}")
        assert len(board._ends) <= 20
    assert len(board) == 1
    now_ms += 60_000
    board.post(held(1_001, now_ms, 5 * SECOND))
    assert [one.decision_id for one in board.newest(10)] == ["d-1001"]
    assert len(board) == 1


def test_python_walks_over_little_of_what_is_held() -> None:
    """Its search for garbage stops everybody: an offer that is held adds a list, no more."""
    board = Board(lambda: T0)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(1_000):
        board.post(held(number, T0, 60 * SECOND))
    gc.collect()
    assert len(board) == 1_000
    assert len(gc.get_objects()) - before < 1_500
    assert board.valid("c-7")[0].offer.decision_id == "d-7"
