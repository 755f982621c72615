"""What a transactional client says when somebody else has taken over, and when it says nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.runtime.clients import new_consumer
from streams.runtime.commit.transactions import Transactions
from streams.runtime.faults import EpochError, FencedError
from tests.support.bare_runtime import bare_settings

FENCED = KafkaException(KafkaError(KafkaError._FENCED, fatal=True))


class Client:
    """A producer whose `flush` fails in a given way so many times, and `commit` as a fenced one."""

    def __init__(self, fail: Callable[[], None], times: int) -> None:
        self._fail, self._times = fail, times

    def flush(self, patience_s: float) -> int:
        """Nothing is left."""
        self._times -= 1
        if self._times >= 0:
            self._fail()
        return 0

    def commit_transaction(self, patience_s: float) -> None:
        """As librdkafka does after a fatal error."""
        raise FENCED


def without_a_word() -> None:
    """As the client does when a callback has cleared what was raised."""
    raise SystemError("<method 'flush'> returned NULL without setting an exception")


def over_a_callback() -> None:
    """As Python does when a callback returns although something was raised."""
    raise SystemError("returned a result with an exception set") from FENCED


def by_a_bug() -> None:
    """A callback that fails."""
    raise SystemError("returned a result with an exception set") from ValueError("a bug")


def ended(home: Path, fail: Callable[[], None], times: int = 1) -> None:
    """The end of an epoch over such a client."""
    settings = bare_settings(home, transaction_timeout_s=1.0)
    group = new_consumer(settings)
    protocol = Transactions(settings, 0, group)
    client: Any = Client(fail, times)
    protocol._producer = client
    try:
        protocol.send_offsets({})
        protocol.commit()
    finally:
        group.close()


@pytest.mark.parametrize("fail", [without_a_word, over_a_callback])
def test_who_is_fenced_hears_of_it(tmp_path: Path, fail: Callable[[], None]) -> None:
    """An error that one call loses is the next call's."""
    with pytest.raises(FencedError, match="has another owner"):
        ended(tmp_path, fail)


def test_a_client_that_never_says_why_is_given_up(tmp_path: Path) -> None:
    """The epoch is dropped in time; nothing waits for ever."""
    with pytest.raises(EpochError, match="failed without an error"):
        ended(tmp_path, without_a_word, times=1_000)


def test_a_bug_in_a_callback_is_no_fault_of_the_broker(tmp_path: Path) -> None:
    """It is raised as it is."""
    with pytest.raises(SystemError) as raised:
        ended(tmp_path, by_a_bug)
    assert isinstance(raised.value.__cause__, ValueError)
