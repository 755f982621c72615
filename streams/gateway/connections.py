"""Bounds on connections that uvicorn does not have: how many, and how slow one may be.

A connection that sends no complete head in time is closed, and so is one that does not read its
answer, or goes on with a body after it was answered. Heads are bounded by `HEAD_BYTES_MAX`.
"""

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_BYTES_MAX: Final = 16_384


class BoundedProtocol(H11Protocol):
    """One connection; `connections_max` and `read_timeout_s` are set by `bounded`."""

    connections_max = 1_000
    read_timeout_s = 10.0
    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            transport.abort()
        else:
            self._look()

    def data_received(self, data: bytes) -> None:
        """Go on, and look whether the head is complete."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_reading()
        self._stop_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is written: it has its time."""
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(self.read_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        self._stop_writing()

    def _look(self) -> None:
        """Time runs while a head is not complete, and while what follows an answer is thrown away.

        A body that is being read has its own time (`bodies.read_body`).
        """
        theirs, ours = self.conn.their_state, self.conn.our_state
        overdue = theirs is h11.IDLE or (theirs is h11.SEND_BODY and ours is h11.DONE)
        if not overdue:
            self._stop_reading()
        elif self._reading is None:
            self._reading = self.loop.call_later(self.read_timeout_s, self.transport.abort)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None


def bounded(connections_max: int, read_timeout_s: float) -> type[BoundedProtocol]:
    """The protocol with its bounds."""
    bounds = {"connections_max": connections_max, "read_timeout_s": read_timeout_s}
    return type("Bounded", (BoundedProtocol,), bounds)
