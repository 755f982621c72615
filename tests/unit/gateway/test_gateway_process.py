"""The gateway as a process beside the embedded broker: real clients, and hostile ones."""

import json
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from msgspec.structs import replace
from segment.analytics.client import Client

from streams.contracts.sources.records import HEADER
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings, child_environment
from tests.support.gateway_job import KEY, SERVER_KEY, TOKEN_KEY, GatewayJob
from tests.support.read_back import records

pytestmark = pytest.mark.embedded
READ_TIMEOUT_S = 1.0
CONNECTIONS_MAX = 20
CROWD = 3_000


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """One for all of these."""
    with EmbeddedBroker() as started:
        yield started


@pytest.fixture(scope="module")
def gateway(
    broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayJob]:
    """A process with tight bounds."""
    settings = replace(
        Settings(), bootstrap=broker.bootstrap, transactional=False, data_dir="nowhere"
    )
    job = GatewayJob(
        settings,
        tmp_path_factory.mktemp("gateway") / "gateway.log",
        read_timeout_s=READ_TIMEOUT_S,
        connections_max=CONNECTIONS_MAX,
        body_bytes_max=100_000,
    )
    job.wait_until_ready()
    yield job
    assert job.process.stop() == 0


def view(event_id: str, **more: object) -> dict[str, Any]:
    """A view of a product, now."""
    return {
        "event_id": event_id,
        "event_name": "product_viewed",
        "occurred_at": datetime.now(UTC).isoformat(),
        "identity": {"customer_id": "c-1"},
        "channel": "web",
        "page": {"path": "/p"},
        "product": {"product_id": "s", "category": "c"},
        **more,
    }


def ids(broker: EmbeddedBroker, topic: str) -> list[str]:
    """The event ids on a topic, as often as they are there."""
    return [json.loads(message.value())["event_id"] for message in records(broker, topic)]


def raw(gateway: GatewayJob) -> socket.socket:
    """A connection that says nothing by itself."""
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=10)


def closed_after_s(connection: socket.socket, drip: bytes = b"") -> float:
    """How long the other side lets a connection live that sends one byte now and then."""
    started = time.monotonic()
    connection.settimeout(0.2)
    while time.monotonic() - started < 10:
        try:
            if drip:
                connection.sendall(drip)
            if not connection.recv(65_536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started


def test_an_accepted_event_is_on_its_topic(gateway: GatewayJob, broker: EmbeddedBroker) -> None:
    """When the answer is there, so is the record."""
    assert gateway.post("/v1/events", [view("e-1"), view("e-2")])[0] == 202
    assert {"e-1", "e-2"} <= set(ids(broker, "events.clickstream"))


def test_a_bad_event_is_a_dead_letter(gateway: GatewayJob, broker: EmbeddedBroker) -> None:
    """With its raw bytes."""
    status, answer, _ = gateway.post("/v1/events", b'{"mine": 1}')
    assert (status, answer["rejected"][0]["reason"]) == (400, "missing_field")
    assert b'{"mine": 1}' in [message.value() for message in records(broker, "dead-letters")]


def test_segments_own_library_is_served(gateway: GatewayJob, broker: EmbeddedBroker) -> None:
    """Its batches arrive, its user ids are escaped, its errors come back to it."""
    failures: list[object] = []
    client = Client(
        KEY,
        host=f"http://127.0.0.1:{gateway.port}",
        on_error=lambda error, _: failures.append(error),
        gzip=True,
        max_retries=1,
    )
    client.track("auth0|7", "Product Viewed", {"product_id": 4711, "price": "49.90"})
    client.identify("auth0|7", {"plan": "plus", "email": "jane@example.com"})
    client.flush()
    assert failures == []
    (viewed,) = [m for m in records(broker, "events.clickstream") if m.key() == b"esc:auth0:7C7"]
    assert json.loads(viewed.value())["product"]["product_id"] == "4711"
    (profile,) = [json.loads(m.value()) for m in records(broker, "events.profile")]
    assert profile["traits"] == {"plan": "plus"}
    client.track("auth0|7", "Product Viewed", {"price": "49.90"})
    client.flush()
    client.shutdown()
    assert len(failures) == 1


def test_a_head_that_does_not_end_is_closed(gateway: GatewayJob) -> None:
    """Slow headers hold a connection no longer than the bound, whatever drips."""
    for start in (b"", b"POST /v1/events HTTP/1.1\r\nx: "):
        with raw(gateway) as connection:
            connection.sendall(start)
            assert closed_after_s(connection, b"a") < READ_TIMEOUT_S + 2


def test_a_body_that_goes_on_after_its_answer_is_closed(gateway: GatewayJob) -> None:
    """And one that is waited for is answered with 408."""
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n%b\r\n"
    with raw(gateway) as connection:
        connection.sendall(head % (b"/v1/events", b""))
        assert b" 401 " in connection.recv(100)
        assert closed_after_s(connection, b"a") < READ_TIMEOUT_S + 2
    with raw(gateway) as connection:
        connection.sendall(head % (b"/v1/events", b"x-write-key: %b\r\n" % KEY.encode()))
        assert b" 408 " in connection.recv(100)


def test_a_huge_head_and_a_huge_body_are_refused(gateway: GatewayJob) -> None:
    """Neither is kept in memory."""
    with raw(gateway) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 60_000)
        answer = connection.recv(100)
        assert answer == b"" or b" 400 " in answer or b" 431 " in answer
    assert gateway.post("/v1/events", b" " * 100_001)[0] == 413
    with raw(gateway) as connection:
        connection.sendall(
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-write-key: %b\r\n"
            b"transfer-encoding: chunked\r\n\r\n" % KEY.encode()
        )
        for _ in range(3):
            connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        assert b" 413 " in connection.recv(100)


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may open as many connections as the crowd has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CROWD + 500)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_more_connections_than_the_bound_are_closed_and_others_served(gateway: GatewayJob) -> None:
    """Thousands that say nothing: only as many as may be stay, and no longer than a head may."""
    crowd = [raw(gateway) for _ in range(CROWD)]
    time.sleep(0.3)
    metrics = gateway.get("/metrics", gateway.metrics_port)[1].decode()
    found = re.search(r"process_open_fds (\d+)", metrics)
    assert found is not None
    assert int(found[1]) < CONNECTIONS_MAX + 60
    time.sleep(READ_TIMEOUT_S + 0.5)
    assert gateway.post("/v1/events", view("e-after"))[0] == 202
    for connection in crowd:
        connection.close()


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/v1/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/schema/../x"]
)
def test_no_path_leads_to_a_file(gateway: GatewayJob, path: str) -> None:
    """There is nothing but the paths of the document."""
    assert gateway.get(path)[0] == 404


def test_a_line_end_in_a_header_makes_no_header(
    gateway: GatewayJob, broker: EmbeddedBroker
) -> None:
    """Neither in the answer nor as a header of the record."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "a%0d%0aset-cookie:%20x=1",
        "ce-type": "product_viewed",
        "content-type": "application/json",
    }
    status, answer, told = gateway.post("/v1/events", view("e-crlf"), headers)
    assert (status, answer["accepted"]) == (202, 1)
    assert "set-cookie" not in told
    (written,) = [
        r for r in records(broker, "events.clickstream") if b"e-crlf" in (r.value() or b"")
    ]
    assert "set-cookie" not in dict(written.headers() or ())


def test_no_key_and_nothing_of_an_event_is_logged(gateway: GatewayJob) -> None:
    """Not when it is refused, and not when it is in the address."""
    gateway.ask("POST", f"/v1/events?write_key={KEY}", b"{}")
    gateway.post("/v1/events?write_key=wrong-key-0123456789", b"{}", {"authorization": ""})
    gateway.post("/v1/events", view("e-log", identity={"customer_id": "jane@example.com"}))
    now = int(time.time())
    claims = {"sub": "c-secret", "aud": "offerstream", "iat": now, "exp": now + 600}
    good, bad = (
        jwt.encode(claims, key, algorithm="HS256", headers={"kid": "k"})
        for key in (TOKEN_KEY, TOKEN_KEY[::-1] + "x")
    )
    for token, status in ((good, 200), (bad, 401)):
        bearer = {"authorization": f"Bearer {token}"}
        assert gateway.ask("GET", "/v1/customers/c-secret/offers", headers=bearer)[0] == status
        gateway.post("/v1/decide", {"placement": "c-secret-place"}, bearer)
        gateway.post("/v1/feedback", b"{", bearer)
        gateway.get(f"/v1/customers/c-secret/offers?token={token}")
    log = gateway.process.log()
    for secret in (KEY, SERVER_KEY, "wrong-key", "jane@example.com", good, bad, "c-secret"):
        assert secret not in log


def test_requests_made_up_from_the_openapi_document_find_no_fault(
    gateway: GatewayJob, tmp_path: Path
) -> None:
    """No 5xx, no status and no media type that the document does not name.

    Left out is one check: a body that the document allows may be rejected, as it leaves to
    `schemas/` what an event is.
    """
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"http://127.0.0.1:{gateway.port}/schema/openapi.json",
        "--header",
        f"Authorization: Bearer {SERVER_KEY}",
        "--exclude-checks",
        "positive_data_acceptance",
        "--max-examples",
        "10",
        "--seed",
        "7",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout[-4_000:]


def test_a_stopped_gateway_answers_what_it_has_begun(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """SIGTERM in the middle of a body: the answer still comes, the exit code is 0."""
    settings = replace(Settings(), bootstrap=broker.bootstrap, transactional=False)
    job = GatewayJob(settings, tmp_path / "gateway.log")
    job.wait_until_ready()
    body = json.dumps(view("e-term")).encode()
    with raw(job) as connection:
        connection.sendall(
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-write-key: %b\r\ncontent-length: %d\r\n\r\n"
            % (KEY.encode(), len(body))
        )
        connection.sendall(body[:10])
        time.sleep(0.2)
        job.process.signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[10:])
        assert b" 202 " in connection.recv(100)
    assert job.process.wait(20) == 0
    assert "e-term" in ids(broker, "events.clickstream")


def test_without_keys_or_with_a_port_that_is_taken_it_says_what_to_do(
    gateway: GatewayJob, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """A sentence and exit code 2, not a traceback."""
    from click.testing import CliRunner

    from streams.cli import main

    environment = {"OFFERSTREAM_BOOTSTRAP": broker.bootstrap}
    none = CliRunner().invoke(main, ["gateway"], env=environment)
    assert (none.exit_code, "gateway.write_keys_file" in none.output) == (2, True)
    environment["OFFERSTREAM_GATEWAY_WRITE_KEYS"] = f"web={KEY}"
    environment["OFFERSTREAM_GATEWAY_PORT"] = str(gateway.port)
    taken = CliRunner().invoke(main, ["gateway"], env=environment)
    assert (taken.exit_code, "OFFERSTREAM_GATEWAY_PORT" in taken.output) == (2, True)


def test_events_of_ours_say_so_on_a_topic_that_is_set_to_a_source(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """What gateway and `events send` write there is not taken for what another system wrote."""
    from click.testing import CliRunner

    from streams.cli import main

    told = "events.app=segment"
    settings = replace(
        Settings(), bootstrap=broker.bootstrap, transactional=False, input_sources=told
    )
    job = GatewayJob(settings, tmp_path / "gateway.log")
    job.wait_until_ready()
    mine = {"channel": "app", "page": None}
    assert job.post("/v1/events", [view("e-app", **mine), view("e-web")])[0] == 202
    assert job.post("/v1/events", [view("e-bad", **mine, occurred_at="soon")])[0] == 400
    assert job.process.stop() == 0
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(view("e-sent", **mine)), encoding="utf-8")
    environment = child_environment(settings)
    assert CliRunner().invoke(main, ["events", "send", str(file)], env=environment).exit_code == 0
    marked = {
        json.loads(message.value())["event_id"]: (HEADER, b"") in (message.headers() or [])
        for topic in ("events.app", "events.clickstream", "dead-letters")
        for message in records(broker, topic)
        if message.value().startswith(b'{"event_id": "e-')
    }
    wanted = {"e-app": True, "e-web": False, "e-bad": True, "e-sent": True}
    assert {name: marked.get(name) for name in wanted} == wanted


def test_messages_of_one_request_and_one_moment_are_all_sent_from_a_file(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """They stand in one line, and which goes first does not matter; none is lost, no error."""
    from click.testing import CliRunner

    from streams.cli import main

    at = datetime.now(UTC).isoformat()
    track = {"type": "track", "event": "Product Viewed", "userId": "c-file", "timestamp": at}
    batch = [{**track, "messageId": f"f-{n}", "properties": {"product_id": n}} for n in range(9)]
    file = tmp_path / "payloads.jsonl"
    file.write_text(json.dumps({"batch": batch}), encoding="utf-8")
    settings = replace(Settings(), bootstrap=broker.bootstrap, transactional=False)
    arguments = ["events", "send", str(file), "--source", "segment"]
    told = CliRunner().invoke(main, arguments, env=child_environment(settings))
    assert (told.exit_code, told.exception) == (0, None)
    assert "sent 9 events" in told.output
    assert {f"f-{n}" for n in range(9)} <= set(ids(broker, "events.clickstream"))
