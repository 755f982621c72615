"""What the runtime was meant to reach, beside what a measurement says: nothing repeated by hand."""

from collections.abc import Callable, Iterable, Iterator

from benchmarks.results import Run, medians

Figures = dict[str, dict[str, float]]
Reached = Callable[[dict[str, Figures]], str]


def _speed(found: dict[str, Figures], scenario: str, name: str) -> float:
    """Events a second of the contender whose name begins so."""
    numbers = next(n for c, n in found[scenario].items() if c.startswith(name))
    return numbers["events_per_s"]


def _times(*names: str) -> Reached:
    """How many times as fast as these contenders the first of the state pipeline is."""

    def reached(found: dict[str, Figures]) -> str:
        ours = _speed(found, "state", "offerstream")
        parts = [f"{ours / _speed(found, 'state', name):.1f} times {name}" for name in names]
        return ", ".join(parts)

    return reached


def _loop(found: dict[str, Figures]) -> str:
    ours, loop = _speed(found, "state", "offerstream"), _speed(found, "state", "hand-written")
    return f"{ours / loop:.2f} of its events/s"


def _product(found: dict[str, Figures]) -> str:
    return f"{_speed(found, 'product', 'worker on Kafka'):,.0f} events/s"


def _latency(found: dict[str, Figures]) -> str:
    told = (
        f"{name}: {n['p50_ms']:.1f} and {n['p99_ms']:.1f} ms"
        for name, n in found["latency"].items()
    )
    return "; ".join(told)


def _restore(found: dict[str, Figures]) -> str:
    told = (f"{name}: {n['rows_per_s']:,.0f}" for name, n in found["restore"].items())
    return "; ".join(list(told)[:2])


def _flat(found: dict[str, Figures]) -> str:
    told = (
        f"{load}: {min(costs.values()):.0f} to {max(costs.values()):.0f} us"
        for load, costs in found["scale"].items()
        if costs
    )
    return "; ".join(told)


GOALS: tuple[tuple[str, Reached], ...] = (
    ("state pipeline >= 40 times idiomatic Faust", _times("idiomatic Faust")),
    (
        ">= 4 times Quix Streams",
        _times("Quix Streams 3.28, tuned", "Quix Streams 3.28, as documented"),
    ),
    (">= 6 times Bytewax with recovery", _times("Bytewax")),
    (">= 2.5 times Kafka Streams", _times("Kafka Streams")),
    (">= 0.8 of a hand-written loop without transactions", _loop),
    ("the product >= 15,000 events/s a core", _product),
    ("offers at 1,000 events/s: p50 <= 15 ms, p99 <= 50 ms", _latency),
    ("restore >= 100,000 rows/s", _restore),
    ("cost per event flat over the number of customers", _flat),
)


def against_goals(runs: Iterable[Run]) -> Iterator[tuple[str, str]]:
    """Goal and what was reached; a goal whose runs are missing or too short is left open."""
    by_scenario: dict[str, list[Run]] = {}
    for run in runs:
        by_scenario.setdefault(run.scenario, []).append(run)
    found = {name: medians(own) for name, own in by_scenario.items()}
    found["scale"] = _costs(by_scenario.get("scale", ()))
    for goal, reached in GOALS:
        try:
            yield goal, reached(found) or "not measured"
        except (KeyError, StopIteration):
            yield goal, "not measured"


def _costs(runs: Iterable[Run]) -> Figures:
    """Microseconds an event by load and number of customers."""
    found: Figures = {}
    for run in runs:
        if "cpu_us" in run.numbers:
            found.setdefault(run.contender, {})[f"{run.x:,.0f}"] = run.numbers["cpu_us"]
    return found
