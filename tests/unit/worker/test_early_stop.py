"""A worker that is told to stop while it starts ends with 0 and says so, at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.early_stop import end_early_if_told

NOBODY_LISTENS = "127.0.0.1:9"
HANDLER_PATIENCE_S = 20.0


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of the command, without a broker; SIGTERM's handler stands when this returns."""
    environment = {
        **os.environ,
        "OFFERSTREAM_BOOTSTRAP": NOBODY_LISTENS,
        "OFFERSTREAM_DATA_DIR": str(folder),
        "OFFERSTREAM_HTTP_PORT": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "streams", *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    deadline_s = time.monotonic() + HANDLER_PATIENCE_S
    while not catches(process.pid, signal.SIGTERM):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s, "no handler for SIGTERM"
        time.sleep(0.002)
    return process


def catches(pid: int, number: signal.Signals) -> bool:
    """Does the process have a handler of its own? The interpreter itself needs some 20 ms."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells who has a handler")
@pytest.mark.parametrize(
    "arguments",
    [
        ("worker-slot", "worker", "0"),
        ("worker-slot", "learner", "1"),
        ("worker-slot", "treasury", "2"),
        ("worker", "--workers", "1", "--no-learner", "--no-treasury"),
    ],
)
def test_sigterm_while_it_starts(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """During imports, while reference data is awaited, while the broker is looked for: always 0."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    waits = [0.0, *(chance.uniform(0.0, 2.5) for _ in range(2))]
    for wait_s in waits:
        process = start(tmp_path, *arguments)
        time.sleep(wait_s)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, (wait_s, errors.decode())
        events = [json.loads(line)["event"] for line in errors.splitlines() if line[:1] == b"{"]
        assert events, (wait_s, errors)


def test_other_verbs_are_ended_by_the_signal_itself() -> None:
    """A piece of work that was stopped half way does not end with 0."""
    before = signal.getsignal(signal.SIGTERM)
    end_early_if_told(["replay", "day.jsonl"])
    assert signal.getsignal(signal.SIGTERM) is before
