"""What process() spends, by part: samples of the stack, taken by CPU time over `process_alone`.

A sample belongs to the innermost frame whose file is a part; helpers that several parts use (ids,
times, counters) are none and count for whoever called them.
"""

import signal
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from benchmarks import process_alone
from benchmarks.install import ROOT

INTERVAL_S = 0.001
PARTS = {
    "decode and check the event": (
        "contracts/inputs contracts/envelope.py contracts/check_digits.py contracts/money.py"
    ),
    "identity": "identity",
    "the event changes the row": "customer",
    "what is due, feedback, signals": "customer/row.py feedback alerts",
    "triggers, reminders": (
        "decisions/triggers.py decisions/requests.py decisions/deferral.py customer/waiting.py"
    ),
    "limits, consent": "decisions/limits.py decisions/consent.py customer/consents.py",
    "eligibility": "decisions/eligibility.py decisions/situation.py",
    "CEL rules": "decisions/cel_rules.py decisions/facts.py",
    "features": "features",
    "scoring": "models",
    "weights, draw": "decisions/arbitration.py decisions/exploration.py identity/arms.py",
    "offer and log entry": (
        "decisions/choose.py decisions/scoring.py decisions/known.py decisions/messages.py "
        "decisions/wording.py"
    ),
    "encode offer and log entry": "contracts/outputs",
    "process() itself": "pipeline.py",
    "the loop around it": "driver.py",
}
OTHER = "the loop around it"
SUM = "all"


def measure(events: int, customers: int, seed: int) -> list[tuple[str, float]]:
    """CPU microseconds an event by part, in the order of `PARTS`, and their sum."""
    where = {ROOT / "streams" / path: part for part in PARTS for path in PARTS[part].split()}
    samples: Counter[str] = Counter()
    started = 0.0

    def sample(_: int, frame: FrameType | None) -> None:
        samples[_part_of(frame, where)] += 1

    def start() -> None:
        nonlocal started
        signal.signal(signal.SIGPROF, sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
        started = time.process_time()

    try:
        counted = process_alone.feed(events, customers, seed, start)
        us = (time.process_time() - started) * 1e6 / counted
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    us_of_a_sample = us / max(samples.total(), 1)
    return [*((part, samples[part] * us_of_a_sample) for part in PARTS), (SUM, us)]


def _part_of(frame: FrameType | None, where: dict[Path, str]) -> str:
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        part = where.get(path) or where.get(path.parent)
        if part is not None:
            return part
        frame = frame.f_back
    return OTHER
