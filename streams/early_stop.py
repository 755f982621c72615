"""SIGTERM and SIGINT before a worker's own handlers stand: it ends with 0 and a line.

Imports nothing that takes time: it is in force while everything else is imported.
"""

import json
import os
import signal
from collections.abc import Sequence
from types import FrameType

LONG_RUNNING = frozenset({"deliver", "gateway", "worker", "worker-slot"})
PIECES_OF_WORK = frozenset({"check", "failures", "redrive", "try"})
_ERROR_STREAM = 2


def end_early_if_told(arguments: Sequence[str]) -> None:
    """From now until the program sets its own handlers, a signal ends it; for long runs only.

    Other verbs do a piece of work: when they are stopped half way, 0 would be a lie.
    """
    if LONG_RUNNING.intersection(arguments) and not PIECES_OF_WORK.intersection(arguments):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """Nothing has begun, so nothing is left undone; an exception could get lost in an import."""
    line = {"event": "told_to_stop_before_the_start", "signal": signal.Signals(number).name}
    os.write(_ERROR_STREAM, json.dumps({**line, "level": "info"}, sort_keys=True).encode() + b"\n")
    os._exit(0)
