"""A risk near the edge opens a case once it has stood in one silence, and in any shop it can."""

from typing import Literal

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.outputs.effects import AlertRaised
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, HOUR_MS, WEEK_MS
from streams.customer import Customer, merge_customers, new_customer
from streams.customer.row import Churn, Order
from streams.decisions import Policy
from tests.unit.alerts.test_life_cycle import POLICY, Score, _buyer, bought_on, evaluated
from tests.unit.decisions.people import T0, offer, shop

BOUGHT_MS = T0 - DAY_MS
FRESH = Churn(next_tick_ms=T0 + WEEK_MS)
LOOKS = st.lists(
    st.tuples(st.floats(0.4, 0.59), st.booleans(), st.integers(2, 9)), min_size=1, max_size=20
)


def entered(
    person: Customer, risk: float, now_ms: int, policy: Policy = POLICY
) -> tuple[Customer, bool]:
    """The person after a look, and whether it opened a case."""
    person, effects, _ = evaluated(person, Score(risk), now_ms, "", policy)
    said = [e.alert.transition for e in effects if isinstance(e, AlertRaised)]
    return person, "entered" in said


@given(st.sampled_from(("day", "week")), st.integers(1, 20), st.integers(24, 7 * 24))
def test_a_risk_that_stands_opens_a_case_before_the_person_is_lost_in_any_shop(
    tick: Literal["day", "week"], horizon_ticks: int, first_hours: int
) -> None:
    """Also where a horizon is a week, which is over before a risk has stood for 8 days."""
    definition = ChurnDefinition(
        tick=tick, horizon_ticks=horizon_ticks, control_share=0.0, contact_cost=0.0
    )
    assume(first_hours * HOUR_MS < max(definition.tick_ms, 2 * DAY_MS))
    policy, person = shop(offer("a"), churn=definition), _buyer(churn=FRESH)
    silent_ms, opened = first_hours * HOUR_MS, False
    assume(silent_ms <= definition.horizon_ms)
    while silent_ms <= definition.horizon_ms and not opened:
        person, opened = entered(person, 0.55, BOUGHT_MS + silent_ms, policy)
        silent_ms += definition.tick_ms
    assert opened


@given(LOOKS)
def test_it_has_stood_at_each_look_of_one_silence(looks: list[tuple[float, bool, int]]) -> None:
    """Also where the purchase between is that of another row, which became one with this."""
    person, now_ms, since_ms = _buyer(churn=FRESH), T0, None
    for n, (risk, merges, days) in enumerate(looks):
        now_ms += days * DAY_MS
        if merges:
            order = Order(f"n-{n}", now_ms - DAY_MS, 50.0, "web")
            other = replace(new_customer(f"a-{n}", T0), orders=(order,), rhythm=bought_on(1))
            person, since_ms = merge_customers(person, other, now_ms), None
        since_ms = None if risk < 0.45 else now_ms if since_ms is None else since_ms
        person, opened = entered(person, risk, now_ms)
        stood = since_ms is not None and now_ms - since_ms >= 8 * DAY_MS and risk >= 0.5
        assert opened == stood
        if opened:
            return
