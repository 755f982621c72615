"""A case at any scores, signals and purchases: what is stated belongs together."""

from itertools import pairwise
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.alerts.lifts import LIFT_MAX
from streams.contracts.chances import percent_reached
from streams.contracts.outputs.effects import AlertRaised
from streams.contracts.outputs.payloads import ChurnAlert, ChurnSignalCode
from streams.contracts.times import DAY_MS
from streams.customer.row import Order, SeenSignal
from tests.unit.alerts.test_life_cycle import POLICY, Score, _buyer, evaluated
from tests.unit.decisions.people import T0

RANK = {"low": 0, "medium": 1, "high": 2}
STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 1.0),
        st.booleans(),
        st.sampled_from(("", "", "bought", "cancelled", *get_args(ChurnSignalCode))),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=20,
)


def lived(steps: list[tuple[float, bool, str, int]]) -> list[ChurnAlert]:
    """The alerts of a person: score, carried, what happened, and how many days passed."""
    person, now_ms, alerts = _buyer(), T0, list[ChurnAlert]()
    for n, (risk, carried, happened, days) in enumerate(steps):
        now_ms += days * DAY_MS
        if happened in ("bought", "cancelled"):
            order = Order(f"n-{n}", now_ms, 50.0, "web", cancelled=happened == "cancelled")
            person = replace(person, orders=(*person.orders, order))
        elif happened:
            others = tuple(s for s in person.signals if s.code != happened)
            seen = SeenSignal(happened, 0.9, now_ms, (f"e-{n}",))  # type: ignore[arg-type]
            person = replace(person, signals=(*others, seen))
        score = Score(risk, carried=carried)
        person, effects, _ = evaluated(person, score, now_ms, f"e-{n}")
        alerts += [e.alert for e in effects if isinstance(e, AlertRaised)]
    return alerts


@given(STEPS)
def test_the_band_is_a_function_of_the_stated_risk(
    steps: list[tuple[float, bool, str, int]],
) -> None:
    """Never "Risk 36 %" as high beside "54 %" as medium, and the words say the same number."""
    for alert in lived(steps):
        assert alert.risk is not None
        reached = [b.name for b in POLICY.policies.churn.bands if alert.risk >= b.from_risk]
        assert alert.risk_band == (reached[-1] if reached else "low")
        said = percent_reached(alert.risk)
        assert f"Risk {said} of" in alert.text["en"]
        assert _band_of(said) == alert.risk_band


def _band_of(said: str) -> str:
    """The band that a reader takes the number for; bands of this policy begin at whole percents."""
    share = 0.0 if said.startswith("<") else int(said.removesuffix("%")) / 100
    reached = [b.name for b in POLICY.policies.churn.bands if share >= b.from_risk]
    return reached[-1] if reached else "low"


@given(STEPS)
def test_signals_only_ever_raise_the_risk_and_within_a_limit(
    steps: list[tuple[float, bool, str, int]],
) -> None:
    """The odds stated are at least the model's, and at most `LIFT_MAX` times those."""
    for alert in lived(steps):
        assert alert.risk is not None
        assert alert.score is not None
        if 0.001 < alert.score < 0.999:
            times = alert.risk / (1 - alert.risk) * (1 - alert.score) / alert.score
            assert 0.99 <= times <= LIFT_MAX * 1.01


@given(STEPS)
def test_a_case_moves_as_its_transitions_say(steps: list[tuple[float, bool, str, int]]) -> None:
    """Entered first and once, up, down, resolved with a code; down only to a lower risk."""
    alerts = lived(steps)
    for before, after in pairwise(alerts):
        goes_on = before.case_id == after.case_id
        assert goes_on is (before.transition != "resolved")
        assert goes_on is (after.transition != "entered")
        if goes_on:
            assert after.previous_band == before.risk_band
    for alert in alerts:
        assert (alert.resolved_by is not None) is (alert.transition == "resolved")
        step = RANK[alert.risk_band] - RANK[alert.previous_band or "low"]
        if alert.transition in ("entered", "escalated"):
            assert step > 0
            assert alert.days_since_last_purchase is None or alert.days_since_last_purchase >= 1
        if alert.transition == "deescalated":
            assert step < 0


def test_a_risk_just_below_a_band_is_not_told_as_that_band() -> None:
    """By rounding, .7499 of the medium band would read as 75 %, which is high."""
    alerts = [a for a in lived([(0.7499, True, "", 30)] * 2) if a.risk == 0.7499]
    assert [(a.risk_band, a.text["en"][:8]) for a in alerts] == [("medium", "Risk 74%")]
