"""The page's thread: a web server of its own beside the play, on 127.0.0.1."""

import contextlib
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Final

import uvicorn

from streams.demo.page.app import build_app
from streams.demo.page.guests import Guests
from streams.demo.page.view import View
from streams.errors import OfferstreamError
from streams.gateway.unsignaled import UnsignaledServer

STOP_S: Final = 2
JOIN_S: Final = 10.0


@contextlib.contextmanager
def serving(view: View, guests: Guests, port: int) -> Iterator[None]:
    """The page, as long as the context lasts.

    Raises:
        OfferstreamError: nobody can listen on the port.
    """
    config = uvicorn.Config(
        build_app(view, guests),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )
    server = UnsignaledServer(config)  # signals are the demo's
    try:
        sock = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise OfferstreamError(f"nobody can listen on 127.0.0.1:{port}: {error}") from error
    thread = Thread(target=server.run, args=([sock],), name="demo-page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(JOIN_S)
        sock.close()
