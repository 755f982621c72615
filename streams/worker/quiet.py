"""Lines of the client libraries: each kind once a minute with a count, and few kinds at all."""

import logging
import re
import threading
import time
from collections.abc import Callable

LIBRARIES = frozenset({"aiokafka", "asyncio", "faust", "kafka", "librdkafka", "mode"})
EVERY_S = 60.0
LINES_MAX = 5
_KINDS_MAX = 200
_ORDINARY = "because it is rebalancing"  # whenever somebody joins or leaves the group
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")


class Quiet(logging.Filter):
    """Lets our own lines through, and at most `LINES_MAX` lines a minute of the libraries'.

    A line of a kind that was left out before carries how many were, as `left_out`. Without a broker
    the libraries say hundreds of lines a second, which all say the same.

    >>> quiet = Quiet(lambda: 0.0)
    >>> line = logging.makeLogRecord({"name": "aiokafka.conn", "msg": "node 1 is away"})
    >>> quiet.filter(line), quiet.filter(line)
    (True, False)
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._next_s: dict[str, float] = {}
        self._left_out: dict[str, int] = {}
        self._minute_began_s = clock_s()
        self._lines = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Is the line to be written?"""
        if record.name.split(".", 1)[0] not in LIBRARIES:
            return True
        if _ORDINARY in str(record.msg) and record.levelno > logging.INFO:
            record.levelno, record.levelname = logging.INFO, "INFO"
            if not logging.getLogger().isEnabledFor(logging.INFO):
                return False
        with self._lock:
            return self._passes(record)

    def _passes(self, record: logging.LogRecord) -> bool:
        kind, now_s = _kind(record), self._clock_s()
        if kind not in self._next_s and len(self._next_s) >= _KINDS_MAX:
            kind = "others"
        if now_s >= self._minute_began_s + EVERY_S:
            self._minute_began_s, self._lines = now_s, 0
        if now_s < self._next_s.get(kind, now_s) or self._lines >= LINES_MAX:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._next_s[kind] = now_s + EVERY_S
        self._lines += 1
        if left_out := self._left_out.pop(kind, 0):
            record.left_out = left_out
        return True


def _kind(record: logging.LogRecord) -> str:
    """What stays the same from line to line; librdkafka's first argument names its kind."""
    said, given = record.msg, record.args
    if record.name == "librdkafka" and isinstance(given, tuple) and given:
        said = given[0]
    return f"{record.name} {_VARIES.sub('', str(said))[:100]}"
