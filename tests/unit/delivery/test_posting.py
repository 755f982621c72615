"""What an answer means, and that no answer costs more time or memory than it may."""

import asyncio
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from streams.delivery.destinations import Destination
from streams.delivery.posting import Answer, new_session, post
from tests.support.receiver import Receiver, Reply


def asked(url: str, times: int = 1, **more: Any) -> list[Answer]:
    """The answers to so many requests of one client."""

    async def run() -> list[Answer]:
        wanted = Destination(
            url=url, topics=("churn-alerts",), allow_private=True, **{"timeout_s": 2.0, **more}
        )
        async with new_session(wanted) as session:
            return [await post(session, url, b"{}", {}) for _ in range(times)]

    return asyncio.run(run())


MEANINGS = [
    (200, "delivered"),
    (201, "delivered"),
    (204, "delivered"),
    (301, "again"),
    (307, "again"),
    (400, "refused"),
    (401, "again"),
    (404, "again"),
    (408, "again"),
    (409, "refused"),
    (410, "gone"),
    (413, "refused"),
    (422, "refused"),
    (425, "again"),
    (429, "again"),
    (500, "again"),
    (503, "again"),
]


@pytest.mark.parametrize(("status", "fate"), MEANINGS)
def test_what_a_status_means(status: int, fate: str) -> None:
    """A fault of the record is not tried again, a fault of the destination is."""
    with Receiver(lambda _: Reply(status)) as receiver:
        assert asked(receiver.url) == [Answer(fate, status)]  # type: ignore[arg-type]


def test_a_redirect_is_not_followed() -> None:
    """A body for one place goes to no other."""
    with Receiver() as other, Receiver() as receiver:
        receiver.answer = lambda _: Reply(307, (("Location", other.url),))
        assert asked(receiver.url)[0].status == 307
        assert other.got == []


@pytest.mark.parametrize(
    ("wanted", "low", "high"),
    [
        ("7", 7, 7),
        (timedelta(seconds=600), 500, 600),
        (timedelta(days=-1), 0, 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(
    wanted: str | timedelta, low: float, high: float
) -> None:
    """As RFC 9110 has it."""
    told = wanted
    if not isinstance(told, str):  # from now on, not from when the tests were collected
        told = format_datetime(datetime.now(UTC) + told, usegmt=True)
    with Receiver(lambda _: Reply(429, (("Retry-After", told),))) as receiver:
        (answer,) = asked(receiver.url)
        assert answer.fate == "slow_down"
        assert low <= answer.wait_s <= high


def test_a_huge_answer_is_not_read_and_does_not_hold_up() -> None:
    """Its head counts; the next request goes on a new connection."""
    with Receiver(lambda _: Reply(200, body=b"x" * 5_000_000)) as receiver:
        started_s = time.monotonic()
        assert [one.fate for one in asked(receiver.url, 3)] == ["delivered"] * 3
        assert time.monotonic() - started_s < 5


def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    """In bounded time."""
    with Receiver(lambda _: Reply(after_s=60)) as receiver:
        started_s = time.monotonic()
        assert asked(receiver.url, timeout_s=0.3) == [Answer("again", detail="timeout")]
        assert time.monotonic() - started_s < 5


def test_what_speaks_no_http_and_what_is_not_there() -> None:
    """Both are tried again."""
    with Receiver() as receiver:
        receiver.answer = lambda _: Reply(200, (("x-long", "y" * 100_000),))
        assert asked(receiver.url) == [Answer("again", detail="broken_answer")]
    assert asked(receiver.url) == [Answer("again", detail="no_connection")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody but us has heard of, and its key in one file."""
    folder = tmp_path_factory.mktemp("tls")
    both = folder / "both.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


def test_a_certificate_of_nobody_is_refused_and_a_trusted_one_is_not(certificate: Path) -> None:
    """TLS is verified, the name too; `ca_file` adds to whom is trusted."""
    with Receiver() as receiver:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        url = f"https://localhost:{receiver.port}/hook"
        assert asked(url) == [Answer("again", detail="certificate")]
        assert receiver.got == []
        trusted = certificate.with_name("certificate.pem")
        assert asked(url, ca_file=str(trusted))[0].fate == "delivered"
        other_name = url.replace("localhost", "127.0.0.1")
        assert asked(other_name, ca_file=str(trusted)) == [Answer("again", detail="certificate")]
