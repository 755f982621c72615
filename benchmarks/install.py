"""Each contender's own installation under `.cache/bench/`, made once per pinned list."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "bench"
CONTENDERS = ROOT / "benchmarks" / "contenders"


def python_of(contender: str) -> str:
    """The interpreter of a contender's own environment.

    Raises:
        subprocess.CalledProcessError: the packages cannot be installed.
    """
    requirements = CONTENDERS / contender / "requirements.txt"
    home = CACHE / contender
    if not _made(home, requirements):
        shutil.rmtree(home, ignore_errors=True)
        _run(*_uv(), "venv", "--quiet", "--python", sys.executable, str(home))
        python = str(home / "bin" / "python")
        _run(*_uv(), "pip", "install", "--quiet", "--python", python, "-r", str(requirements))
        _note(home, requirements)
    return str(home / "bin" / "python")


def java_classes() -> str:
    """The class path of the compiled Kafka Streams contender.

    Raises:
        subprocess.CalledProcessError: the jars cannot be fetched, or javac refuses.
    """
    source = CONTENDERS / "kafka_streams"
    home = CACHE / "kafka_streams"
    pom, program = source / "pom.xml", source / "StatePipeline.java"
    if not _made(home, pom, program):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _run(
            "mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={home / 'lib'}",
        )  # fmt: skip
        classes = str(home / "classes")
        _run("javac", "--release", "17", "-cp", f"{home}/lib/*", "-d", classes, str(program))
        _note(home, pom, program)
    return f"{home}/classes:{home}/lib/*"


def missing_tools() -> list[str]:
    """What the benchmark needs and this machine does not have."""
    return [tool for tool in ("java", "javac", "mvn", "taskset") if shutil.which(tool) is None]


def _uv() -> list[str]:
    own = ROOT / ".tools" / "bin" / "uv"
    return [str(own) if own.exists() else "uv"]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr, env={**os.environ})


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _made(home: Path, *files: Path) -> bool:
    note = home / "made-from"
    return note.exists() and note.read_text() == _digest(*files)


def _note(home: Path, *files: Path) -> None:
    (home / "made-from").write_text(_digest(*files))
