"""What the client libraries say is bounded; what we say is not."""

import io
import json
import logging
import sys

import pytest

from streams.worker.logs import configure_logs
from streams.worker.quiet import EVERY_S, LINES_MAX, Quiet


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """What the clock shows."""
        return self.now_s


def line(name: str, message: str, *args: object) -> logging.LogRecord:
    """A line of a library."""
    return logging.LogRecord(name, logging.WARNING, "", 0, message, args, None)


def test_ten_minutes_without_a_broker_are_under_a_hundred_lines() -> None:
    """270 lines a second of many kinds from five libraries: at most five a minute remain."""
    clock = Clock()
    quiet, written = Quiet(clock), 0
    names = ("librdkafka", "aiokafka.conn", "kafka.client", "mode", "faust.transport")
    for tenth in range(10 * 60 * 10):
        clock.now_s = tenth / 10
        for n in range(27):
            said = line(names[n % 5], "%s [%s] %s", f"FAIL{n}", f"client-{tenth}", "refused")
            written += quiet.filter(said)
    assert 10 <= written <= 10 * LINES_MAX < 100


def test_a_kind_that_comes_again_tells_how_often_it_was_left_out() -> None:
    """Numbers in a line make no new kind; after a minute one line carries the count."""
    clock = Clock()
    quiet = Quiet(clock)
    shown = [r for n in range(100) if quiet.filter(r := line("aiokafka.conn", f"node {n} is away"))]
    assert len(shown) == 1
    clock.now_s = EVERY_S
    again = line("aiokafka.conn", "node 7 is away")
    assert quiet.filter(again)
    assert vars(again)["left_out"] == 99


def test_our_own_lines_are_never_left_out() -> None:
    """A thousand equal lines of ours are a thousand lines."""
    quiet = Quiet(Clock())
    assert all(quiet.filter(line("streams.runtime", "partition 1 is open")) for _ in range(1_000))


def test_a_librarys_line_is_json_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """Role, slot, logger and partition are fields of their own."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs("info", role="worker", slot=1)
        adapter = logging.LoggerAdapter(logging.getLogger("librdkafka"), {"partition": 3})
        adapter.log(logging.ERROR, "%s [%s] %s", "FAIL", "offerstream#producer-1", "refused")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    said = json.loads(out.getvalue())
    assert said["role"] == "worker"
    assert (said["slot"], said["partition"], said["logger"]) == (1, 3, "librdkafka")
    assert said["event"] == "FAIL [offerstream#producer-1] refused"


@pytest.mark.parametrize(("level", "said"), [("info", ["info"]), ("warning", [])])
def test_a_rebalance_is_no_warning(
    monkeypatch: pytest.MonkeyPatch, level: str, said: list[str]
) -> None:
    """Whenever somebody joins or leaves, the group client says so; nobody has to look."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(level)
    message = "Heartbeat failed for group %s because it is rebalancing"
    logging.getLogger("aiokafka.consumer.group_coordinator").warning(message, "g")
    assert [json.loads(one)["level"] for one in written.getvalue().splitlines()] == said
