"""One order is one thing, whatever arrives in which order and how often."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import Purchase, PurchaseName
from streams.contracts.outputs.effects import PurchaseSeen
from streams.contracts.reference.structs import Reference
from streams.contracts.times import DAY_MS, HOUR_MS, from_ms
from streams.customer import Customer, Places, apply, merge_customers, new_customer
from streams.customer.counters import count
from streams.customer.decay import faded
from streams.customer.orders import exact
from streams.decisions import compile_policy
from streams.feedback import credit

T0 = 1_770_000_000_000
Fact = tuple[PurchaseName, int, int]
NAMES: tuple[PurchaseName, ...] = (
    "order_completed",
    "order_updated",
    "order_refunded",
    "order_cancelled",
)
END = T0 + 40 * DAY_MS

POLICY = compile_policy(Reference())
cents = st.integers(-2_000, 20_000)
facts = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 60), cents),
    max_size=5,
    unique_by=lambda fact: fact[:2],
)


def event(
    number: int, name: PurchaseName, hour: int, amount: int, order_id: str = "o-1"
) -> Purchase:
    """One thing that is said of an order."""
    return Purchase(
        event_id=f"{order_id}-{number}",
        event_name=name,
        occurred_at=from_ms(T0 + hour * HOUR_MS),
        identity=Identity(customer_id="c-1"),
        channel="web",
        order_id=order_id,
        total=Money(amount=f"{amount / 100:.2f}", currency="EUR"),
        items=(),
    )


def run(events: list[Purchase]) -> tuple[Customer, dict[str, float]]:
    """The person after these events in this order of arrival, and what the metrics add up to."""
    person, sums = new_customer("c-1", T0 - DAY_MS), {"orders": 0.0, "amount": 0.0, "margin": 0.0}
    for told in events:
        applied = apply(person, told, Places())
        person = applied.person
        if applied.ignored:
            continue
        person, effects = credit(person, told, applied.at_ms, POLICY, applied.sale)
        for effect in effects:
            assert isinstance(effect, PurchaseSeen)
            sums["orders"] += effect.is_new
            sums["amount"] = exact(sums["amount"] + effect.amount)
            sums["margin"] = exact(sums["margin"] + effect.margin)
    return person, sums


def summary(person: Customer) -> dict[str, Any]:
    """What of a row orders make, with sums that fade as they are at the end."""
    spend, rhythm = person.spend, person.rhythm
    known: dict[str, Any] = {
        "orders": person.orders,
        "loose": sorted(person.loose_orders, key=lambda o: o.order_id),
        "digests": person.order_digests,
        "counts": {
            name: count(person.counters.get(name), END, 365 * DAY_MS)
            for name in ("orders", "refunds")
        },
    }
    if spend is not None:
        month = faded(spend.month, END - spend.at_ms, 30 * DAY_MS)
        known["spend"] = (spend.total, spend.orders, spend.refunds, spend.discount_total)
        known["fading"] = round(month, 6) + 0.0
    if rhythm is not None:
        known["rhythm"] = [
            round(getattr(rhythm, name), 6) + 0.0 for name in rhythm.__struct_fields__
        ]
    return known


@settings(deadline=None)
@given(facts, st.randoms(use_true_random=False))
def test_all_permutations_and_repetitions_give_the_same(said: list[Fact], random: Any) -> None:
    """The row's part of an order and the sums of the metrics do not depend on arrival."""
    events = [event(n, *fact) for n, fact in enumerate(said)]
    person, sums = run(events)
    for arrival in itertools.islice(itertools.permutations(events), 24):
        again = [*arrival, *(random.choice(events) for _ in events)]
        other, other_sums = run(again)
        assert summary(other) == summary(person)
        assert other_sums == pytest.approx(sums)


@given(facts)
def test_the_net_amount_is_what_the_newest_facts_say(said: list[Fact]) -> None:
    """The newest total, less what came back, at least zero; nothing before it is completed."""
    person, sums = run([event(n, *fact) for n, fact in enumerate(said)])
    bought = [f for f in said if f[0] == NAMES[0] and f[2] > 0]
    totals = [
        (f[1], f[0] == NAMES[1], max(f[2], 0)) for f in said if f in bought or f[0] == NAMES[1]
    ]
    back = sum(abs(f[2]) for f in said if f[0] == NAMES[2] or (f[0] == NAMES[0] and f[2] < 0))
    net = max(max(totals)[-1] - back, 0) if bought else 0
    if any(f[0] == NAMES[3] for f in said):
        net = 0
    assert sums["amount"] == net / 100
    assert sums["orders"] == bool(bought)
    assert (person.spend.total if person.spend else 0.0) == net / 100
    assert all(0.0 <= o.refunded <= o.amount for o in person.orders)


@settings(deadline=None, max_examples=50)
@given(facts, st.lists(st.booleans(), min_size=5, max_size=5))
def test_two_rows_that_heard_different_events_merge_to_the_same(
    said: list[Fact], sides: list[bool]
) -> None:
    """Whatever part of an order's events came before the login, the merged row's sum is right."""
    events = [event(n, *fact) for n, fact in enumerate(said)]
    whole, _ = run(events)
    mine = [e for e, side in zip(events, sides, strict=False) if side]
    theirs = [e for e, side in zip(events, sides, strict=False) if not side]
    merged = merge_customers(run(mine)[0], run(theirs)[0], END)
    back = any(e.event_name in NAMES[2:] or e.total.value < 0 for e in events)
    assert len(merged.orders) == len(whole.orders)
    if merged.spend is not None and whole.spend is not None:
        assert merged.spend.orders == whole.spend.orders
        if not back:
            assert merged.spend.total == whole.spend.total


def test_an_order_counts_once_for_as_long_as_the_row_counts() -> None:
    """Four hundred orders, each told again at the end: nothing changes."""
    events = [event(1, NAMES[0], 24 * n // 10, 1_000, f"o-{n}") for n in range(400)]
    person, sums = run(events)
    again, more = run([*events, *(event(2, NAMES[0], 2_000, 1_000, f"o-{n}") for n in range(400))])
    assert sums == more == {"orders": 400.0, "amount": 4_000.0, "margin": 1_200.0}
    assert person.spend is not None
    assert again.spend is not None
    assert again.spend.orders == person.spend.orders == 400
    assert again.spend.total == 4_000.0
