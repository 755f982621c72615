"""A program beside the gateway takes no more than it may, and ends when nobody wants its answer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.admin.bounds import GONE, MEGABYTE, NICE, room_of_container
from streams.gateway.page.asides import PROGRAM


def bounded(code: str) -> subprocess.CompletedProcess[str]:
    """What came of a program that bounds itself."""
    before = "import os, time; from streams.admin.bounds import end_after, give_way; "
    command = (sys.executable, "-c", before + code)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_ends_when_whoever_asked_is_gone() -> None:
    """Also where that was killed and could end nothing: the system closes its end of the pipe."""
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asked:
        try:
            assert asked.stdout is not None
            asked.stdout.close()
            assert asked.wait(60) == GONE
        finally:
            asked.kill()


def test_it_ends_when_its_time_is_over() -> None:
    """Whatever it is at, and whether anybody looks."""
    assert bounded("end_after(0.1); time.sleep(50)").returncode == -signal.SIGALRM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux chooses whom it ends")
def test_where_memory_ends_it_is_ended_and_not_the_gateway() -> None:
    """It gives way in memory as in CPU time."""
    said = bounded("give_way(); print(open('/proc/self/oom_score_adj').read(), os.nice(0))").stdout
    assert said.split() == ["1000", str(min(19, os.nice(0) + NICE))]


@pytest.mark.parametrize(
    ("name", "said", "megabytes"),
    [
        ("memory.max", "536870912\n", 384),
        ("memory/memory.limit_in_bytes", "536870912\n", 384),
        ("memory.max", "max\n", None),
        ("other", "536870912\n", None),
    ],
)
def test_a_container_has_less(tmp_path: Path, name: str, said: str, megabytes: int | None) -> None:
    """Three quarters of its memory, by both versions of cgroups; without a limit, no less."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(said, encoding="ascii")
    room = room_of_container(tmp_path)
    assert (room == megabytes * MEGABYTE) if megabytes else (room > 10**6 * MEGABYTE)
