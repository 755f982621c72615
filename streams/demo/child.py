"""A process of the demo's own: it ends when its standard input does, so never outlives the demo."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from streams.errors import OfferstreamError
from streams.settings import Settings, child_environment

STOP_S_MAX = 15.0
LOG_CHARS_MAX = 2_000
ANSWER_S_MAX = 2.0


class Child:
    """`offerstream VERB ... --stop-at-eof`, with a log of its own; it is asked on `port`."""

    def __init__(self, verb: Sequence[str], settings: Settings, log: Path, port: int) -> None:
        self.name = verb[0]
        self._log = log
        self._port = port
        with log.open("wb") as written:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "streams", *verb, "--stop-at-eof"],
                env=child_environment(settings),
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )

    def check(self) -> None:
        """It still runs.

        Raises:
            OfferstreamError: it has ended; the end of its log is shown.
        """
        code = self._process.poll()
        if code is not None:
            how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
            raise OfferstreamError(f"the {self.name} ended {how}:\n{self.log_tail()}")

    def close_input(self) -> None:
        """Tell it to end; `stop` waits for it."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """End it, by force when it takes too long."""
        self.close_input()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def get(self, path: str) -> str | None:
        """What it answers; None where it does not, or with a fault."""
        client = HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S_MAX)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.read().decode() if answer.status == HTTPStatus.OK else None
        except (OSError, HTTPException):
            return None
        finally:
            client.close()

    def log_tail(self) -> str:
        """The end of its log."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return text[-LOG_CHARS_MAX:]
