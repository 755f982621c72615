"""Plays the `sh` blocks of a page as a person would: line by line, in a terminal of their own."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from msgspec import Struct

from tests.support.apache_kafka import ROOT, free_neighbors

ADDRESS = "127.0.0.1:9092"
PLAYABLE = re.compile(r"^(?:<!-- ([^>\n]*) -->\n)?```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"\n+(?:[^\n`]+\n+)?```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_PLAYED = "not played: "
ANYTHING = "..."
PATIENCE_S = 120
QUIET_S = 8.0  # a quiet partition takes the time of the others after 3, and then its timers fire
STAYING = (["offerstream", "worker"], ["offerstream", "gateway"], ["python", "shop.py"])
SLOTS = 3  # of `worker --workers 2`: each listens on a port of its own


class ShellBlock(Struct, frozen=True):
    """A block: its page, where it begins, what is said of it above, its text, what it prints."""

    page: Path
    line: int
    note: str
    text: str
    shown: str

    @property
    def lines(self) -> list[str]:
        """The commands, one a line, comments and all."""
        whole = self.text.replace("\\\n", " ")
        return [line for line in whole.splitlines() if line.strip() and line[0] != "#"]


def shell_blocks(page: Path) -> Iterator[ShellBlock]:
    """All `sh` blocks of a page, in their order; a `text` block right behind is what they print."""
    text = page.read_text(encoding="utf-8")
    for found in PLAYABLE.finditer(text):
        line = text[: found.start(2)].count("\n") + 1
        behind = SHOWN.match(text, found.end())
        yield ShellBlock(page, line, found[1] or "", found[2], behind[1] if behind else "")


def to_play(page: Path) -> list[ShellBlock]:
    """Those of a page that no note excuses."""
    return [block for block in shell_blocks(page) if not block.note.startswith(NOT_PLAYED)]


class Ran(Struct, frozen=True):
    """A line that was played: what it printed and how it ended."""

    line: str
    code: int
    out: str
    err: str


class Terminals:
    """Terminals on one broker, in a folder of their own; a context manager that ends what runs.

    Of what a page says the broker's address is replaced, and what stands in `words`. The folder
    has the checkout's `tests/`, `streams/` and `.venv/`, and whatever else the caller puts there.
    """

    def __init__(self, bootstrap: str, home: Path, application_id: str) -> None:
        self.words: dict[str, str] = {ADDRESS: bootstrap}
        self.folder = home / "folder"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("OFFERSTREAM_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OFFERSTREAM_BOOTSTRAP": bootstrap,
            "OFFERSTREAM_APPLICATION_ID": application_id,
            "OFFERSTREAM_DATA_DIR": str(home / "data"),
            "OFFERSTREAM_HTTP_PORT": str(free_neighbors(SLOTS)),
        }
        self._home = home
        self._running: list[subprocess.Popen[bytes]] = []
        self.folder.mkdir(parents=True)
        for name in ("tests", "streams"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / ".venv").symlink_to(sys.prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.send_signal(signal.SIGINT)
        for process in self._running:
            process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def play(self, block: ShellBlock) -> list[Ran]:
        """Every line of a block, in a terminal of its own."""
        environment = dict(self.environment)
        ran = []
        for line in block.lines:
            words = shlex.split(self._said(line), comments=True)
            if words[0] in ("make", "."):
                continue  # to install and activate: the tests run in what it makes
            if words[0] == "export":
                environment.update(word.split("=", 1) for word in words[1:])  # type: ignore[misc]
            elif words[:2] in STAYING:
                self._start(words, environment)
            else:
                ran.append(self._run(line, words, environment))
        return ran

    @property
    def log(self) -> str:
        """What stays in the foreground has said."""
        return (self._home / "foreground.log").read_text(errors="replace")

    def _said(self, line: str) -> str:
        for word, other in self.words.items():
            line = line.replace(word, other)
        return line

    def _start(self, words: list[str], environment: dict[str, str]) -> None:
        with (self._home / "foreground.log").open("ab") as log:
            process = subprocess.Popen(
                words, cwd=self.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._running.append(process)

    def _run(self, line: str, words: list[str], environment: dict[str, str]) -> Ran:
        paths = self._home / "out", self._home / "err"
        with paths[0].open("wb") as out, paths[1].open("wb") as err:
            process = subprocess.Popen(
                words, cwd=self.folder, env=environment, stdout=out, stderr=err
            )
            if words[2:3] == ["tail"]:
                _interrupt_when_quiet(process, paths[0])
            code = process.wait(PATIENCE_S)
        return Ran(line, code, *(path.read_text(errors="replace") for path in paths))


def _interrupt_when_quiet(process: subprocess.Popen[bytes], out: Path) -> None:
    """Ctrl-C once nothing more comes, as a person would who has seen enough."""
    size, since_s, until_s = 0, time.monotonic(), time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and process.poll() is None:
        if (now := out.stat().st_size) != size or not now:
            size, since_s = now, time.monotonic()
        if time.monotonic() - since_s > QUIET_S:
            break
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)


def expected_code(line: str) -> int:
    """The exit code that the page's comment names, else 0."""
    found = re.search(r"#.*exit code (\d+)", line)
    return int(found[1]) if found else 0


def not_printed(shown: str, printed: str) -> list[str]:
    """The lines of a page's output that were not printed in this order; `...` is any text."""
    left, missing = iter(printed.splitlines()), []
    for line in filter(str.strip, shown.splitlines()):
        pattern = ".*".join(re.escape(part) for part in line.strip().split(ANYTHING))
        if not any(re.fullmatch(pattern, other.strip()) for other in left):
            missing.append(line)
    return missing
