"""`python -m benchmarks`: events/s and CPU us/event, interleaved rounds in one run, medians.

Contenders: `process()` alone in memory, the whole worker on Apache Kafka (exactly once), and an
idiomatic Faust app that updates a row of about the same size (at least once). One core each, the
broker on the other.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from benchmarks.events import consents, product_views
from benchmarks.measure import Contender, Measurement, run
from streams import topics
from streams.admin.reference import example_shop, load_validated, publish_reference
from streams.admin.topics import apply_topics
from streams.settings import as_environment, load_settings
from tests.support.apache_kafka import ApacheKafka

TOPIC = topics.CLICKSTREAM.name
PARTITIONS = 4


@click.command()
@click.option("--events", default=100_000, show_default=True)
@click.option("--faust-events", default=20_000, show_default=True, help="It is that much slower.")
@click.option("--customers", default=20_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write every run.")
def main(
    events: int, faust_events: int, customers: int, rounds: int, seed: int, json_path: Path | None
) -> None:
    """Measure and print a table."""
    console = Console()
    console.print(f"seed {seed}, {customers} customers, {rounds} interleaved rounds")
    folder = Path(tempfile.mkdtemp(prefix="offerstream-bench-"))
    runs: list[Measurement] = []
    try:
        contenders: tuple[Callable[[Path], Measurement], ...] = (
            lambda _: process_alone(events, customers, seed),
            lambda at: worker(events, customers, seed, at),
            lambda at: faust(faust_events, customers, seed, at),
        )
        for round_ in range(rounds):
            for number, contend in enumerate(contenders):
                at = folder / f"{round_}-{number}"
                at.mkdir()
                runs.append(contend(at))
                last = runs[-1]
                console.print(
                    f"round {round_ + 1}: {last.contender}: {last.events_per_s:,.0f} events/s, "
                    f"{last.cpu_us_per_event:,.1f} us CPU/event"
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(table(runs))
    if json_path is not None:
        rows = [
            {"contender": r.contender, "events": r.events, "wall_s": r.wall_s, "cpu_s": r.cpu_s}
            for r in runs
        ]
        json_path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def process_alone(events: int, customers: int, seed: int) -> Measurement:
    """`process()` with decode and encode over rows in a dict, in a process of its own."""
    done = subprocess.run(
        ["taskset", "-c", "1", sys.executable, "-m", "benchmarks.process_alone", str(events),
         str(customers), str(seed)],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    return Measurement(**json.loads(done.stdout))


def worker(events: int, customers: int, seed: int, at: Path) -> Measurement:
    """The whole product on its own topics, all outputs included, on a broker of its own."""
    with broker() as kafka:
        settings = load_settings(
            environment={},
            overrides={
                "bootstrap": kafka.bootstrap,
                "data_dir": str(at / "data"),
                "http.port": 0,
                "partitions": PARTITIONS,
            },
        )
        apply_topics(settings)
        publish_reference(settings, load_validated(example_shop()))
        fill(kafka.bootstrap, topics.PROFILE.name, consents(customers))
        fill(kafka.bootstrap, TOPIC, product_views(events, customers, seed))
        contender = Contender(
            name="offerstream worker, exactly once",
            command=[sys.executable, "-m", "streams", "worker", "--workers", "1", "--no-learner"],
            group=settings.application_id,
            environment=as_environment(settings),
        )
        return run(contender, kafka.bootstrap, TOPIC, events, at / "log")


def faust(events: int, customers: int, seed: int, at: Path) -> Measurement:
    """The usual Faust app on a topic of the same bytes, on a broker of its own."""
    with broker() as kafka:
        kafka.create_topics(TOPIC, partitions=PARTITIONS)
        fill(kafka.bootstrap, TOPIC, product_views(events, customers, seed))
        contender = Contender(
            name="idiomatic Faust, at least once",
            command=[
                sys.executable, "-m", "benchmarks.idiomatic_faust", kafka.bootstrap,
                str(at / "data"), "worker", "-l", "warn",
            ],
            group="idiomatic",
            environment={},
        )  # fmt: skip
        return run(contender, kafka.bootstrap, TOPIC, events, at / "log")


@contextmanager
def broker() -> Iterator[ApacheKafka]:
    """A fresh Apache Kafka; what this process starts from here on stays on core 0 with it."""
    os.sched_setaffinity(0, {0})
    with ApacheKafka() as kafka:
        yield kafka


def fill(bootstrap: str, topic: str, records: Iterator[tuple[bytes, bytes]]) -> None:
    """Produce the input with the partitioner that offerstream's producers use."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 50}
    )
    for key, value in records:
        producer.produce(topic, value, key)
        if len(producer) > 50_000:
            producer.poll(0.1)
    if producer.flush(120):
        raise RuntimeError("the input could not be produced")


def table(runs: list[Measurement]) -> Table:
    """Medians over the rounds."""
    shown = Table("contender", "events/s", "CPU us/event", "runs")
    for name in dict.fromkeys(r.contender for r in runs):
        own = [r for r in runs if r.contender == name]
        shown.add_row(
            name,
            f"{statistics.median(r.events_per_s for r in own):,.0f}",
            f"{statistics.median(r.cpu_us_per_event for r in own):,.1f}",
            str(len(own)),
        )
    return shown


if __name__ == "__main__":
    main()
