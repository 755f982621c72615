"""A shop's own server: its pages, its backend that signs tokens, and what its pages tell a test."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any

import jwt

from tests.support.gateway_job import TOKEN_KEY

MODULE = """<!doctype html>
<meta charset="utf-8" />
<title>Tea</title>
<script type="module">
  import {{ connect }} from "{client}";
  const tell = (what) => fetch("/told", {{ method: "POST", body: JSON.stringify(what) }});
  const token = async () => (await fetch("/offer-token")).text();
  const until = async (what) => {{
    for (let done; !(done = await what()); ) await new Promise((soon) => setTimeout(soon, 100));
  }};
  addEventListener("error", (event) => tell({{ error: event.message }}));
  addEventListener("unhandledrejection", (event) => tell({{ error: String(event.reason) }}));
  {script}
</script>
"""


class ShopPages:
    """What is served at `origin`; a page by its path, the token of `person` at `/offer-token`.

    What comes for `/v1/` it refuses with `refusal`, as a proxy before the gateway might.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.pages: dict[str, tuple[str, str]] = {}
        self.person = "c-1"
        self.tokens = 0
        self.refusal, self.refused = 404, 0
        self._told: SimpleQueue[Any] = SimpleQueue()

    def show(self, script: str, client: str, path: str = "/") -> str:
        """A page that runs a script with the client; its address."""
        self.pages[path] = ("text/html", MODULE.format(client=client, script=script))
        return f"{self.origin}{path}"

    def told(self, wait_s: float = 60.0) -> Any:
        """What a page tells next.

        Raises:
            AssertionError: it tells nothing, or an error.
        """
        try:
            said = self._told.get(timeout=wait_s)
        except Empty:
            raise AssertionError("the page tells nothing") from None
        assert not (isinstance(said, dict) and "error" in said), said
        return said

    def answer(self, path: str) -> tuple[str, str] | None:
        """Media type and text of a path."""
        if path == "/offer-token":
            self.tokens += 1
            return "text/plain", token(self.person)
        told = {"/who": self.person, "/asked": str(self.refused)}
        if path in told:
            return "text/plain", told[path]
        return self.pages.get(path.partition("?")[0])

    def tell(self, body: bytes) -> None:
        """A page says something."""
        self._told.put(json.loads(body))


def token(person: str) -> str:
    """As docs/app.md makes it."""
    now = int(time.time())
    claims = {"sub": person, "aud": "offerstream", "iat": now, "exp": now + 600}
    return jwt.encode(claims, TOKEN_KEY, algorithm="HS256", headers={"kid": "k"})


@contextmanager
def shop_pages() -> Iterator[ShopPages]:
    """The server, while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    shop = ShopPages(f"http://127.0.0.1:{server.server_address[1]}")
    server.shop = shop  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """A page, a file, a token."""
        found = self.server.shop.answer(self.path)  # type: ignore[attr-defined]
        media_type, text = found or ("text/plain", "nothing")
        self._send(200 if found else 404, media_type, text.encode())

    def do_POST(self) -> None:
        """A page tells."""
        size = int(self.headers["content-length"])
        shop, body = self.server.shop, self.rfile.read(size)  # type: ignore[attr-defined]
        refused = self.path.startswith("/v1/")
        shop.refused += refused
        if not refused:
            shop.tell(body)
        self._send(shop.refusal if refused else 204, "text/plain", b"")

    def _send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", f"{media_type}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""
