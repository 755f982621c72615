"""E2: seeded schedules of deliveries, timers, commits and crashes against a run without any.

A shop of the simulator, its people answering offers and its visitors logging in, is played once;
its records are then handled by the worker's shell in four partitions, in memory. A failure is run
again with E2_SEED_FIRST and E2_SEEDS=1.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from streams import topics
from streams.audit import Came, audit
from streams.contracts.internal.routing import Message, Tick
from streams.contracts.times import DAY_MS, from_ms
from streams.decisions import Policy, compile_policy
from streams.driver import Driver
from streams.identity import key_of
from streams.models import initial_models
from streams.pipeline import Step, process
from streams.runtime.murmur2 import partition_for
from streams.simulator.closed_loop import START_MS, play
from streams.simulator.market import Market
from streams.simulator.records import Sent
from streams.telemetry import catalogue as metrics
from streams.worker import customers
from streams.worker.ledger import Ledger
from tests.support import small_shop
from tests.support.audited import in_order
from tests.support.eager_shop import eager_shop
from tests.support.expected import COMPARED, Expected
from tests.support.memory_runtime import World
from tests.support.told import broken

SEED_FIRST = int(os.environ.get("E2_SEED_FIRST", "1"))
SEEDS = int(os.environ.get("E2_SEEDS", "200"))
STEPS = int(os.environ.get("E2_STEPS", "2000"))
FEW_SEEDS, FEW_STEPS = 6, 1_000
PARTITIONS = 4
SHOPPERS, DAYS = 16, 25
MISPLACED_SHARE = 0.03
REPEATED_SHARE = 0.02
TOPICS = (*COMPARED, topics.IDENTITY_CHANGES)


class EventTiming(Market):
    """A market that keeps what it has sent."""

    sent: list[Sent]

    def step(self, until_ms: int) -> list[Sent]:
        """As the market does."""
        sent = super().step(until_ms)
        self.sent = [*getattr(self, "sent", ()), *sent]
        return sent


@cache
def policy() -> Policy:
    """Of the simulator's shop, where a strong signal is enough for a case."""
    return compile_policy(eager_shop())


@cache
def played(seed: int, events: int) -> list[Sent]:
    """The first events of a shop, some of them twice, and everybody once more at one late moment.

    Played once for all tests, as is what is expected of it; nobody changes either.
    What is due by then is due for everybody, so nothing hangs on when a timer fired. Before it, all
    look at how to leave: that is a strong signal, and opens cases, whose horizon is over by then.
    """
    draw = random.Random(seed)
    market = EventTiming(eager_shop(), SHOPPERS, DAYS, START_MS, seed)
    play(market, Driver(policy(), initial_models()))
    once = sorted(market.sent, key=lambda sent: str(json.loads(sent.value)["occurred_at"]))
    twice = [s for sent in once[:events] for s in (sent,) * (1 + (draw.random() < REPEATED_SHARE))]
    who = sorted({(sent.key, anonymous(sent)) for sent in twice})
    at, late = (from_ms(START_MS + days * DAY_MS).isoformat() for days in (DAYS, DAYS + 92))
    leaving = [wants_to_leave(key, at) for key, unknown in who if not unknown]
    return [*twice, *leaving, *(last_visit(key, late, unknown) for key, unknown in who)]


@cache
def expected_of(seed: int, events: int) -> Expected:
    """What a run without crashes says of them."""
    return Expected(played(seed, events), policy())


def anonymous(sent: Sent) -> bool:
    """Whether a record's key is no customer's."""
    return "customer_id" not in json.loads(sent.value)["identity"]


def wants_to_leave(key: bytes, at: str) -> Sent:
    """Somebody looks at the page on which an account is closed."""
    event = {
        "event_id": f"leave-{key.decode()}",
        "event_name": "account_cancel_page_viewed",
        "occurred_at": at,
        "channel": "web",
        "identity": {"customer_id": key.decode()},
        "page": {"path": "/account/cancel"},
    }
    return Sent(topics.CLICKSTREAM.name, key, json.dumps(event).encode())


def last_visit(key: bytes, at: str, unknown: bool) -> Sent:
    """Somebody opens the app; whoever is known by name takes it off the phone, a strong signal."""
    event = {
        "event_id": f"last-{key.decode()}",
        "event_name": "application_opened" if unknown else "application_uninstalled",
        "occurred_at": at,
        "channel": "app",
        "identity": {"anonymous_id" if unknown else "customer_id": key.decode()},
    }
    return Sent(topics.APP.name, key, json.dumps(event).encode())


def run(
    sent: list[Sent],
    routing: set[int],
    seed: int,
    steps: int,
    schedule: Mapping[str, int] | None = None,
    *,
    keeps_dropped_rows: bool = False,
) -> World:
    """So many steps of a seeded schedule (`SCHEDULE` if not given), then to the end."""
    draw = random.Random(seed)
    placed = [
        (
            s.topic,
            draw.randrange(PARTITIONS) if draw.random() < MISPLACED_SHARE else home(s),
            *s[1:],
        )
        for s in sent
    ]
    routing = routing | {n for n, s in enumerate(placed) if s[1] != home(sent[n])}
    world = World(placed, routing, policy(), PARTITIONS, keeps_dropped_rows=keeps_dropped_rows)
    acts, weights = zip(*(schedule or SCHEDULE).items(), strict=True)
    for _ in range(steps):
        act, number = draw.choices(acts, weights)[0], draw.randrange(PARTITIONS)
        if act == "deliver":
            for _ in range(draw.randrange(1, 4)):
                world.deliver(number)
        elif act == "die after commit":
            world.end_commit(number, dies=True)
        elif act == "crash":
            world.crash()
        else:
            getattr(world, act)(number)
    world.run_to_the_end()
    return world


SCHEDULE = {
    "deliver": 50,
    "fire": 10,
    "begin_commit": 16,
    "end_commit": 16,
    "drop": 4,
    "crash": 2,
    "die after commit": 1,
    "lose_disk": 1,
}


# A process that dies between a commit and its figures takes these with it: whoever adds counters up
# over restarts misses them.
MEASURED_SCHEDULE = {act: weight for act, weight in SCHEDULE.items() if act != "die after commit"}


def home(sent: Sent) -> int:
    """The partition of a record's key."""
    return partition_for(sent.key, PARTITIONS)


def differences(world: World, expected: Expected) -> list[str]:
    """Rows, decisions, alerts and labels that a run with crashes has otherwise."""
    said: dict[str, Counter[tuple[bytes, bytes]]] = {}
    for output in world.outputs:
        said.setdefault(output.topic, Counter())[output.key or b"", output.value or b""] += 1
    found = []
    for topic in TOPICS:
        name = topic.on_broker("offerstream")
        want, got = expected.said.get(topic.name, Counter()), said.get(name, Counter())
        if want != got:
            missing, double = (want - got).total(), (got - want).total()
            found.append(f"{topic.name}: {missing} missing, {double} double or never decided")
    rows = world.rows_as_stored()
    wrong = [k for k in expected.rows.keys() | rows.keys() if expected.rows.get(k) != rows.get(k)]
    return [*found, *([f"rows: {wrong}"] if wrong else [])]


def figures(world: World) -> dict[tuple[str, ...], float]:
    """Everything that was counted, but for what tells of the schedule itself.

    An event runs what is due before it, so a timer may find nothing left to do.
    """
    counted = (m for m in metrics.CATALOGUE if m.group != "runtime" and m != metrics.TICKS)
    return {
        (metric.name, *labels): round(n, 6)
        for metric in counted
        for labels, n in (
            world.meter.observations_of(metric)
            if metric.kind == "histogram"
            else world.meter.values_of(metric)
        ).items()
    }


def found_by_the_auditor(sent: list[Sent], world: World) -> set[str]:
    """The rules that were broken in what went out of a run with crashes."""
    came = [Came(f"record {n}", s.topic, s.value) for n, s in enumerate(sent)]
    outputs = in_order([(o.topic, o.value) for o in world.outputs if o.value is not None])
    report = audit(came, outputs, eager_shop())
    assert report.refused == 0
    assert report.outputs["offer"] > 0
    return broken(report)


def check(seed: int, steps: int) -> Counter[str]:
    """One seed; what there was to compare."""
    sent, expected = played(seed, steps // 2), expected_of(seed, steps // 2)
    world = run(sent, expected.routing, seed, steps)
    assert differences(world, expected) == [], f"seed {seed}, {steps} steps"
    assert found_by_the_auditor(sent, world) == set(), f"seed {seed}, {steps} steps"
    return Counter(
        {topic.name: expected.said.get(topic.name, Counter()).total() for topic in TOPICS}
    )


def test_crashes_between_any_two_steps_change_nothing() -> None:
    """Rows and outputs of six schedules equal those of a run without crashes, and are good."""
    seen: Counter[str] = Counter()
    for seed in range(SEED_FIRST, SEED_FIRST + FEW_SEEDS):
        print(f"seed {seed}")
        seen += check(seed, FEW_STEPS)
    print(dict(seen))
    assert all(seen[topic.name] > 0 for topic in TOPICS)


def test_a_runtime_that_keeps_the_rows_of_a_dropped_epoch_is_found_out() -> None:
    """The control: the same schedules, and each shows a difference."""
    for seed in range(SEED_FIRST, SEED_FIRST + 2):
        sent, expected = played(seed, FEW_STEPS // 2), expected_of(seed, FEW_STEPS // 2)
        world = run(sent, expected.routing, seed, FEW_STEPS, keeps_dropped_rows=True)
        assert differences(world, expected), f"seed {seed}"


def test_metrics_with_crashes_equal_those_without() -> None:
    """Nothing is counted twice because it was done twice, and nothing that was done is missing."""
    for seed in range(SEED_FIRST, SEED_FIRST + FEW_SEEDS):
        print(f"seed {seed}")
        sent = played(seed, FEW_STEPS // 2)
        routing = expected_of(seed, FEW_STEPS // 2).routing
        quiet = figures(run(sent, routing, seed, 0))
        crashed = run(sent, routing, seed, FEW_STEPS, MEASURED_SCHEDULE)
        assert crashed.meter.value(metrics.COMMITS, "aborted") > 0
        assert figures(crashed) == quiet, f"seed {seed}"
        assert quiet[metrics.EVENT_TO_OFFER.name,] > 0


def test_a_ledger_that_forgets_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what was done twice is counted twice."""
    sent = played(SEED_FIRST, FEW_STEPS // 2)
    routing = expected_of(SEED_FIRST, FEW_STEPS // 2).routing
    quiet = figures(run(sent, routing, SEED_FIRST, 0))
    for forgetting in ("dropped", "opened"):
        monkeypatch.setattr(Ledger, forgetting, lambda self, number: None)
    assert figures(run(sent, routing, SEED_FIRST, FEW_STEPS, MEASURED_SCHEDULE)) != quiet


def test_a_dropped_epoch_takes_its_clock_with_it() -> None:
    """A cart is left at 10:00 and filled again at 10:10: a drop after 11:00 reminds at 10:40 only.

    Event time must not stand at 11:00 when the record of 10:10 is to be read again.
    """
    visits = [small_shop.filled_cart(0, 600), small_shop.filled_cart(0, 610)]
    sent = [
        *small_shop.consents(2),
        *visits,
        small_shop.opened(1, 660),
        small_shop.opened(0, 2_000),
    ]
    shop = compile_policy(small_shop.reference())
    world = World([(topic, 0, key, value) for topic, key, value in sent], (), shop, 1)
    for _ in range(3):
        world.deliver(0)
    world.begin_commit(0)
    world.end_commit(0)
    world.deliver(0)
    world.deliver(0)
    world.drop(0)
    assert not world.fire(0)
    world.run_to_the_end()
    entries = [json.loads(o.value or b"") for o in world.outputs if o.topic == "decision-log"]
    reminded = [e["decided_at"] for e in entries if e["trigger"]["kind"] == "cart_abandoned"]
    assert reminded == ["2024-01-01T10:40:00Z"]


def raising(ticks_only: bool, chosen: str) -> Callable[..., Step]:
    """`process`, but for one person, or one person's timers, it raises."""

    def failing(message: Message, *others: Any) -> Step:
        if key_of(message) == chosen and (isinstance(message, Tick) or not ticks_only):
            raise ZeroDivisionError(chosen)
        return process(message, *others)

    return failing


def somebody(sent: list[Sent]) -> str:
    """A customer whom no other key's records name, with many records."""
    keys = Counter(s.key for s in sent)
    named = (k for k, _ in keys.most_common() if not any(k in s.value for s in sent if s.key != k))
    return next(named).decode()


def test_one_person_whose_processing_fails_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With crashes: each of their records is one dead letter, and all others have what they had."""
    for seed in range(SEED_FIRST, SEED_FIRST + 2):
        print(f"seed {seed}")
        sent = played(seed, FEW_STEPS // 2)
        chosen = somebody(sent)
        expected = Expected([s for s in sent if s.key != chosen.encode()], policy())
        routing = expected_of(seed, FEW_STEPS // 2).routing
        monkeypatch.setattr(customers, "process", raising(False, chosen))
        world = run(sent, routing, seed, FEW_STEPS)
        letters = Counter(o.key for o in world.outputs if o.topic == topics.DEAD_LETTERS.name)
        assert letters.total() == sum(s.key == chosen.encode() for s in sent)
        assert differences(world, expected) == [], f"seed {seed}"


def test_timers_that_fail_are_put_off_and_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With crashes: what a timer could not do, the person's next event does at its due time."""
    failed = 0.0
    for seed in range(SEED_FIRST, SEED_FIRST + 2):
        print(f"seed {seed}")
        sent, expected = played(seed, FEW_STEPS // 2), expected_of(seed, FEW_STEPS // 2)
        monkeypatch.setattr(customers, "process", raising(True, somebody(sent)))
        world = run(sent, expected.routing, seed, FEW_STEPS)
        assert differences(world, expected) == [], f"seed {seed}"
        failed += world.meter.value(metrics.INTERNAL_ERRORS, "timer")
    assert failed > 0


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_e2_two_hundred_schedules() -> None:
    """The same at full size."""
    seen: Counter[str] = Counter()
    for seed in range(SEED_FIRST, SEED_FIRST + SEEDS):
        seen += check(seed, STEPS)
    print(f"{SEEDS} seeds, {STEPS} steps: {dict(seen)}")
