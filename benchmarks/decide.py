"""A question over HTTP to its answer: `python -m benchmarks.decide`.

Broker, gateway and callers share core 0, the worker has core 1; with `--free` each runs where the
machine puts it. Callers (`benchmarks.askers`) keep their connections and ask at fixed moments,
whether or not earlier answers are there: what is measured is the time from that moment to the whole
answer, so a standstill counts for everybody who had to wait. Nothing of the first `--warm` seconds
counts; how the broker compiles itself in them is shown by what it takes of a core, minute by
minute. The broker runs as Kafka's own `kafka-server-start.sh` starts it.
"""

import json
import socket
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.askers import BEGUN, KEY, request
from benchmarks.broker import broker
from benchmarks.events import consents
from benchmarks.install import ROOT
from benchmarks.measure import CORE, Child, running, wait_for
from benchmarks.shop import PARTITIONS, Shop
from streams import topics
from streams.admin.reference import example_shop, load_validated, publish_reference
from streams.contracts.reference.structs import Reference, TriggerRule
from streams.settings import GatewaySettings, as_environment
from streams.telemetry.catalogue import COMMITS
from tests.support.apache_kafka import FOR_YEARS, ApacheKafka
from tests.support.cpu import cpu_s

PATIENCE_S = 120.0
_wait = msgspec.json.Decoder(tuple[float, float, str])


class Load(Struct, frozen=True):
    """How it is asked: questions a second, for how long, and on how many partitions."""

    rate: int
    seconds: int
    warm_s: int
    epoch_ms: int
    partitions: int
    at_once: int
    free: bool

    @property
    def of_the_worker(self) -> dict[str, object]:
        """Its settings that differ."""
        return {
            "epoch_ms": self.epoch_ms,
            "partitions": self.partitions,
            "urgent_commits_max": self.at_once,
        }


class Used(Struct, frozen=True):
    """At a moment: CPU seconds of each process, and transactions of the worker."""

    broker_s: float
    worker_s: float
    gateway_s: float
    askers_s: float
    commits: float


class Minute(Struct, frozen=True):
    """A minute of asking: latency, and the broker's share of a core."""

    p50_ms: float
    p99_ms: float
    broker_share: float


class Measured(Struct, frozen=True):
    """Milliseconds from moment to answer, answers by verdict, cost of a question.

    Of a question: CPU time in milliseconds, and transactions.
    """

    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    verdicts: dict[str, int]
    broker_cpu_ms: float
    worker_cpu_ms: float
    gateway_cpu_ms: float
    askers_cpu_ms: float
    transactions: float
    minutes: list[Minute]


def measure(load: Load) -> Measured:
    """One run on a fresh broker."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-decide-")))
        kafka = stack.enter_context(ApacheKafka(jvm=FOR_YEARS) if load.free else broker())
        shop = Shop(kafka, home / "shop", **load.of_the_worker)
        publish_reference(shop.settings, _with_banner(load_validated(example_shop())))
        people = load.rate * (load.seconds + load.warm_s)
        shop.send(topics.PROFILE, consents(people, round(time.time() * 1_000)))
        worker = stack.enter_context(running(shop.worker(core=None if load.free else CORE)))
        wait_for(worker, shop.progress(topics.PROFILE), people)
        gateway = stack.enter_context(running(_gateway(shop, home / "gateway.log", load.free)))
        port, shows, told = _port_of(gateway), _metrics_of(worker), home / "waits"
        askers = stack.enter_context(running(_askers(port, load, told)))

        def look(count: bool) -> Used:
            family = (worker.cpu_s, gateway.cpu_s, askers.cpu_s)
            return Used(cpu_s(kafka.pid), *family, _commits(shows) if count else 0)

        used = list(_looks(askers, load, look))
        askers.wait(PATIENCE_S)
        waits = _wait.decode_lines(told.read_bytes())
    return _measured(load, used, waits)


def _looks(askers: Child, load: Load, look: Callable[[bool], Used]) -> Iterator[Used]:
    """A look at the begin of every second; transactions are counted where it matters."""
    while BEGUN not in askers.log.read_text():
        askers.check()
        time.sleep(0.01)
    begin_s, last = time.monotonic(), load.warm_s + load.seconds - 1
    for second in range(last + 1):
        time.sleep(max(0.0, begin_s + second - time.monotonic()))
        yield look(second in (load.warm_s, last))


def _askers(port: int, load: Load, told: Path) -> Child:
    numbers = (port, load.rate, load.warm_s + load.seconds)
    return Child(
        [sys.executable, "-m", "benchmarks.askers", *map(str, numbers), str(told)],
        told.with_suffix(".log"),
        environment={"PYTHONPATH": str(ROOT)},
        core=None if load.free else 0,
    )


def _measured(load: Load, used: list[Used], waits: list[tuple[float, float, str]]) -> Measured:
    counted = [(ms, verdict) for at_s, ms, verdict in waits if at_s >= load.warm_s]
    p50, p90, p99 = (float(np.percentile([ms for ms, _ in counted], q)) for q in (50, 90, 99))
    begin, end = used[load.warm_s], used[-1]
    asked = load.rate * (len(used) - 1 - load.warm_s)
    return Measured(
        p50,
        p90,
        p99,
        max(ms for ms, _ in counted),
        Counter(verdict for _, verdict in counted),
        1_000 * (end.broker_s - begin.broker_s) / asked,
        1_000 * (end.worker_s - begin.worker_s) / asked,
        1_000 * (end.gateway_s - begin.gateway_s) / asked,
        1_000 * (end.askers_s - begin.askers_s) / asked,
        (end.commits - begin.commits) / asked,
        _minutes(used, waits),
    )


def _minutes(used: list[Used], waits: list[tuple[float, float, str]]) -> list[Minute]:
    """Minute by minute from the first question on; what is left of the last one is left out."""
    found = []
    for end in range(60, len(used), 60):
        of_minute = [ms for at_s, ms, _ in waits if end - 60 <= at_s < end]
        p50, p99 = (float(np.percentile(of_minute, q)) for q in (50, 99))
        found.append(Minute(p50, p99, (used[end].broker_s - used[end - 60].broker_s) / 60))
    return found


def _metrics_of(worker: Child) -> int:
    lines = worker.log.read_text(errors="replace").splitlines()
    return int(next(json.loads(line)["http_port"] for line in lines if '"http_port"' in line))


def _commits(port: int) -> float:
    """How many epochs a worker has ended, of all its partitions."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(COMMITS.name))


def _with_banner(reference: Reference) -> Reference:
    rule = TriggerRule(rule_id="banner", kind="offer_requested", channel="web", placement="banner")
    policies = replace(reference.policies, triggers=(*reference.policies.triggers, rule))
    return replace(reference, policies=policies)


def _gateway(shop: Shop, log: Path, free: bool) -> Child:
    settings = GatewaySettings(
        port=0, metrics_port=0, write_keys=f"bench:server={KEY}", events_per_second_max=100_000
    )
    environment = as_environment(replace(shop.settings, gateway=settings))
    return Child(
        [sys.executable, "-m", "streams", "gateway"],
        log,
        environment={**environment, "PYTHONPATH": str(ROOT)},
        core=None if free else 0,
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
    with socket.create_connection(("127.0.0.1", port), timeout=10) as asked:
        asked.sendall(request("nobody", "nowhere", timeout_ms=5_000))
        return b'"no_offer"' in asked.recv(65_536)


@click.command()
@click.option("--rate", default=200, show_default=True, type=click.IntRange(1), help="A second.")
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(2))
@click.option("--warm", default=180, show_default=True, type=click.IntRange(0), help="Not counted.")
@click.option("--epoch-ms", default=1_000, show_default=True, type=click.IntRange(1))
@click.option("--partitions", default=PARTITIONS, show_default=True, type=click.IntRange(1))
@click.option("--at-once", default=2, show_default=True, type=click.IntRange(1), help="Commits.")
@click.option("--free", is_flag=True, help="Nothing is bound to a core.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write figures here.")
def main(json_file: Path | None, warm: int, **load: int) -> None:
    """Measure how long a decision that is asked for takes, from the caller's side."""
    told = measure(msgspec.convert({**load, "warm_s": warm}, Load))
    click.echo(
        f"{load['rate']}/s, {load['partitions']} partitions, {load['at_once']} at once: "
        f"p50 {told.p50_ms:.1f} ms, p90 {told.p90_ms:.1f} ms, p99 {told.p99_ms:.1f} ms, "
        f"max {told.max_ms:.1f} ms; "
        + ", ".join(f"{verdict} {n}" for verdict, n in sorted(told.verdicts.items()))
        + f"; of a question: CPU of broker {told.broker_cpu_ms:.1f}, worker "
        f"{told.worker_cpu_ms:.1f}, gateway {told.gateway_cpu_ms:.1f}, callers "
        f"{told.askers_cpu_ms:.1f} ms, {told.transactions:.2f} transactions"
    )
    for number, minute in enumerate(told.minutes, 1):
        click.echo(
            f"minute {number}: p50 {minute.p50_ms:.1f} ms, p99 {minute.p99_ms:.1f} ms, "
            f"broker {minute.broker_share:.2f} of a core"
        )
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")


if __name__ == "__main__":
    main()
