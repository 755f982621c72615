"""Rows a second from a changelog into an empty store: the runtime, the product, stock Faust."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.broker import broker, fill
from benchmarks.contenders.struct_rows import decode_view, encode_row, new_row, viewed
from benchmarks.events import START_MS, consents, product_views
from benchmarks.install import ROOT
from benchmarks.measure import Child
from benchmarks.results import Run
from benchmarks.workload import PARTITIONS, views
from streams import topics
from streams.contracts.inputs.rules import InputRules
from streams.contracts.reference.files import load_reference
from streams.customer import due_at_ms
from streams.customer.codec import encode_row as encode_customer
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.runtime.records import NEVER, Headers, due_headers
from streams.simulator import SHOP

PRODUCT_ROWS = 2_000
FAUST_SHARE = 10
SEED = 7


def measure(rows: int, rounds: int, say: Callable[[str], None]) -> Iterator[Run]:
    """The same changelogs, restored anew in every round."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-restore-")))
        kafka = stack.enter_context(broker())
        for name in ("state-changelog", "product-changelog", "faust-customers-changelog"):
            kafka.create_topics(name, partitions=PARTITIONS, config={"cleanup.policy": "compact"})
        fill(kafka.bootstrap, "state-changelog", state_rows(rows))
        fill(kafka.bootstrap, "product-changelog", product_rows(rows))
        fill(kafka.bootstrap, "faust-customers-changelog", faust_rows(rows // FAUST_SHARE))
        kafka.create_topics("faust-in", "faust-out", partitions=PARTITIONS)
        for round_ in range(1, rounds + 1):
            for name, command in commands(kafka.bootstrap):
                at = home / f"{name.split()[0]}-{name.split()[1]}-{round_}"
                at.mkdir()
                child = Child(
                    [sys.executable, "-m", *command, str(at / "data")],
                    at / "log",
                    environment={"PYTHONPATH": str(ROOT)},
                )
                done = json.loads(child.wait(900).splitlines()[-1])
                wanted = rows // FAUST_SHARE if "Faust" in name else rows
                assert done["rows"] == wanted, f"{name}: {done['rows']} of {wanted} rows"
                numbers = {
                    "rows_per_s": wanted / done["wall_s"],
                    "cpu_us_per_row": done["cpu_s"] / wanted * 1e6,
                    "rows": float(wanted),
                }
                say(f"round {round_}: {name}: {numbers['rows_per_s']:,.0f} rows/s")
                yield Run("restore", name, round_, numbers)


def commands(bootstrap: str) -> Iterator[tuple[str, list[str]]]:
    """Name and command of everybody who restores."""
    restoring = "benchmarks.restoring"
    yield "state pipeline's rows", [restoring, bootstrap, "state-changelog"]
    yield "the product's rows", [restoring, bootstrap, "product-changelog"]
    yield "idiomatic Faust 0.15.3", ["benchmarks.contenders.faust.recovering", bootstrap]


def state_rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    """One row each for `count` customers."""
    for number, (_, value) in enumerate(views(count, count, SEED)):
        view = decode_view(value)
        row = new_row(view)
        viewed(row, view)
        yield b"c%07d" % number, encode_row(row)


def faust_rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    """The same rows as Faust writes them: keys and values in JSON."""
    for number, (_, value) in enumerate(views(count, count, SEED)):
        view = decode_view(value)
        row = new_row(view)
        viewed(row, view)
        yield b'"c%07d"' % number, msgspec.json.encode(row)


def product_rows(count: int) -> Iterable[tuple[bytes, bytes, Headers]]:
    """Rows as `process()` leaves them after ten views each, under `count` keys."""
    driver = Driver(compile_policy(load_reference(SHOP)), initial_models())
    rules = InputRules(now_ms=START_MS + 10**10)
    for _, value in consents(PRODUCT_ROWS):
        driver.feed(topics.PROFILE.name, value, rules)
    for _, value in product_views(PRODUCT_ROWS * 10, PRODUCT_ROWS, SEED):
        driver.feed(topics.CLICKSTREAM.name, value, rules)
    made = [
        (encode_customer(row), due_headers(NEVER if (due := due_at_ms(row)) is None else due))
        for row in driver.rows.values()
    ]
    return ((b"c%07d" % n, *made[n % len(made)]) for n in range(count))
