"""The demo as a stranger runs it: a short one, on the real embedded broker, with real processes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.apache_kafka import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]
SEED = 1


def start(*arguments: str, tmp: Path) -> "subprocess.Popen[str]":
    """`offerstream demo` with its temporary files under `tmp`."""
    return subprocess.Popen(
        [sys.executable, "-m", "streams", "demo", "--plain", "--seed", str(SEED), *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_behind(tmp: Path) -> list[str]:
    """Processes whose data folder lies under `tmp`."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(tmp).encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


def test_a_short_demo_makes_offers_and_alerts_and_leaves_nothing(tmp_path: Path) -> None:
    """Exit code 0, a summary with every promised line, a picture, no process and no file left."""
    print(f"SEED={SEED}")
    picture = tmp_path / "demo.svg"
    home = tmp_path / "home"
    home.mkdir()
    demo = start("--duration", "15", "--picture", str(picture), tmp=home)
    said, errors = demo.communicate(timeout=380)
    assert demo.returncode == 0, said + errors
    assert "embedded broker: in memory, 127.0.0.1 only, at least once" in said
    for name in (
        "events",
        "decisions",
        "offers used",
        "by the truth",
        "of each offer",
        "churn alerts",
    ):
        assert re.search(rf"^ {name} +\S", said, re.MULTILINE), said
    assert re.search(r"churn score +AUC 0\.\d{3} against the truth", said)
    assert re.search(r"models learned +.*offer used [\d,]+ labels", said, re.DOTALL), said
    assert re.search(r"event to offer +half within [\d.]+ m?s, 99 % within [\d.]+ m?s", said)
    assert said.count("lag: records not yet processed") == 1
    assert not re.search(r" $", said, re.MULTILINE), said
    assert re.search(r"audit +\d+ violations in [\d,]+ offers and [\d,]+ alerts", said), said
    assert "@font-face" not in picture.read_text(encoding="utf-8")
    assert list(home.iterdir()) == []
    assert left_behind(home) == []


@pytest.mark.parametrize("after", ["setting up", "embedded broker"])
def test_ctrl_c_at_any_moment_ends_cleanly(tmp_path: Path, after: str) -> None:
    """Exit code 130 within a quarter of a minute; nothing is left running or listening."""
    demo = start("--duration", "60", tmp=tmp_path)
    assert demo.stdout is not None
    while after not in (line := demo.stdout.readline()):
        assert line, demo.communicate()
    time.sleep(1.0)
    demo.send_signal(signal.SIGINT)
    said, errors = demo.communicate(timeout=60)
    assert demo.returncode == 130, said + errors
    assert "Traceback" not in said + errors
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def command_of(process: str) -> str:
    """What a process was started as."""
    return Path("/proc", process, "cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_a_process_that_dies_ends_the_demo(tmp_path: Path) -> None:
    """Exit code 1, and it is said which; the others are taken down."""
    demo = start("--duration", "60", tmp=tmp_path)
    assert demo.stdout is not None
    while "events/s" not in (line := demo.stdout.readline()):
        assert line, demo.communicate()
    (process,) = [p for p in left_behind(tmp_path) if "streams gateway " in command_of(p)]
    os.kill(int(process), signal.SIGKILL)
    said, errors = demo.communicate(timeout=60)
    assert (demo.returncode, "Traceback" in errors) == (1, False), said + errors
    assert "the gateway ended" in errors
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def test_workers_end_when_the_demo_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the demo: the worker sees the end of its input and goes."""
    demo = start("--duration", "60", tmp=tmp_path)
    assert demo.stdout is not None
    while "embedded broker" not in (line := demo.stdout.readline()):
        assert line, demo.communicate()
    assert left_behind(tmp_path)
    demo.kill()
    demo.communicate(timeout=20)
    deadline_s = time.monotonic() + 60
    while left_behind(tmp_path):
        assert time.monotonic() < deadline_s, left_behind(tmp_path)
        time.sleep(0.2)
