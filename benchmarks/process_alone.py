"""`process()` with decode and encode over rows in a dict: `python -m benchmarks.process_alone`.

Prints one measurement as JSON. The first tenth of the events warms up and is not counted. Garbage
is collected as seldom as in a worker.
"""

import json
import sys
import time
from collections.abc import Callable

from benchmarks.events import START_MS, consents, product_views
from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import encode_output
from streams.contracts.reference.files import load_reference
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.runtime.process.run import collect_seldom
from streams.simulator import SHOP

RULES = InputRules(now_ms=START_MS + 10**10)


def main(events: int, customers: int, seed: int) -> None:
    """Feed all events and print events, wall and CPU seconds of the last nine tenths."""
    started = (0.0, 0.0)

    def start() -> None:
        nonlocal started
        started = (time.perf_counter(), time.process_time())

    counted = feed(events, customers, seed, start)
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    print(
        json.dumps(
            {
                "contender": "process() alone, in memory",
                "events": counted,
                "wall_s": wall,
                "cpu_s": cpu,
            }
        )
    )


def feed(events: int, customers: int, seed: int, start: Callable[[], None]) -> int:
    """Feed all events; `start` is called before those that count.

    Returns:
        How many count.
    """
    driver = Driver(compile_policy(load_reference(SHOP)), initial_models())
    for _, value in consents(customers):
        driver.feed(topics.PROFILE.name, value, RULES)
    collect_seldom()
    values = [value for _, value in product_views(events, customers, seed)]
    warm = events // 10
    for number, value in enumerate(values):
        if number == warm:
            start()
        effects = driver.feed(topics.CLICKSTREAM.name, value, RULES)
        if isinstance(effects, Rejected):
            raise ValueError(f"the benchmark's own event was rejected: {effects}")
        for effect in effects:
            encode_output(effect)
    return events - warm


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
