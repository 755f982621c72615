"""The stage of a demo: a broker, the topics, reference data and the worker's processes, its own.

Or, when a bootstrap is named, somebody else's stage: then topics under a prefix are made where they
are missing, and the reference data is published, in nobody's place.
Whatever was started is gone when the stage is left, and the processes end by themselves when this
one dies: their standard input is a pipe of ours, and its end is their signal.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from streams import topics
from streams.admin.reference import (
    example_shop,
    load_validated,
    plan_of,
    publish_reference,
    reference_records,
)
from streams.admin.topics import apply_topics
from streams.broker.reading import partitions_on_broker
from streams.contracts.reference.structs import Reference
from streams.contracts.times import DAY_MS, from_ms
from streams.demo.broker import EmbeddedBroker
from streams.errors import OfferstreamError, OperatorError
from streams.settings import Settings, child_environment, load_settings

OWN_PREFIX = "demo."
READY_S_MAX = 120.0
STOP_S_MAX = 15.0
SNAPSHOT_EVERY_EXAMPLES = 50
FIRST_PORT, PORTS = 20_000, 10_000


class Stage:
    """Everything that carries a demo; a context manager."""

    def __init__(self, reference: Reference, start_ms: int, foreign: Settings | None) -> None:
        """`start_ms`: when the story begins; `foreign`: workers that run already."""
        self.foreign = foreign is not None
        self._given = foreign
        self._reference = reference
        self._start_ms = start_ms
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._home = Path()
        self.settings = foreign or Settings()

    def __enter__(self) -> Self:
        """Set everything up; what cannot be is an error, and nothing stays behind."""
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Take everything down, the workers before the broker."""
        self._stack.close()

    def wait_until_ready(self, stopped: Callable[[], bool]) -> bool:
        """Until the worker has its partitions; false if `stopped` says so first.

        Raises:
            OfferstreamError: it ended, or is not ready in two minutes; the end of its log is shown.
        """
        deadline_s = time.monotonic() + READY_S_MAX
        while not self.foreign and not self._answers("/readyz"):
            if stopped():
                return False
            self.check()
            if time.monotonic() > deadline_s:
                raise OfferstreamError(f"the worker did not get ready:\n{self._log_tail()}")
            time.sleep(0.1)
        return True

    def check(self) -> None:
        """The worker's processes still run.

        Raises:
            OfferstreamError: they ended; the end of their log is shown.
        """
        if self._process is not None and self._process.poll() is not None:
            raise OfferstreamError(f"the worker ended:\n{self._log_tail()}")

    def metrics(self) -> str:
        """The worker's `/metrics`; empty where it cannot be reached."""
        return "" if self.foreign else self._get("/metrics") or ""

    def _set_up(self) -> None:
        if self.foreign:
            apply_topics(self.settings)
            self._refuse_others()
            publish_reference(self.settings, self._reference)
            return
        self._home = Path(tempfile.mkdtemp(prefix="offerstream-demo-"))
        self._stack.callback(shutil.rmtree, self._home, ignore_errors=True)
        broker = self._stack.enter_context(EmbeddedBroker())
        self.settings = embedded_settings(broker.bootstrap, self._home, self._start_ms)
        for topic in topics.ALL:  # there they come into being when they are asked for
            partitions_on_broker(None, self.settings.on_broker(topic), self.settings)
        publish_reference(self.settings, self._reference)
        self._start_worker()

    def _refuse_others(self) -> None:
        """A demo puts nothing in the place of somebody's catalogue.

        Raises:
            OperatorError: records are published that are not the demo's nor the example shop's.
        """
        plan = plan_of(self.settings, self._reference, replace=True)
        shipped = reference_records(load_validated(example_shop()))
        if self.settings.topic_prefix == OWN_PREFIX:  # an older demo may have been here
            others = [c for c in plan.changes if c.kind == "withdrawn"]
        else:
            others = [
                c for c in plan.changes if c.before not in (None, shipped[c.topic].get(c.key))
            ]
        if others:
            raise OperatorError(
                f"another catalogue is published here: {len(others)} records, such as "
                f"{others[0].topic} {others[0].key}. Nothing was changed. Leave out --prefix and "
                "OFFERSTREAM_TOPIC_PREFIX: the demo has topics of its own then"
            )

    def _start_worker(self) -> None:
        with (self._home / "worker.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams", "worker", "--workers", "1", "--stop-at-eof"],
                env=child_environment(self.settings),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        self._stack.callback(self._stop_worker)

    def _stop_worker(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _answers(self, path: str) -> bool:
        return self._get(path) is not None

    def _get(self, path: str) -> str | None:
        http = self.settings.http
        try:
            with urllib.request.urlopen(
                f"http://{http.host}:{http.port}{path}", timeout=2
            ) as answer:
                return str(answer.read().decode())
        except OSError:
            return None

    def _log_tail(self) -> str:
        text = (self._home / "worker.log").read_text(encoding="utf-8", errors="replace")
        return text[-2_000:]


def embedded_settings(bootstrap: str, home: Path, start_ms: int) -> Settings:
    """Settings for the embedded broker and a story's own time; the environment has no say."""
    return load_settings(
        environment={},
        overrides={
            "bootstrap": bootstrap,
            "transactional": False,
            "clock": "event_time",
            "occurred_at_min": from_ms(start_ms - DAY_MS).isoformat(),
            "data_dir": str(home / "data"),
            "http.port": two_free_ports(),
            "epoch_ms": 200,
            "session_timeout_ms": 6_000,
            "stop_timeout_s": STOP_S_MAX - 10.0,
            "log_level": "warning",
            "learner.snapshot_every_examples": SNAPSHOT_EVERY_EXAMPLES,
        },
    )


def two_free_ports() -> int:
    """A port of 127.0.0.1 that is free, as is the one after it: worker and learner.

    Below the ports that the system gives to connections, which may take them at any moment.
    """
    for step in range(0, PORTS, 2):
        port = FIRST_PORT + (os.getpid() + step) % PORTS
        if _is_free(port) and _is_free(port + 1):
            return port
    raise OfferstreamError("no two ports of 127.0.0.1 are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
