"""The page in Debian's Chromium, driven by Playwright: served, opened, looked at, judged by axe."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.debian import program
from tests.support.npm import clients

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = 375, 1440
SERIOUS = {"serious", "critical"}
expect.set_options(timeout=30_000)  # of a machine that does other things as well


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An application on a port of its own; its origin."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; none is downloaded.

    Fails, or skips with a loud line, where there is no Chromium (`debian.program`).
    """
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking(browser: Browser, origin: str, **said: Any) -> Iterator[Page]:
    """A tab with cookies of its own; an error of the page's scripts or of its policy fails.

    `width` and `dark`, and what Playwright's contexts take.
    """
    width, dark = said.pop("width", DESK), said.pop("dark", False)
    context = browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": 812 if width < 600 else 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        **said,
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("dialog", lambda dialog: faults.append(f"a dialog: {dialog.message}"))
    try:
        yield page
        assert faults == []
    finally:
        context.close()


def log_in(page: Page, token: str, path: str = "/") -> None:
    """Log in and go to a page."""
    page.goto(f"/login?to={path}")
    page.fill("#token", token)
    page.click("main button")


def axe(page: Page) -> list[str]:
    """What axe finds serious: rule and element."""
    source = clients() / "node_modules" / "axe-core" / "axe.min.js"
    page.evaluate(source.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def picture(page: Page, path: Path) -> None:
    """A screenshot from the top to the end of the content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    end = page.evaluate(
        "document.querySelector('main > :last-child').getBoundingClientRect().bottom"
    )
    size = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": end + 16}  # type: ignore[index]
    page.screenshot(path=path, full_page=True, clip=size, animations="disabled")  # type: ignore[arg-type]
