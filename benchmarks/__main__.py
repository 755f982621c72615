"""`python -m benchmarks SCENARIO`: measure, print a table, write every run as JSON; or report."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import SubprocessError

import click
from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Column, Table

from benchmarks import (
    gateway,
    install,
    latency,
    pieces,
    product,
    profile,
    restore,
    scale,
    state,
    workers,
)
from benchmarks import report as reporting
from benchmarks.results import Run, medians, read, read_shown, sitting, write, write_shown

DEFAULT_JSON = install.CACHE / "runs.json"
console = Console()


class Sizes:
    """How much is measured: `events` of the state pipeline, the rest in proportion."""

    def __init__(self, events: int, rounds: int, only: str, customers_max: int) -> None:
        self.events = events
        self.rounds = rounds
        self.only = only
        self.customers_max = customers_max
        self.product_events = max(10_000, events // 7)
        self.latency_s = max(5, min(40, events // 20_000))
        self.restore_rows = max(20_000, events // 2)
        self.scale_events = max(20_000, events * 2)  # the quickest run of all

    @property
    def arguments(self) -> dict[str, int]:
        """For the record."""
        return {
            "events": self.events,
            "rounds": self.rounds,
            "customers_max": self.customers_max,
        }


Scenario = Callable[[Sizes], Iterator[Run]]
SCENARIOS: dict[str, Scenario] = {
    "state": lambda s: state.measure(s.events, s.rounds, s.only, say),
    "pieces": lambda s: pieces.measure(s.events, s.rounds, say),
    "product": lambda s: product.measure(s.product_events, s.rounds, say),
    "latency": lambda s: latency.measure(s.latency_s, s.rounds, say),
    "restore": lambda s: restore.measure(s.restore_rows, s.rounds, say),
    "workers": lambda s: workers.measure(s.events, s.rounds, say),
    "scale": lambda s: scale.measure(s.scale_events, s.customers_max, say),
}


def say(text: str) -> None:
    """One line of progress."""
    console.print(text, highlight=False)


@click.group()
def main() -> None:
    """Measure offerstream and its contenders, one core each, in interleaved rounds."""


def _command(name: str) -> click.Command:
    @click.option(
        "--events",
        default=700_000,
        show_default=True,
        type=click.IntRange(1),
        help="Of the state pipeline.",
    )
    @click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
    @click.option("--only", default="", help="state: contenders whose name holds this.")
    @click.option(
        "--customers-max",
        default=1_000_000,
        show_default=True,
        type=click.IntRange(1),
        help="scale: up to 5M.",
    )
    @click.option("--json", "json_path", type=click.Path(path_type=Path), default=DEFAULT_JSON)
    def command(events: int, rounds: int, only: str, customers_max: int, json_path: Path) -> None:
        if missing := install.missing_tools():
            raise click.ClickException(f"not on this machine: {', '.join(missing)}")
        chosen = list(SCENARIOS) if name == "all" else [name]
        measure(chosen, Sizes(events, rounds, only, customers_max), json_path)

    help_ = "All of the below." if name == "all" else _summary(name)
    return click.command(name, help=help_)(command)


def _summary(name: str) -> str:
    rooms = (state, pieces, product, latency, restore, workers, scale)
    module = {m.__name__.rpartition(".")[2]: m for m in rooms}[name]
    return (module.__doc__ or "").splitlines()[0]


def measure(names: list[str], sizes: Sizes, json_path: Path) -> None:
    """Run the scenarios; what has been measured is written also when a later one fails."""
    # Contenders and brokers are ended on the way out, also when we are told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runs: list[Run] = []
    failed: list[str] = []
    for name in names:
        console.rule(name)
        try:
            for run in SCENARIOS[name](sizes):
                runs.append(run)
                write(json_path, sitting(sizes.arguments, runs))
        except (RuntimeError, AssertionError, SubprocessError, KafkaException) as error:
            console.print(f"[red]{name} failed:[/red] {error}", markup=True, highlight=False)
            failed.append(name)
    for table in reporting.as_table(runs):
        console.print(table)
    say(f"every run: {json_path}")
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")


@main.command()
@click.argument("json_paths", type=click.Path(path_type=Path, exists=True), nargs=-1)
@click.option("--data", type=click.Path(path_type=Path), default=Path("docs/data/bench.json"))
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/bench.md"))
@click.option("--picture", type=click.Path(path_type=Path), default=Path("docs/bench.svg"))
def report(json_paths: tuple[Path, ...], data: Path, out: Path, picture: Path) -> None:
    """Keep the runs of sittings as what the document shows, and write its tables and picture.

    What several of them have measured is shown as the last one has it. Without files: the tables
    and the picture anew, from what is kept.
    """
    if json_paths:
        write_shown(data, reporting.newest(map(read, json_paths)))
    shown = read_shown(data)
    text = reporting.report(out.read_text(encoding="utf-8"), shown, picture.name)
    out.write_text(text, encoding="utf-8")
    picture.write_text(reporting.picture_of(shown), encoding="utf-8")
    say(f"{out} and {picture} show {data}")


@main.command("profile")
@click.option("--events", default=60_000, show_default=True, type=click.IntRange(1))
def profile_(events: int) -> None:
    """What process() spends, by part; needs no broker."""
    lines = profile.measure(events, product.CUSTOMERS, product.SEED)
    table = Table("part", Column("us/event", justify="right"), Column("share", justify="right"))
    for part, us in lines:
        table.add_row(part, f"{us:.1f}", f"{us / lines[-1][1]:.0%}")
    console.print(table)


@main.command("gateway")
@click.option(
    "--events",
    default=200_000,
    show_default=True,
    type=click.IntRange(1),
    help="In batches, each round.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
def gateway_(events: int, rounds: int) -> None:
    """Events over HTTP: speed, cost and answers beside a server by hand; medians of the rounds."""
    found = medians(gateway.measure(events, rounds, say))
    heads = ("events/s", "us CPU/event", "single: p50 ms", "p99 ms")
    table = Table("server", *(Column(head, justify="right") for head in heads))
    for name, n in found.items():
        cells = (
            f"{n['events_per_s']:,.0f}",
            *(f"{n[k]:.1f}" for k in ("cpu_us", "p50_ms", "p99_ms")),
        )
        table.add_row(name, *cells)
    console.print(table)


for _name in ("all", *SCENARIOS):
    main.add_command(_command(_name))

if __name__ == "__main__":
    main()
