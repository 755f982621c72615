"""What a launcher started ends when the launcher is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from streams.runtime.process import orphan

CHILD = (
    "import os, signal, sys, time; from streams.runtime.process import orphan;"
    "signal.signal(signal.SIGTERM, lambda *_: (print('told', flush=True), os._exit(0)));"
    "{without_prctl}"
    "orphan.end_with(os.getppid()); print(os.getpid(), flush=True); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]);"
    "time.sleep(60)"
)


@pytest.mark.parametrize("without_prctl", ["", "orphan.sys.platform = 'other';"])
def test_a_child_is_told_to_stop_when_its_parent_was_killed(without_prctl: str) -> None:
    """With the kernel's help and without it, within seconds; it has time to stop in order."""
    child = CHILD.format(without_prctl=without_prctl)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    began_s = time.monotonic()
    parent.send_signal(signal.SIGKILL)
    assert parent.stdout.readline() == b"told\n"
    assert time.monotonic() - began_s < 10
    parent.wait()


def test_a_parent_that_is_gone_already_is_noticed() -> None:
    """The child was started by somebody else than it was told: its launcher had died before."""
    wrong = f"import time; from streams.runtime.process import orphan; orphan.end_with({2**22});"
    child = subprocess.Popen([sys.executable, "-c", wrong + "time.sleep(60)"])
    assert child.wait(20) == -signal.SIGTERM
    assert orphan.end_with is not None
