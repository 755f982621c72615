"""Questions that take long, each answered by a program beside the gateway, one at a time."""

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from secrets import token_urlsafe
from tempfile import TemporaryFile
from typing import Final

import msgspec

from streams.admin.aside import START_S, Answer, Progress, Question
from streams.admin.trying import NotTried

PROGRAM: Final = (sys.executable, "-m", "streams.admin.aside")
LOOK_S: Final = 0.5
END_S: Final = 5.0
KEPT_MAX: Final = 8
PART: Final = 65_536

Stopped = Callable[[], bool]
Asked = Callable[[Question, Stopped], Iterator[Answer]]
"""How a question is answered: how far it is, again and again, and at last what came out."""

_answer: Final = msgspec.json.Decoder(Answer)


class Aside:
    """One question; `answer` is how far it is, or what came out."""

    def __init__(self, question: Question, owner: str, asked: Asked) -> None:
        self.id = token_urlsafe(12)
        self.owner = owner
        self.answer: Answer = Progress()
        self.ended_s: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(question, asked), daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is not answered yet."""
        return self.ended_s is None

    def stop(self) -> None:
        """End it, whatever has come out."""
        self._stopped.set()
        self._thread.join(10.0)

    def _run(self, question: Question, asked: Asked) -> None:
        try:
            for answer in asked(question, self._stopped.is_set):
                self.answer = answer
        finally:
            if isinstance(self.answer, Progress):
                self.answer = NotTried("fault")
            self.ended_s = time.monotonic()


class Asides:
    """The questions of all operators: one at a time, the newest answers kept for a while."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._kept: list[Aside] = []
        self._turn = threading.Lock()

    def start(self, question: Question, owner: str) -> Aside | None:
        """Ask; whoever asks again gives up what they asked before. None: another one is asking."""
        with self._turn:
            running = [one for one in self._kept if one.is_running]
            if any(one.owner != owner for one in running):
                return None
            for one in running:
                one.stop()
            made = Aside(question, owner, self._asked)
            self._kept = [*self._kept[1 - KEPT_MAX :], made]
            return made

    def find(self, id_: str) -> Aside | None:
        """One that is kept."""
        return next((one for one in self._kept if one.id == id_), None)

    def stop(self) -> None:
        """End all."""
        with self._turn:
            for one in self._kept:
                one.stop()


def ask_program(question: Question, stopped: Stopped) -> Iterator[Answer]:
    """Answered by `streams.admin.aside`; killed when it takes too long, or nobody wants it.

    One that ends by itself without an answer has failed: for want of memory where the system ended
    it, by a fault of its own otherwise.
    """
    end_s = time.monotonic() + question.limits.seconds + START_S
    answered = False
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as answers, TemporaryFile() as said:
        said.write(msgspec.msgpack.encode(question))
        said.seek(0)
        with os.fdopen(theirs, "wb") as into:
            process = subprocess.Popen(  # noqa: S603
                PROGRAM, stdin=said, stdout=into, stderr=subprocess.DEVNULL
            )
        try:
            for line in _lines(answers.fileno(), lambda: stopped() or _over(end_s)):
                answer = _answer.decode(line)
                answered = not isinstance(answer, Progress)
                yield answer
            if not (answered or stopped() or _over(end_s)):
                yield _silent(process)
        finally:
            process.kill()
            process.wait()
    if _over(end_s):
        yield NotTried("no_time")


def _silent(process: subprocess.Popen[bytes]) -> NotTried:
    """Why a program has ended its answers without one."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        if process.wait(END_S) < 0:  # by a signal: the system, or a library that got no memory
            return NotTried("no_room")
    return NotTried("fault", "The program ended without an answer.")


def _over(end_s: float) -> bool:
    return time.monotonic() >= end_s


def _lines(pipe: int, stopped: Stopped) -> Iterator[bytes]:
    """The lines of a pipe until it ends or is not wanted any more."""
    rest = b""
    while not stopped():
        if not select.select([pipe], [], [], LOOK_S)[0]:
            continue
        part = os.read(pipe, PART)
        if not part:
            return
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
