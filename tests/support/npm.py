"""Real clients out of the npm registry, for tests that let them talk to us."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.alone import alone
from tests.support.debian import program

CLIENTS = Path(__file__).parents[1] / "clients"
INSTALLED = Path(__file__).parents[2] / ".cache" / "clients"
_LOCK = "package-lock.json"


def clients() -> Path:
    """A folder with `tests/clients` and, as its lock says, `node_modules`.

    Skips the test with a loud line where they cannot be had; fails instead when `CI` is set.
    """
    npm = program("npm", "npm")
    with alone(INSTALLED):
        reason = _install(npm)
    if not reason:
        return INSTALLED
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"SKIPPED LOUDLY: {reason}")


def _install(npm: Path) -> str:
    """Bring the folder up to the lock; why that failed, or nothing."""
    before = INSTALLED / "node_modules" / _LOCK
    lock = (CLIENTS / _LOCK).read_bytes()
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for path in CLIENTS.iterdir():
        installed = INSTALLED / path.name
        # What is as it should be is left alone: somebody beside us may be reading it.
        if not installed.exists() or installed.read_bytes() != path.read_bytes():
            shutil.copy(path, installed)
    if before.exists() and before.read_bytes() == lock:
        return ""
    command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        before.write_bytes(lock)
        return ""
    return f"npm cannot install the clients: {done.stderr[-400:]}"


def run_node(script: str, *arguments: str) -> None:
    """Run one of `tests/clients` to its end; an error of its own fails the test."""
    folder = clients()
    command = [str(program("node", "nodejs")), script, *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
