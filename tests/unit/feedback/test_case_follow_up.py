"""What became of a case: told and learned when its horizon is over, never sooner."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams.contracts.ids import lot
from streams.contracts.outputs.effects import AlertRaised, CaseFollowed, Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert
from streams.contracts.reference.structs import ChurnDefinition, Policies
from streams.contracts.times import DAY_MS, WEEK_MS, from_ms, monday_week
from streams.customer.merge import merge_customers
from streams.customer.row import FOLLOWED_MAX, Consent, Customer, Order, due_at_ms
from streams.feedback import follow_cases, make_room, tell_outcomes
from tests.support.decisions_open import T0, person
from tests.support.told import warned

POLICIES = Policies(churn=ChurnDefinition(horizon_ticks=4))
OVER = T0 + 4 * WEEK_MS
T0_WEEK = float(monday_week(T0))


def alert(number: int = 0, at_ms: int = T0, **fields: Any) -> AlertRaised:
    """The alert that enters case `case-<number>`, ten days after the last purchase."""
    told = warned(0, f"a-{number}", case_id=f"case-{number}", **fields)
    made = msgspec.convert(told | {"days_since_last_purchase": 10.0}, ChurnAlert)
    return AlertRaised(replace(made, raised_at=from_ms(at_ms)))


def followed(**fields: Any) -> Customer:
    """Somebody whose case was entered at T0."""
    row, said = follow_cases(person(**fields), (alert(),), POLICIES)
    assert said == ()
    return row


def bought(row: Customer, at_ms: int, **fields: Any) -> Customer:
    """The person after one more order."""
    order = Order(f"o-{at_ms}", at_ms, 50.0, "web", **fields)
    return replace(row, orders=(*row.orders, order))


def outcomes(effects: tuple[Effect, ...]) -> list[CaseOutcome]:
    """What was told of cases."""
    return [e.outcome for e in effects if isinstance(e, CaseFollowed)]


def learned(effects: tuple[Effect, ...]) -> list[tuple[float, dict[str, float]]]:
    """Label and features of what was learned of cases."""
    return [
        (e.example.label, e.example.features)
        for e in effects
        if isinstance(e, OutcomeLabeled) and e.example.model == "save_rates"
    ]


def test_a_case_is_due_when_its_horizon_is_over() -> None:
    """It wakes the row exactly then, and nothing is left after."""
    row = followed()
    assert due_at_ms(row) == OVER
    assert tell_outcomes(row, OVER - 1, POLICIES) == (row, ())
    row, effects = tell_outcomes(row, OVER, POLICIES)
    assert len(outcomes(effects)) == 1
    assert row.churn.followed == ()
    assert due_at_ms(row) is None


def test_nobody_bought_so_the_alert_came_true() -> None:
    """What the alert said stands beside what came; ten of 28 days were gone by then."""
    _, effects = tell_outcomes(followed(), OVER, POLICIES)
    (told,) = outcomes(effects)
    assert (told.case_id, told.customer_id, told.result) == ("case-0", "c-1", "left")
    assert (told.arm, told.risk_band, told.risk) == ("treated", "high", 0.8)
    assert (told.horizon_days, told.lead_days, told.days_to_purchase) == (28.0, 18.0, None)
    assert (told.entered_at, told.known_at) == (from_ms(T0), from_ms(OVER))
    at_stake = 0.8 * float(told.value_at_risk.amount)
    listed = {"at_stake": at_stake, "week": T0_WEEK, "lot": float(lot("case-0"))}
    assert learned(effects) == [
        (0.0, {"treated": 1.0, "risk": 0.8, "band_high": 1.0, "stance_open": 1.0, **listed})
    ]


def test_a_purchase_is_told_when_the_horizon_is_over_not_before() -> None:
    """The first order counts, however many follow; label 1 is learned at the end."""
    row = bought(bought(followed(), T0 + 3 * DAY_MS), T0 + 9 * DAY_MS)
    assert tell_outcomes(row, T0 + 10 * DAY_MS, POLICIES)[1] == ()
    _, effects = tell_outcomes(row, OVER, POLICIES)
    (told,) = outcomes(effects)
    assert (told.result, told.days_to_purchase) == ("bought", 3.0)
    assert [label for label, _ in learned(effects)] == [1.0]


@pytest.mark.parametrize(
    "row",
    [
        bought(followed(), T0 - 1),
        bought(followed(), OVER + 1),
        bought(followed(), T0 + DAY_MS, cancelled=True),
        bought(followed(), T0 + DAY_MS, refunded=50.0),
    ],
    ids=["before the case", "after the horizon", "cancelled", "given back"],
)
def test_what_is_no_purchase_of_the_horizon(row: Customer) -> None:
    """Orders outside of it, and orders that do not stand, change nothing."""
    (told,) = outcomes(tell_outcomes(row, OVER, POLICIES)[1])
    assert told.result == "left"


def test_part_of_an_order_that_stays_is_a_purchase() -> None:
    """Given back in part is bought all the same."""
    row = bought(followed(), T0 + DAY_MS, refunded=20.0)
    assert outcomes(tell_outcomes(row, OVER, POLICIES)[1])[0].result == "bought"


def test_without_consent_to_training_it_is_told_and_not_learned() -> None:
    """`case-outcomes` has it, the learner has not."""
    _, effects = tell_outcomes(followed(training="denied"), OVER, POLICIES)
    assert len(outcomes(effects)) == 1
    assert learned(effects) == []


@pytest.mark.parametrize("training", ["granted", "denied"])
def test_the_stance_at_the_opening_is_learned_from_with_consent_alone(training: str) -> None:
    """What is refused later changes nothing; without consent nothing is remembered."""
    row = followed(training=training)
    assert row.churn.followed[0].stance == ("open" if training == "granted" else None)
    refused = {**row.consents, "marketing_email": Consent("denied", T0 + DAY_MS)}
    _, effects = tell_outcomes(replace(row, consents=refused), OVER, POLICIES)
    told = [set(features) for _, features in learned(effects)]
    named = {"treated", "risk", "band_high", "stance_open", "at_stake", "week", "lot"}
    assert told == ([named] * (training == "granted"))


def test_a_control_is_told_from_a_treated_case() -> None:
    """By the arm of the alert."""
    arm = {"id": "e", "arm": "control", "holdout": True}
    row, _ = follow_cases(person(), (alert(experiment=arm),), POLICIES)
    _, effects = tell_outcomes(row, OVER, POLICIES)
    assert outcomes(effects)[0].arm == "control"
    assert learned(effects)[0][1]["treated"] == 0.0


def test_only_what_enters_is_followed() -> None:
    """A case that grows, eases or ends is followed since it was entered."""
    for transition in ("escalated", "deescalated", "resolved"):
        row = person()
        assert follow_cases(row, (alert(transition=transition),), POLICIES) == (row, ())


def test_the_oldest_case_goes_where_there_is_no_room_and_it_is_said() -> None:
    """Four are followed at once; the fifth pushes out the first, of which nothing is learned."""
    row: Customer = person()
    effects: tuple[Effect, ...] = ()
    for number in range(FOLLOWED_MAX + 1):
        assert effects == ()
        row, effects = follow_cases(row, (alert(number, T0 + number * DAY_MS),), POLICIES)
    assert [(o.case_id, o.result) for o in outcomes(effects)] == [("case-0", "not_followed")]
    assert learned(effects) == []
    assert [c.case_id for c in row.churn.followed] == [f"case-{n}" for n in range(1, 5)]


def test_cases_of_two_people_who_become_one_are_all_followed() -> None:
    """By the end of their horizon, each once; what has no room is said under the id that stays."""
    mine, theirs = person(), replace(person(), customer_id="a-1")
    for number in range(3):
        mine, _ = follow_cases(mine, (alert(2 * number, T0 + 2 * number),), POLICIES)
        theirs, _ = follow_cases(theirs, (alert(2 * number + 1, T0 + 2 * number + 1),), POLICIES)
    merged = merge_customers(mine, theirs, T0 + 9)
    assert [c.case_id for c in merged.churn.followed] == [f"case-{n}" for n in range(6)]
    merged, effects = make_room(merged, T0 + 9, POLICIES)
    gone = outcomes(effects)
    assert [(o.case_id, o.customer_id) for o in gone] == [("case-0", "c-1"), ("case-1", "c-1")]
    assert make_room(merged, T0 + 9, POLICIES) == (merged, ())
    assert due_at_ms(merged) == OVER + 2
