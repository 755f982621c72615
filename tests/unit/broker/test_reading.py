"""Topics are read to their end, or it is said that they were not."""

from typing import Any

import pytest

from streams.broker import reading
from streams.errors import NoBrokerError
from streams.settings import Settings


class Silent:
    """A consumer whose broker has gone."""

    closed = False

    def consume(self, _: int, __: float) -> list[Any]:
        """Nothing comes, and no end of a partition."""
        return []

    def close(self) -> None:
        """Let go."""
        self.closed = True


def test_a_broker_that_ceases_to_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever reads is told in bounded time, and the consumer is closed."""
    consumer = Silent()
    monkeypatch.setattr(reading, "open_reader", lambda *_, **__: (consumer, 1))
    monkeypatch.setattr(reading, "SILENCE_S_MAX", 0.05)
    with pytest.raises(NoBrokerError, match="ceased to answer"):
        list(reading.read_to_end(Settings(), ["any"]))
    assert consumer.closed
