"""A data folder is one process's own; what cannot be used is said in a sentence, at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.errors import OperatorError
from streams.runtime.faults import StoreError, exit_code
from streams.runtime.process.folder import LOCK, hold_folder, log

HOLDS = (
    "import sys, time; from pathlib import Path;"
    "from streams.runtime.process.folder import hold_folder;"
    "held = hold_folder(Path(sys.argv[1]), 0); print('held', flush=True);"
    "time.sleep(float(sys.argv[2]))"
)


def holder(path: Path, seconds: float) -> subprocess.Popen[bytes]:
    """A process that has the folder for so long."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path), str(seconds)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_folder_is_made_and_names_its_process(tmp_path: Path) -> None:
    """Whoever looks finds the process's number in it."""
    held = hold_folder(tmp_path / "a" / "b", 0)
    assert (held.path / LOCK).read_text() == f"{os.getpid()}\n"
    held.release()
    hold_folder(tmp_path / "a" / "b", 0).release()


def test_a_folder_that_stays_in_use_is_refused_with_the_process(tmp_path: Path) -> None:
    """The sentence names folder and process; the exit code is an operator's matter."""
    process = holder(tmp_path, 60)
    with pytest.raises(OperatorError, match=f"in use by process {process.pid}") as refused:
        hold_folder(tmp_path, 0.3)
    assert exit_code(refused.value) == 78
    process.kill()
    process.wait()
    hold_folder(tmp_path, 5).release()


def test_who_is_ending_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What an earlier start left behind is recognized, said once, and waited for."""
    process, began_s = holder(tmp_path, 1.5), time.monotonic()
    hold_folder(tmp_path, 20).release()
    assert time.monotonic() - began_s > 1
    # A client that an earlier test closed may still speak.
    assert [r.getMessage() for r in caplog.records if r.name == log.name] == [
        f"process {process.pid}, left from an earlier start, still uses {tmp_path}: "
        "waiting up to 20 s"
    ]
    process.wait()


def test_a_file_in_the_folders_place_is_an_operators_matter(tmp_path: Path) -> None:
    """Neither a traceback nor a full disk: one sentence with the setting, and 78."""
    file = tmp_path / "file"
    file.write_text("x")
    for path in (file, file / "below"):
        with pytest.raises(OperatorError, match=r"cannot be used .*data_dir") as refused:
            hold_folder(path, 0)
        assert exit_code(refused.value) == 78


def test_a_full_disk_is_not_an_operators_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have room again: 75, and the launcher tries again."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreError, match="No space left") as refused:
        hold_folder(tmp_path, 0)
    assert exit_code(refused.value) == 75
