"""A question over HTTP to its answer: `python -m benchmarks.decide`.

Broker, gateway and callers share core 0, the worker has core 1. Callers keep their connections and
ask at fixed moments, whether or not earlier answers are there: what is measured is the time from
that moment to the whole answer, so a standstill counts for everybody who had to wait.
"""

import http.client
import json
import queue
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.broker import broker
from benchmarks.events import consents
from benchmarks.install import ROOT
from benchmarks.measure import Child, running, wait_for
from benchmarks.shop import Shop
from streams import topics
from streams.admin.reference import example_shop, load_validated, publish_reference
from streams.contracts.reference.structs import Reference, TriggerRule
from streams.settings import GatewaySettings, as_environment

KEY = "bench-key-0123456789"
CALLERS = 64
PATIENCE_S = 120.0
TIMEOUT_MS = 1_000
HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


class Measured(Struct, frozen=True):
    """Milliseconds from moment to answer, answers by verdict, CPU time of a question."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    verdicts: dict[str, int]
    worker_cpu_ms: float
    gateway_cpu_ms: float


class Callers:
    """Threads that ask, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._due: queue.SimpleQueue[tuple[float, int] | None] = queue.SimpleQueue()
        self.waits: list[tuple[float, float, str]] = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def ask(self, rate: int, seconds: int) -> None:
        """Ask `rate` times a second, of one person after the other; returns when all is over."""
        begin_s = time.monotonic()
        for number in range(rate * seconds):
            at_s = begin_s + number / rate
            time.sleep(max(0.0, at_s - time.monotonic()))
            self._due.put((at_s, number))
        for _ in self._threads:
            self._due.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while (due := self._due.get()) is not None:
            at_s, number = due
            body = json.dumps(
                {
                    "person": {"customer_id": f"c{number:07d}"},
                    "placement": "banner",
                    "timeout_ms": TIMEOUT_MS,
                }
            )
            client.request("POST", "/v1/decide", body, HEADERS)
            answer = client.getresponse()
            told = json.loads(answer.read())
            verdict = told.get("verdict", str(answer.status))
            self.waits.append((at_s, (time.monotonic() - at_s) * 1_000, verdict))
        client.close()


def measure(rate: int, seconds: int, warm_s: int, epoch_ms: int) -> Measured:
    """One run on a fresh broker."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-decide-")))
        kafka = stack.enter_context(broker())
        shop = Shop(kafka, home / "shop", epoch_ms=epoch_ms)
        publish_reference(shop.settings, _with_banner(load_validated(example_shop())))
        people = rate * (seconds + warm_s)
        shop.send(topics.PROFILE, consents(people))
        worker = stack.enter_context(running(shop.worker()))
        wait_for(worker, shop.progress(topics.PROFILE), people)
        gateway = stack.enter_context(running(_gateway(shop, home / "gateway.log")))
        callers = Callers(_port_of(gateway))
        begin_s, began = time.monotonic(), (worker.cpu_s, gateway.cpu_s)
        callers.ask(rate, seconds + warm_s)
        cpu = [
            1_000 * (now - then) / people
            for now, then in zip((worker.cpu_s, gateway.cpu_s), began, strict=True)
        ]
        counted = [w for w in callers.waits if w[0] - begin_s >= warm_s]
    waits = [ms for _, ms, _ in counted]
    p50, p90, p99 = (float(np.percentile(waits, q)) for q in (50, 90, 99))
    return Measured(p50, p90, p99, max(waits), Counter(verdict for _, _, verdict in counted), *cpu)


def _with_banner(reference: Reference) -> Reference:
    rule = TriggerRule(rule_id="banner", kind="offer_requested", channel="web", placement="banner")
    policies = replace(reference.policies, triggers=(*reference.policies.triggers, rule))
    return replace(reference, policies=policies)


def _gateway(shop: Shop, log: Path) -> Child:
    settings = GatewaySettings(
        port=0, metrics_port=0, write_keys=f"bench:server={KEY}", events_per_second_max=100_000
    )
    environment = as_environment(replace(shop.settings, gateway=settings))
    return Child(
        [sys.executable, "-m", "streams", "gateway"],
        log,
        environment={**environment, "PYTHONPATH": str(ROOT)},
        core=0,
    )


def _port_of(gateway: Child) -> int:
    """Where it listens, once it answers questions.

    Raises:
        RuntimeError: it does not.
    """
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        gateway.check()
        lines = gateway.log.read_text(errors="replace").splitlines()
        for line in lines:
            if '"listening"' in line and _answers(port := json.loads(line)["gateway_port"]):
                return int(port)
        time.sleep(0.2)
    raise gateway.failed("answers no question")


def _answers(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = '{"person": {"customer_id": "nobody"}, "placement": "nowhere", "timeout_ms": 5000}'
        client.request("POST", "/v1/decide", body, HEADERS)
        return b'"no_offer"' in client.getresponse().read()
    finally:
        client.close()


@click.command()
@click.option("--rate", default=200, show_default=True, type=click.IntRange(1), help="A second.")
@click.option("--seconds", default=40, show_default=True, type=click.IntRange(1))
@click.option("--warm", default=40, show_default=True, type=click.IntRange(0), help="Not counted.")
@click.option("--epoch-ms", default=1_000, show_default=True, help="The worker's epochs.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write figures here.")
def main(rate: int, seconds: int, warm: int, epoch_ms: int, json_file: Path | None) -> None:
    """Measure how long a decision that is asked for takes, from the caller's side."""
    told = measure(rate, seconds, warm, epoch_ms)
    click.echo(
        f"{rate}/s: p50 {told.p50_ms:.1f} ms, p90 {told.p90_ms:.1f} ms, p99 {told.p99_ms:.1f} ms, "
        f"max {told.max_ms:.1f} ms; "
        + ", ".join(f"{verdict} {n}" for verdict, n in sorted(told.verdicts.items()))
        + f"; CPU a question: worker {told.worker_cpu_ms:.1f} ms, "
        f"gateway {told.gateway_cpu_ms:.1f} ms"
    )
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")


if __name__ == "__main__":
    main()
