"""`python -m benchmarks.askers PORT RATE SECONDS FILE`: questions at a pace, each on its moment.

A process of its own, so that what callers cost is told apart from what is measured. FILE gets one
line of JSON a question once all is over: the moment at which it was due (seconds from the begin),
milliseconds until the whole answer was there, and the verdict.
"""

import asyncio
import json
import sys
from collections import deque
from pathlib import Path
from selectors import SelectSelector

CONNECTIONS = 64
KEY = "bench-key-0123456789"
TIMEOUT_MS = 1_000
GRACE_S = 5.0  # after the last question; what is not answered by then is broken
RETRY_S = 0.1
BEGUN = "begun"
_HEAD = (
    "POST /v1/decide HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
    "content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
)


def request(person: str, placement: str = "banner", timeout_ms: int = TIMEOUT_MS) -> bytes:
    """A question, as it goes over the wire."""
    asked = {"person": {"customer_id": person}, "placement": placement, "timeout_ms": timeout_ms}
    body = json.dumps(asked).encode()
    return _HEAD.format(key=KEY, length=len(body)).encode() + body


class Askers:
    """Connections that are kept; who is due while all of them wait for answers, waits as well."""

    def __init__(self, port: int) -> None:
        self.waits: list[tuple[float, float, str]] = []
        self.free: deque[Connection] = deque()
        self.due: deque[tuple[float, bytes]] = deque()
        self.under_way: set[Connection] = set()
        self._port = port
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """One more connection."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port)

    def lost(self, connection: "Connection") -> None:
        """The gateway closed it: another takes its place."""
        if connection in self.free:
            self.free.remove(connection)
        opening = asyncio.create_task(self._reopen())
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _reopen(self) -> None:
        """Until the gateway is there again; each time that it is not, somebody is refused."""
        while True:
            try:
                await self.open()
            except OSError:
                if self.due:
                    self.note(self.due.popleft()[0], "broken")
                await asyncio.sleep(RETRY_S)
            else:
                return

    def note(self, at_s: float, verdict: str) -> None:
        """How a question ended that was due at `at_s`."""
        waited_s = asyncio.get_running_loop().time() - at_s
        self.waits.append((at_s, waited_s * 1_000, verdict))

    def end(self) -> None:
        """Wait for nothing any more."""
        for opening in self._opening:
            opening.cancel()
        for connection in list(self.under_way):
            connection.give_up()
        while self.due:
            self.note(self.due.popleft()[0], "broken")

    def ask(self, at_s: float, question: bytes) -> None:
        """Ask now what was due at `at_s`."""
        if self.free:
            self.free.popleft().send(at_s, question)
        else:
            self.due.append((at_s, question))

    def release(self, connection: "Connection") -> None:
        """A connection is free again, for who waits."""
        if self.due:
            connection.send(*self.due.popleft())
        else:
            self.free.append(connection)


class Connection(asyncio.Protocol):
    """One connection with at most one question on its way."""

    def __init__(self, askers: Askers) -> None:
        self._askers = askers
        self._got = b""
        self._at_s: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._askers.release(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Another takes its place."""
        self.give_up()
        self._askers.lost(self)

    def give_up(self) -> None:
        """An answer that does not come any more is one all the same."""
        if self._at_s is not None:
            self._note("broken")

    def send(self, at_s: float, question: bytes) -> None:
        """Ask."""
        self._at_s, self._got = at_s, b""
        self._askers.under_way.add(self)
        self._transport.write(question)

    def data_received(self, data: bytes) -> None:
        """Is the whole answer there?"""
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) >= length:
            self._note(json.loads(body).get("verdict", "refused"))
            self._askers.release(self)

    def _note(self, verdict: str) -> None:
        at_s, self._at_s = self._at_s or 0.0, None
        self._askers.under_way.discard(self)
        self._askers.note(at_s, verdict)


async def ask(port: int, rate: int, seconds: int) -> list[tuple[float, float, str]]:
    """Ask `rate` times a second, of one person after the other; what each has waited."""
    loop, askers = asyncio.get_running_loop(), Askers(port)
    for _ in range(CONNECTIONS):
        await askers.open()
    print(BEGUN, flush=True)
    begin_s = loop.time()
    for number in range(rate * seconds):
        at_s = begin_s + number / rate
        if (early_s := at_s - loop.time()) > 0:
            await asyncio.sleep(early_s)
        askers.ask(at_s, request(f"c{number:07d}"))
    end_s = loop.time() + GRACE_S
    while len(askers.waits) < rate * seconds and loop.time() < end_s:
        await asyncio.sleep(0.1)
    askers.end()
    return [(at_s - begin_s, ms, verdict) for at_s, ms, verdict in askers.waits]


def _precise() -> asyncio.AbstractEventLoop:
    """Epoll and libuv wait for whole milliseconds; `select` is on time, to the microsecond."""
    return asyncio.SelectorEventLoop(SelectSelector())


def main(port: int, rate: int, seconds: int, file: Path) -> None:
    """Ask, and write down what was measured."""
    with asyncio.Runner(loop_factory=_precise) as runner:
        waits = runner.run(ask(port, rate, seconds))
    file.write_text("".join(f"{json.dumps(wait)}\n" for wait in waits))


if __name__ == "__main__":
    port, rate, seconds = map(int, sys.argv[1:4])
    main(port, rate, seconds, Path(sys.argv[4]))
