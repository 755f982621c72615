"""Who has bought on one day only is a new customer: no churn case, and never at risk."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from streams.alerts import Scoring, assess
from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import Purchase, PurchaseName
from streams.contracts.outputs.effects import AlertRaised
from streams.contracts.times import DAY_MS, HOUR_MS, WEEK_MS, from_ms
from streams.customer import Customer, Places, apply, merge_customers
from streams.customer.row import Churn, SeenSignal
from tests.unit.alerts.test_life_cycle import POLICY, Score
from tests.unit.decisions.people import T0, someone

MIDNIGHT = T0 - T0 % DAY_MS
ZONES = {"UTC": 0, "Asia/Tokyo": 9 * HOUR_MS}


class Told(Struct, frozen=True):
    """One thing that is said of an order: to which of two people, and how long after midnight."""

    name: PurchaseName
    order: int
    on_day_ms: int
    cents: int
    to: int


NAMES: tuple[PurchaseName, ...] = (
    "order_completed",
    "order_updated",
    "order_cancelled",
    "order_refunded",
)
TOLD = st.builds(
    Told,
    name=st.sampled_from(NAMES),
    order=st.integers(0, 3),
    on_day_ms=st.integers(0, DAY_MS - 1),
    cents=st.integers(1, 9_000),
    to=st.integers(0, 1),
)
LIVES = st.lists(TOLD, min_size=1, max_size=10)


def event(number: int, told: Told, midnight_ms: int) -> Purchase:
    """What the shop sends; what undoes an order may come days later."""
    undoes = told.name in ("order_cancelled", "order_refunded")
    return Purchase(
        event_id=f"e-{number}",
        event_name=told.name,
        occurred_at=from_ms(midnight_ms + told.on_day_ms + undoes * 3 * DAY_MS),
        identity=Identity(customer_id=f"c-{told.to + 1}"),
        channel="web",
        order_id=f"o-{told.order}",
        total=Money(amount=f"{told.cents / 100:.2f}", currency="EUR"),
        items=(),
    )


def one_person(life: list[Told], zone: str, linked_at: int) -> Customer:
    """The person after all was told; the two rows become one after `linked_at` events."""
    kept: dict[str, Any] = {"timezone": zone, "created_at_ms": MIDNIGHT - 90 * DAY_MS}
    rows = [someone(**kept), replace(someone(**kept), customer_id="c-2")]
    midnight_ms = MIDNIGHT - ZONES[zone]
    for number, told in enumerate(life):
        if number == linked_at:
            rows = [merge_customers(rows[0], rows[1], midnight_ms)]
        to = min(told.to, len(rows) - 1)
        rows[to] = apply(rows[to], event(number, told, midnight_ms), Places()).person
    return rows[0] if len(rows) == 1 else merge_customers(rows[0], rows[1], midnight_ms)


def stages(person: Customer) -> tuple[list[str | None], list[str]]:
    """Stage and alerts at the weekly looks, with a score and a signal as high as can be."""
    told = replace(
        person,
        signals=(SeenSignal("cancel_page", 1.0, MIDNIGHT + 4 * DAY_MS, ("e-9",)),),
        churn=replace(person.churn, next_tick_ms=MIDNIGHT + WEEK_MS),
    )
    found, alerts = list[str | None](), list[str]()
    for week in range(1, 5):
        scoring = Scoring(Score(0.95), MIDNIGHT + week * WEEK_MS, "", "v1")
        told, effects, _ = assess(told, scoring, POLICY.policies)
        found.append(told.churn.stage)
        alerts += [e.alert.transition for e in effects if isinstance(e, AlertRaised)]
    return found, alerts


@settings(max_examples=300, deadline=None)
@given(LIVES, st.sampled_from(sorted(ZONES)), st.integers(0, 10))
def test_purchases_of_one_day_never_open_a_case(
    life: list[Told], zone: str, linked_at: int
) -> None:
    """However many orders, in whatever order told, given back, and of whom who became one."""
    person = one_person(life, zone, linked_at)
    assert person.churn == Churn()
    assert stages(person) == (["new"] * 4, [])


def test_a_purchase_on_another_day_makes_a_customer_whose_case_opens() -> None:
    """So the looks above can open one: the same with one order a day later."""
    today = Told("order_completed", 0, HOUR_MS, 500, 0)
    later = Told("order_completed", 1, DAY_MS + HOUR_MS, 500, 1)
    found, alerts = stages(one_person([today, later], "UTC", 9))
    assert (found[0], alerts[:1]) == ("at_risk", ["entered"])
