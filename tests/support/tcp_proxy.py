"""A network that misbehaves on command: a TCP proxy on 127.0.0.1 between a client and a broker."""

import socket
import threading
import time
from collections import deque
from contextlib import suppress

_POLL_S = 0.05
_BYTES = 65_536


class TcpProxy:
    """Forwards `port` to `target`; `cut`, `half_open` and `delay_s` spoil it, `heal` mends it.

    Two threads a connection; everything ends with `close`.
    """

    def __init__(self, port: int, target: int) -> None:
        self.delay_s = 0.0
        self.accepted = 0
        self._target = target
        self._cut = False
        self._half_open = False
        self._closed = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection, and every new one at once."""
        self._cut = True
        self._drop()

    def half_open(self) -> None:
        """Connections stay, and may be made, but nothing gets through: no byte and no end."""
        self._half_open = True

    def heal(self) -> None:
        """Forward again; connections that were silent are closed now."""
        if self._half_open:
            self._drop()
        self._cut = self._half_open = False

    def close(self) -> None:
        """End everything."""
        self._closed = True
        # Wakes the thread in `accept`, which would keep the port.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self._cut:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            self._pairs.add(pair)
            for here, there in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(pair, here, there), daemon=True).start()

    def _pump(
        self, pair: tuple[socket.socket, socket.socket], here: socket.socket, there: socket.socket
    ) -> None:
        """Bytes in order, each `delay_s` after it came in."""
        waiting: deque[tuple[float, bytes]] = deque()
        try:
            here.settimeout(_POLL_S)
            while True:
                if waiting:
                    here.settimeout(max(0.001, min(_POLL_S, waiting[0][0] - time.monotonic())))
                try:
                    data = here.recv(_BYTES)
                    if not data:
                        break
                    waiting.append((time.monotonic() + self.delay_s, data))
                except TimeoutError:
                    pass
                while waiting and waiting[0][0] <= time.monotonic() and not self._half_open:
                    there.sendall(waiting.popleft()[1])
        except OSError:
            pass
        finally:
            self._end(pair)

    def _drop(self) -> None:
        for pair in list(self._pairs):
            self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
