"""A real HTTP server that webhooks are sent to; what it got, and how it answers."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + "b2ZmZXJzdHJlYW0tdGVzdHMtb25seS1zZWNyZXQh"


class Got(NamedTuple):
    """One request."""

    at_s: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def webhook_id(self) -> str:
        """Of Standard Webhooks."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The CloudEvent."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    def verified(self, secret: str = SECRET) -> Any:
        """What the official library makes of it; raises where the signature is none."""
        return Webhook(secret).verify(self.body, self.headers)


class Reply(NamedTuple):
    """How a request is answered, after so many seconds."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    after_s: float = 0.0


class Receiver:
    """`with Receiver(answer) as receiver`; `answer` says what each request gets."""

    def __init__(self, answer: Callable[[Got], Reply] = lambda _: Reply(), host: str = "127.0.0.1"):
        self.answer = answer
        self.got: list[Got] = []
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.server = ThreadingHTTPServer((host, 0), self._handler())
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}/hook"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, count: int, timeout_s: float = 60) -> list[Got]:
        """The requests, when there are so many."""
        deadline = time.monotonic() + timeout_s
        while len(self.got) < count:
            assert time.monotonic() < deadline, f"{len(self.got)} of {count} requests came"
            time.sleep(0.02)
        return list(self.got)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Takes a POST."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take it down and answer."""
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Got(time.monotonic(), self.path, headers, body)
                with receiver._lock:
                    receiver.got.append(got)
                reply = receiver.answer(got)
                if reply.after_s:
                    receiver.over.wait(reply.after_s)
                try:
                    self.send_response(reply.status)
                    for name, value in (*reply.headers, ("content-length", str(len(reply.body)))):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body)
                except OSError:  # whoever asked does not wait any more
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler
