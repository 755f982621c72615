"""What is equal to what: replays, late timers, restarts, partitions, decisions made again."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.challenger import ChallengerLog
from streams.contracts.outputs.effects import AlertRaised, DecisionLogged, Effect
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.files import load_reference
from streams.customer import decode_row, encode_row
from streams.decisions import compile_policy, redecide
from streams.driver import Driver
from streams.evaluation.inputs import read_records
from streams.evaluation.replay import replay
from streams.models import initial_models
from streams.models.pool import Tuning
from streams.models.response import ResponseModel
from streams.models.trainer import Trainer
from streams.models.uplift import UpliftModel
from streams.runtime.murmur2 import partition_for
from streams.simulator import SHOP
from tests.support import small_shop
from tests.support.small_shop import Sent

DAY = Path(__file__).parents[1] / "golden" / "a-day-in-the-shop.jsonl"
RULES = InputRules(now_ms=2**45)
CUSTOMERS, EVENTS = 30, 1_500
NONSENSE = ChallengerLog(
    version="x",
    chosen_offer_id="x",
    action_probability=2.0,
    no_offer_probability=2.0,
    probabilities=(),
)


@pytest.fixture(scope="module")
def sent() -> list[Sent]:
    """Consents, visits, and one more look at everybody much later."""
    return [
        *small_shop.consents(CUSTOMERS),
        *small_shop.visits(EVENTS, CUSTOMERS, seed=11),
        *small_shop.closing(CUSTOMERS, EVENTS),
    ]


def frozen() -> Driver:
    """A driver whose models do not learn."""
    return Driver(compile_policy(small_shop.reference()), initial_models())


def told(effects: Iterable[Effect]) -> Iterator[tuple[str, bytes]]:
    """What the world is told: decisions and alerts, with the customer they are about."""
    for effect in effects:
        if isinstance(effect, DecisionLogged):
            yield effect.entry.customer_id, msgspec.json.encode(effect.entry)
        elif isinstance(effect, AlertRaised):
            yield effect.alert.customer_id, msgspec.json.encode(effect.alert)


def run(
    driver: Driver, sent: Iterable[Sent], before: Callable[[Driver], None] = lambda _: None
) -> dict[str, list[bytes]]:
    """Feed everything; what was told of each customer, in its order."""
    said: dict[str, list[bytes]] = {}
    for topic, _, value in sent:
        before(driver)
        effects = driver.feed(topic, value, RULES)
        assert not isinstance(effects, Rejected)
        for customer_id, message in told(effects):
            said.setdefault(customer_id, []).append(message)
    return said


def stored(driver: Driver) -> dict[str, bytes]:
    """All rows as they are stored."""
    return {key: encode_row(row) for key, row in driver.rows.items()}


def test_one_file_twice_gives_equal_bytes(tmp_path: Path) -> None:
    """Replaying a file again writes every file of the first replay again, byte for byte."""
    policy = compile_policy(load_reference(SHOP))
    for name in ("first", "second"):
        replay(read_records(str(DAY)), policy, tmp_path / name)
    first, second = tmp_path / "first", tmp_path / "second"
    names = sorted(path.name for path in first.iterdir())
    assert "next-best-offers.jsonl" in names
    assert (first / "next-best-offers.jsonl").stat().st_size > 10_000
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_late_timer_decides_the_same(sent: list[Sent]) -> None:
    """Rows and decisions do not depend on when, or whether, a timer is looked at."""

    class NoTimers(Driver):
        """Due rows wait for their own next event."""

        def advance(self, until_ms: int) -> list[Effect]:
            self.greatest_event_ms = until_ms
            return []

    timely = frozen()
    never = NoTimers(timely.policy, timely.models)
    assert run(timely, sent) == run(never, sent)
    assert stored(timely) == stored(never)


@pytest.mark.parametrize("seed", range(5))
def test_a_restart_between_any_two_records_changes_nothing(sent: list[Sent], seed: int) -> None:
    """Rows that went through the store and back decide as the rows in memory did."""
    print(f"seed {seed}")
    draw = random.Random(seed)
    reference, restarted = frozen(), frozen()

    def perhaps_restart(driver: Driver) -> None:
        if draw.random() < 0.02:
            driver.rows = {key: decode_row(encode_row(row)) for key, row in driver.rows.items()}

    assert run(restarted, sent, perhaps_restart) == run(reference, sent)
    assert stored(restarted) == stored(reference)


def test_partitions_change_nothing(sent: list[Sent]) -> None:
    """One partition or four: equal rows and equal decisions for each customer."""
    one, four = frozen(), [frozen() for _ in range(4)]
    said = run(one, sent)
    parts = [[s for s in sent if partition_for(s[1], 4) == n] for n in range(4)]
    said_apart = [run(driver, part) for driver, part in zip(four, parts, strict=True)]
    assert {k: v for part in said_apart for k, v in part.items()} == said
    assert {k: v for driver in four for k, v in stored(driver).items()} == stored(one)


def test_every_decision_is_made_again_from_its_record(sent: list[Sent]) -> None:
    """The log entry and the snapshots that it names give the same bytes, while models learn."""
    policy = compile_policy(small_shop.reference())
    driver = Driver(policy, initial_models(), Trainer(50, Tuning(half_lives=0.5, variances=2.0)))
    models: dict[str, ResponseModel] = {}
    uplifts: dict[str, UpliftModel] = {}
    entries: list[DecisionLog] = []

    def note_models() -> None:
        for model in (driver.models.response, driver.models.challenger):
            if model is not None:
                models[model.version] = model
        uplifts[driver.models.uplift.version] = driver.models.uplift

    for topic, _, value in sent:
        note_models()
        effects = driver.feed(topic, value, RULES)
        assert not isinstance(effects, Rejected)
        note_models()
        entries.extend(e.entry for e in effects if isinstance(e, DecisionLogged))
    drawn = [e for e in entries if e.verdict in ("offer", "no_offer")]
    assert len(drawn) > 100
    assert len({e.model.version for e in drawn}) > 1
    beside = [e.challenger for e in drawn if e.challenger is not None]
    assert len(beside) > 20
    assert any(e.challenger and e.challenger.chosen_offer_id != e.chosen_offer_id for e in drawn)
    for entry in drawn:
        read = msgspec.json.decode(msgspec.json.encode(entry), type=DecisionLog)
        assert read.uplift is not None
        rival = None if read.challenger is None else models[read.challenger.version]
        spoilt = read if rival is None else msgspec.structs.replace(read, challenger=NONSENSE)
        uplift = uplifts[read.uplift.version]
        again = redecide(spoilt, models[entry.model.version], policy, uplift, rival)
        assert msgspec.json.encode(again) == msgspec.json.encode(entry)


def test_probabilities_are_the_ones_that_were_drawn_from(sent: list[Sent]) -> None:
    """Of every entry the probabilities sum to one, and the choice's own is among them."""
    driver = frozen()
    for topic, _, value in sent:
        effects = driver.feed(topic, value, RULES)
        assert not isinstance(effects, Rejected)
        for effect in effects:
            if isinstance(effect, DecisionLogged) and effect.entry.verdict in ("offer", "no_offer"):
                entry = effect.entry
                by_offer = {c.offer_id: c.probability for c in entry.offers}
                total = sum(by_offer.values()) + entry.no_offer_probability
                assert total == pytest.approx(1.0, abs=1e-9)
                chosen = entry.chosen_offer_id
                own = by_offer[chosen] if chosen else entry.no_offer_probability
                assert entry.action_probability == own > 0.0
