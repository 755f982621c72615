"""A test that fails and leaves a thread behind holds neither the next test nor the run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests import conftest as house
from tests.conftest import pytest_runtest_teardown, pytest_unconfigure

house.TEARDOWN_S, house.EXIT_S = 0.5, 0.5
"""
TESTS = """
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as made:
        yield made


def test_one(pool):
    pool.submit(threading.Event().wait)
    assert False


def test_two():
    pass
"""


def test_what_is_left_waiting_fails_and_ends(tmp_path: Path) -> None:
    """The fixture is told of, the next test runs, the process ends with what failed."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_left.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path)]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "a fixture did not end within 0.5 s" in run.stdout
    assert "1 failed, 1 passed, 1 error" in run.stdout
    assert run.returncode == 1
