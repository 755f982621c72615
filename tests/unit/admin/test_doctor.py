"""What the doctor says of this machine, without a broker."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from threading import Thread

import pytest
from msgspec.structs import replace

from streams.admin import doctor
from streams.admin.finding import by_cause
from streams.settings import Settings
from streams.worker.http import Health, HttpServer

OPEN = "97% of the last 2000 records could not be read or processed, so the worker stopped"


@contextmanager
def listening(health: Health, metrics: bytes = b"offerstream_ready 1") -> Iterator[Settings]:
    """A worker's real HTTP on a port of its own; the settings under which it is looked for."""
    loop, server = (
        asyncio.new_event_loop(),
        HttpServer(lambda: metrics, lambda: health, lambda: health),
    )
    port = loop.run_until_complete(server.start("127.0.0.1", 0))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield replace(Settings(), http=replace(Settings().http, port=port))
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def test_a_healthy_process_is_counted() -> None:
    """One line for all that are well."""
    with listening(Health(ok=True)) as settings:
        lines = [*map(str, doctor._slots(settings))]
    assert lines == ["ok    1 process on this machine, healthy and ready"]


def test_an_open_breaker_is_a_failure_that_says_the_way_past() -> None:
    """The reason as the worker gives it, and the option that lets bad records pass."""
    with listening(Health(ok=False, reason=OPEN)) as settings:
        (line,) = map(str, doctor._slots(settings))
    assert line.startswith(f"fail  process 0 on this machine: {OPEN}")
    assert "--accept-bad" in line


def test_a_port_that_somebody_else_has_is_told() -> None:
    """A program without our metrics is none of ours."""
    with listening(Health(ok=True), b"node_load1 0.5") as settings:
        (line,) = map(str, doctor._slots(settings))
    assert "another program listens on port" in line


def test_a_package_of_another_version_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is there and what is needed."""
    monkeypatch.setattr(doctor, "version", lambda p: "0.1" if p == "river" else version(p))
    (line,) = map(str, doctor._packages())
    assert line.startswith("fail  river: version 0.1 is installed, >=0.26.1 is needed")


def test_lines_of_one_cause_are_one() -> None:
    """Three topics that are missing are one line; another fault is another."""
    missing = [(name, "is missing", "make it") for name in "abc"]
    lines = [*map(str, by_cause([*missing, ("d", "has 1 partition", "mend it")]))]
    assert lines == [
        "fail  a, b, c: is missing  -> make it",
        "fail  d: has 1 partition  -> mend it",
    ]
