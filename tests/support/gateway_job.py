"""A gateway as a process: started, asked over HTTP, ended."""

import http.client
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from streams.settings import GatewaySettings, Settings, child_environment
from tests.support.worker_job import Process, wait_until

KEY = "web-key-0123456789"
SERVER_KEY = "till-key-0123456789"
TOKEN_KEY = "t" * 40
KEYS = f"web={KEY} till:server={SERVER_KEY}"
START_S = 180.0  # of a machine that plays other tests beside it; a start takes 3


class GatewayJob:
    """`offerstream gateway` on free ports, or on a `port` that pages know."""

    def __init__(self, settings: Settings, log: Path, port: int = 0, **bounds: Any) -> None:
        gateway = GatewaySettings(
            port=port, metrics_port=0, write_keys=KEYS, token_keys=f"k={TOKEN_KEY}", **bounds
        )
        environment = child_environment(replace(settings, gateway=gateway))
        self.process = Process([sys.executable, "-m", "streams", "gateway"], environment, log)
        started = log.read_text(errors="replace").count('"listening"')
        wait_until(lambda: self.process.log().count('"listening"') > started, self.process, START_S)
        self.port, self.metrics_port = (
            int(re.findall(rf'"{name}": ?(\d+)', self.process.log())[-1])
            for name in ("gateway_port", "metrics_port")
        )

    def wait_until_ready(self) -> None:
        """Until Kafka answers."""
        wait_until(lambda: self.get("/readyz")[0] == 200, self.process, START_S)

    def get(self, path: str, port: int = 0) -> tuple[int, bytes]:
        """Status and body."""
        return self.ask("GET", path, port=port)[:2]

    def post(
        self, path: str, body: object, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, the answer's JSON and its headers; `body` is bytes, or what becomes JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {KEY}", **(headers or {})}
        status, answer, told = self.ask("POST", path, data, given)
        return status, msgspec.json.decode(answer), told

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        port: int = 0,
    ) -> tuple[int, bytes, dict[str, str]]:
        """One request on a connection of its own."""
        client = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read(), told
        finally:
            client.close()
