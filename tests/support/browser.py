"""Debian's Chromium without a window, and a server for the pages that it opens."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.debian import program


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """A server of a folder's files; its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened(url: str, profile: Path) -> Iterator[None]:
    """A page in a browser of its own, closed at the end.

    Fails, or skips with a loud line, where there is no Chromium (`debian.program`).
    """
    command = [
        str(program("chromium", "chromium")),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={profile}",
        url,
    ]
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            browser.terminate()
            try:
                browser.wait(10)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
