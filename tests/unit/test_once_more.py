"""`make fast` and `make kafka` run again what failed, and pass over no test that has not run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.side_by_side import cores, gigabytes
from tests.unit.test_house import ROOT

STALLED = """
from pathlib import Path

def test_stalls_once() -> None:
    seen = Path("seen")
    before = seen.exists()
    seen.touch()
    assert before
"""
FAULT = "def test_fault() -> None:\n    assert False\n"
NOT_READ = "import nothing_of_this_name\n"
LEFT = "import pytest\n\ndef test_leaves() -> None:\n    pytest.exit('gone')\n"
FINE = "def test_fine() -> None:\n    pass\n"


def made(folder: Path, target: str, second: str, *options: str) -> tuple[int, str]:
    """Ends `make TARGET` in a folder with two files of tests, of which the first stalls once."""
    room = folder / {"fast": "tests/unit", "kafka": "tests/kafka"}[target]
    room.mkdir(parents=True)
    for name, text in (("test_a", STALLED), ("test_b", second)):
        # The real targets leave out what is for Kafka, or run that alone.
        mark = "import pytest\n\npytestmark = pytest.mark.kafka\n" if target == "kafka" else ""
        (room / f"{name}.py").write_text(mark + text, encoding="utf-8")
    for name in ("streams", "tests/contract", "tests/property"):
        (folder / name).mkdir()
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "-p no:schemathesis"\nmarkers = ["kafka", "soak"]\n',
        encoding="utf-8",
    )
    shutil.copytree(ROOT / "tests/support", folder / "tests/support")
    shutil.copy(ROOT / "Makefile", folder)
    command = ["make", "-o", "install", target, f"VENV={sys.prefix}", f"PYTHON={sys.executable}"]
    # Told of our slipcover's folder, that of the toy tests took it for its own and removed it.
    ours = re.compile("MAKE|MFLAGS|PYTEST|SLIPCOVER|KAFKA|PROCESSES|BROKERS")
    done = subprocess.run(
        [*command, *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not ours.match(name)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=200,
    )
    return done.returncode, done.stdout


def test_what_stalled_once_passes_and_is_named_in_the_last_line(tmp_path: Path) -> None:
    """Alone it passes, so the run does; nobody overlooks which file it was."""
    code, told = made(tmp_path, "kafka", FINE)
    assert code == 0, told
    last = "!!! make kafka: FAILED AT FIRST, PASSED ALONE: tests/kafka/test_a.py !!!"
    assert told.splitlines()[-1] == last
    assert "RUN ONCE MORE, ALONE: tests/kafka/test_a.py !!!" in told


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    """A fault is no stall: the second run ends `make`."""
    code, told = made(tmp_path, "kafka", FAULT)
    assert code != 0
    assert "tests/kafka/test_a.py tests/kafka/test_b.py" in told
    assert "PASSED ALONE" not in told.splitlines()[-1]


@pytest.mark.parametrize("second", [NOT_READ, LEFT])
def test_a_run_that_did_not_come_to_its_end_is_not_saved_by_a_second(
    tmp_path: Path, second: str
) -> None:
    """A file that cannot be read, a test that leaves: others have not run, whatever failed too."""
    code, told = made(tmp_path, "fast", second, "PROCESSES=0")
    assert code != 0
    assert "RUN ONCE MORE, ALONE: tests" not in told
    assert "nothing_of_this_name" in told or "gone" in told


def test_every_run_of_make_is_under_the_same_rule() -> None:
    """Each leg starts without notes of an earlier run, and repeats what it has run itself."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    legs = [line for line in makefile.splitlines() if "$(PYTEST)" in line and "\t" in line[:1]]
    assert len(legs) == 4
    for leg in legs:
        mark = re.search(r"\$\(PYTEST\) (\$\(\w+\))", leg)
        assert mark is not None
        assert leg.startswith("\t$(PYTHON_ANEW) ")
        assert leg.endswith(f"$(call ONCE_MORE,{mark[1]})")


@pytest.mark.parametrize(
    ("files", "cores_here", "gigabytes_here"),
    [
        ({}, None, None),
        ({"cpu.max": "max 100000\n", "memory.max": "max\n"}, None, None),
        ({"cpu.max": "50000 100000\n"}, 0.5, None),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None, None),
        ({"cpu/cpu.cfs_quota_us": "25000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.25, None),
        (
            {
                "memory.max": "90000000\n",
                "memory.current": "80000000\n",
                "memory.stat": "anon 1\ninactive_file 15000000\nactive_file 5000000\n",
            },
            None,
            0.03,
        ),
        (
            {
                "memory/memory.limit_in_bytes": "90000000\n",
                "memory/memory.usage_in_bytes": "80000000\n",
            },
            None,
            0.01,
        ),
    ],
)
def test_a_container_has_what_it_may_still_take(
    tmp_path: Path, files: dict[str, str], cores_here: float | None, gigabytes_here: float | None
) -> None:
    """Its bound less what it uses, in cgroups of both kinds; without one, all of the machine."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    assert cores(tmp_path) == (cores_here or cores(tmp_path / "none"))
    if gigabytes_here is None:
        assert gigabytes(tmp_path) > 0.1
    else:
        assert gigabytes(tmp_path) == pytest.approx(gigabytes_here)
