"""The stage of a demo: a broker, the topics, reference data and the worker's processes, its own.

Or, when a bootstrap is named, somebody else's stage: then topics under a prefix are made where they
are missing, and the reference data is published, in nobody's place.
Whatever was started is gone when the stage is left, and the processes end by themselves when this
one dies: their standard input is a pipe of ours, and its end is their signal.
"""

import os
import shutil
import socket
import tempfile
import time
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
from streams.demo.child import STOP_S_MAX, Child
from streams.demo.clock import StoryClock
from streams.demo.doors import Doors
from streams.errors import OfferstreamError, OperatorError
from streams.settings import Settings, load_settings

OWN_PREFIX = "demo."
READY_S_MAX = 120.0
SNAPSHOT_EVERY_EXAMPLES = 50
FIRST_PORT, PORTS = 20_000, 10_000
PORTS_NEEDED = 7  # worker, learner, treasury, gateway and its metrics, deliver, the page


class Stage:
    """Everything that carries a demo; a context manager."""

    def __init__(self, reference: Reference, start_ms: int, foreign: Settings | None) -> None:
        """`start_ms`: when the story begins; `foreign`: workers that run already."""
        self.foreign = foreign is not None
        self._given = foreign
        self._reference = reference
        self._start_ms = start_ms
        self._stack = ExitStack()
        self._worker: Child | None = None
        self._home = Path()
        self.doors: Doors | None = None
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
        while self._worker is not None and self._worker.get("/readyz") is None:
            if stopped():
                return False
            self.check()
            if time.monotonic() > deadline_s:
                raise OfferstreamError(f"the worker did not get ready:\n{self._worker.log_tail()}")
            time.sleep(0.1)
        return True

    def open_doors(self, clock: StoryClock) -> Doors:
        """Start the gateway and the webhooks, which read the time from `clock`."""
        self.doors = Doors(self.settings, self._home, clock, self.page_port)
        self._stack.callback(self.doors.close)
        self.doors.open()
        return self.doors

    def new_clock(self) -> StoryClock:
        """A clock for the processes here; it shows the story's beginning."""
        clock = StoryClock(self._home / "clock", self._start_ms)
        self._stack.callback(clock.close)
        return clock

    @property
    def page_port(self) -> int:
        """The last of the ports."""
        return self.settings.http.port + PORTS_NEEDED - 1

    def check(self) -> None:
        """All processes still run.

        Raises:
            OfferstreamError: one has ended; the end of its log is shown.
        """
        doors = () if self.doors is None else self.doors.children
        for child in (*(() if self._worker is None else (self._worker,)), *doors):
            child.check()

    def has_new_catalogue(self) -> bool:
        """Whether somebody has published other offers or policies since the beginning."""
        return bool(plan_of(self.settings, self._reference, replace=True).changes)

    def metrics(self) -> str:
        """The worker's `/metrics`; empty where it cannot be reached."""
        return "" if self._worker is None else self._worker.get("/metrics") or ""

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
        verb, log = ("worker", "--workers", "1"), self._home / "worker.log"
        self._worker = Child(verb, self.settings, log, self.settings.http.port)
        self._stack.callback(self._worker.stop)


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
            "http.port": free_ports(PORTS_NEEDED),
            "epoch_ms": 200,
            "session_timeout_ms": 6_000,
            "stop_timeout_s": STOP_S_MAX - 10.0,
            "log_level": "warning",
            "learner.snapshot_every_examples": SNAPSHOT_EVERY_EXAMPLES,
        },
    )


def free_ports(count: int) -> int:
    """The first of so many ports of 127.0.0.1, one after the other, that are free.

    Below the ports that the system gives to connections, which may take them at any moment.
    """
    for step in range(0, PORTS - count, count):
        port = FIRST_PORT + (os.getpid() * count + step) % (PORTS - count)
        if all(_is_free(port + more) for more in range(count)):
            return port
    raise OfferstreamError(f"no {count} ports of 127.0.0.1 are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
