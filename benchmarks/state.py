"""The state pipeline on every contender, interleaved in rounds, each run checked."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from subprocess import SubprocessError

from confluent_kafka import KafkaException
from msgspec import Struct

from benchmarks import install
from benchmarks.broker import broker, delete_topics, fill, topic_names
from benchmarks.check import check_answers, check_changelog
from benchmarks.measure import (
    Child,
    Marks,
    Progress,
    follow,
    group_progress,
    output_progress,
    running,
)
from benchmarks.results import Run, of_stretch, told
from benchmarks.workload import ANSWER_EVERY, PARTITIONS, views
from tests.support.apache_kafka import ApacheKafka

CUSTOMERS = 50_000
FAULTS = (RuntimeError, AssertionError, KafkaException, SubprocessError)
SEED = 7


class Place(Struct, frozen=True):
    """Where one run takes place: everything in it is the run's own, but for the input."""

    bootstrap: str
    home: Path
    group: str
    source: str
    output: str

    @property
    def arguments(self) -> list[str]:
        """What every contender is told, in this order."""
        data = str(self.home / "data")
        return [self.bootstrap, data, self.group, self.source, self.output]


class Contender(Struct, frozen=True):
    """A way to do the work; `share` of the events are given to it, it is warm after `warm`."""

    name: str
    command: Callable[[Place], list[str]]
    changelog: Callable[[Place], str]
    share: float = 1.0
    warm_events: int = 0
    own_topics: bool = True
    commits_to_kafka: bool = True

    def events(self, asked: int) -> int:
        """How many events it is given: a round number, with the warming in front."""
        return self.warm_events + max(2_000, int(asked * self.share) // 1_000 * 1_000)


def ours(**differs: object) -> Callable[[Place], list[str]]:
    """The runtime's own defaults, but for these settings."""

    def command(place: Place) -> list[str]:
        module = "benchmarks.contenders.offerstream.app"
        topic = f"{place.group}-changelog"
        return [sys.executable, "-m", module, *place.arguments, topic, json.dumps(differs)]

    return command


def _loop(place: Place) -> list[str]:
    module = "benchmarks.contenders.loop.app"
    return [sys.executable, "-m", module, *place.arguments, f"{place.group}-changelog"]


def _faust(place: Place) -> list[str]:
    module = "benchmarks.contenders.faust.app"
    return [sys.executable, "-m", module, *place.arguments, "worker", "-l", "warn"]


def _quix(how: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        python = install.python_of("quix")
        return [python, "-m", "benchmarks.contenders.quix.app", how, *place.arguments]

    return command


def _bytewax(place: Place) -> list[str]:
    python, data = install.python_of("bytewax"), place.home / "data"
    data.mkdir()
    start = f"flow('{place.bootstrap}', '{place.source}', '{place.output}')"
    run = f'"{python}" -m bytewax.run "benchmarks.contenders.bytewax.flow:{start}"'
    made = f'"{python}" -m bytewax.recovery "{data}" 1'
    return ["sh", "-c", f'{made} && exec {run} -r "{data}" -s 1 -b 0']


def _kafka_streams(place: Place) -> list[str]:
    return [
        "java", "-Xmx1g", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp", install.java_classes(), "offerstream.bench.StatePipeline", *place.arguments, "1000",
    ]  # fmt: skip


def changelog(suffix: str) -> Callable[[Place], str]:
    """The changelog's name: the group's, and how this contender goes on."""
    return lambda place: f"{place.group}-{suffix}"


CONTENDERS = (
    Contender("offerstream, exactly once, epochs of 1 s", ours(), changelog("changelog")),
    Contender(
        "offerstream, exactly once, epochs of 100 ms", ours(epoch_ms=100), changelog("changelog")
    ),
    Contender("hand-written loop, at least once", _loop, changelog("changelog")),
    Contender(
        "Kafka Streams 4.3.1 (Java 17), exactly once",
        _kafka_streams,
        changelog("customers-changelog"),
        warm_events=500_000,
        own_topics=False,
    ),
    Contender(
        "Quix Streams 3.28, tuned, at least once",
        _quix("tuned"),
        lambda place: f"changelog__{place.group}--{place.source}--default",
        own_topics=False,
    ),
    Contender(
        "Quix Streams 3.28, as documented, at least once",
        _quix("documented"),
        lambda place: f"changelog__{place.group}--{place.source}--default",
        own_topics=False,
    ),
    Contender(
        "Bytewax 0.21 with recovery",
        _bytewax,
        lambda place: "",
        share=0.25,
        commits_to_kafka=False,
    ),
    Contender(
        "idiomatic Faust 0.15.3, at least once",
        _faust,
        changelog("customers-changelog"),
        share=0.1,
        own_topics=False,
    ),
)


def measure(events: int, rounds: int, only: str, say: Callable[[str], None]) -> Iterator[Run]:
    """Every contender in every round, on one broker, from the same input."""
    chosen = [c for c in CONTENDERS if only.lower() in c.name.lower()]
    yield from in_rounds("state", chosen, events, rounds, say)


def in_rounds(
    scenario: str,
    chosen: Sequence[Contender],
    events: int,
    rounds: int,
    say: Callable[[str], None],
) -> Iterator[Run]:
    """All of them in every round; who fails is named at the end."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-state-")))
        kafka = stack.enter_context(broker())
        for size in {c.events(events) for c in chosen}:
            kafka.create_topics(f"state-events-{size}", partitions=PARTITIONS)
            fill(kafka.bootstrap, f"state-events-{size}", views(size, CUSTOMERS, SEED))
        failed: list[str] = []
        for round_ in range(1, rounds + 1):
            for number, contender in enumerate(chosen):
                name = f"state-{round_}-{number}"
                (home / name).mkdir()
                source = f"state-events-{contender.events(events)}"
                place = Place(kafka.bootstrap, home / name, name, source, f"{name}-answers")
                try:
                    run = one(kafka, scenario, contender, place, events, round_)
                except FAULTS as fault:
                    # The others are still worth measuring.
                    say(f"round {round_}: {contender.name} FAILED: {fault}")
                    failed.append(f"{contender.name}, round {round_}")
                    continue
                finally:
                    delete_topics(kafka.bootstrap, topics_but_input(kafka.bootstrap))
                    rmtree(home / name, ignore_errors=True)
                say(f"round {round_}: {told(run)}")
                yield run
    if failed:
        raise RuntimeError(f"no result: {'; '.join(failed)}")


def one(
    kafka: ApacheKafka, scenario: str, contender: Contender, place: Place, asked: int, round_: int
) -> Run:
    """One contender, once, from start to check."""
    events = contender.events(asked)
    counted = events - contender.warm_events
    marks = Marks(
        begin=contender.warm_events + int(counted * 0.15),
        end=contender.warm_events + int(counted * 0.85),
        total=events,
    )
    kafka.create_topics(place.output, partitions=PARTITIONS)
    if contender.own_topics and contender.commits_to_kafka:
        kafka.create_topics(
            contender.changelog(place), partitions=PARTITIONS, config={"cleanup.policy": "compact"}
        )
    child = Child(contender.command(place), place.home / "log", environment=quiet())
    with running(child):
        stretch = follow(child, progress_of(contender, place), marks)
    check_answers(kafka, place.output, events, CUSTOMERS, SEED)
    row_bytes = 0
    if written := contender.changelog(place):
        row_bytes = check_changelog(kafka, written, events)
    return of_stretch(scenario, contender.name, round_, stretch, row_bytes=float(row_bytes))


def progress_of(contender: Contender, place: Place) -> Progress:
    """Committed offsets, or outputs for who keeps offsets to himself."""
    if contender.commits_to_kafka:
        return group_progress(place.bootstrap, place.group, place.source)
    return output_progress(place.bootstrap, place.output, ANSWER_EVERY)


def quiet() -> dict[str, str]:
    """The contenders' modules are found from the project's root."""
    return {"PYTHONPATH": str(install.ROOT)}


def topics_but_input(bootstrap: str) -> set[str]:
    """What a run has made."""
    return {name for name in topic_names(bootstrap) if not name.startswith("state-events-")}
