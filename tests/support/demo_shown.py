"""A demo with its page, played for a test: started, its address read, ended."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.apache_kafka import ROOT

ADDRESS = re.compile(r"a shop to try: (http://127\.0\.0\.1:\d+/)")


class Shown:
    """The process; `url` is the page's, and `said` what the terminal showed so far."""

    def __init__(self, *arguments: str, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streams", "demo", "--plain", *arguments],
            cwd=ROOT,
            env={"TMPDIR": str(home), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.home = home
        self._lines: list[str] = []
        self._found = threading.Event()
        self.url = ""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def said(self) -> str:
        """What it wrote."""
        return "".join(self._lines)

    def wait_for_page(self, timeout_s: float = 200) -> None:
        """Until it has said where the page is."""
        assert self._found.wait(timeout_s), self.said
        assert self.url, self.said

    def interrupt(self, timeout_s: float = 90) -> int:
        """Ctrl-C, and the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        """The exit code, once it has ended by itself."""
        code = self._process.wait(timeout_s)
        self._reading.join(10)
        return code

    def kill(self) -> None:
        """Whatever happened: it is gone."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if found := ADDRESS.search(line):
                self.url = found[1]
                self._found.set()
        self._found.set()


@contextmanager
def shown(*arguments: str, home: Path) -> Iterator[Shown]:
    """A demo whose page is open for visitors."""
    demo = Shown(*arguments, home=home)
    try:
        demo.wait_for_page()
        yield demo
    finally:
        demo.kill()
