"""The judge of churn alerts counts as a person would by hand, and plays a world to its end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from benchmarks.churn_figures import figures
from benchmarks.churn_play import Case, Moment, Play
from benchmarks.churn_worlds import main
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import ContactEffect, OfferEffect, PersonTruth
from streams.simulator.worlds.truth import NEVER_MS, PlannedOrder


def day(n: float) -> int:
    """Milliseconds of a day of the play."""
    return round(n * DAY_MS)


def person(customer_id: str, days: tuple[int, ...], leaves: int | None = None) -> PersonTruth:
    """Somebody who buys every ten days, on these days."""
    orders = tuple(
        PlannedOrder(at_ms=day(d), amount=10.0, department=0, in_store=False, organic=n)
        for n, d in enumerate(days)
    )
    leaves_ms = NEVER_MS if leaves is None else day(leaves)
    return PersonTruth(
        customer_id=customer_id,
        contact_type="sure",
        one_time=False,
        gap_days=10.0,
        leaves_ms=leaves_ms,
        organic_leaves_ms=leaves_ms,
        drifts_ms=None,
        drift_factor=1.0,
        silences=(),
        incidents=(),
        orders=orders,
        organic_orders=orders,
        margin=0.0,
        organic_margin=0.0,
    )


STAYS = person("stays", (5, 15, 25, 60, 70, 80, 90))
LEAVES = person("leaves", (5, 15, 25), leaves=30)
COUPON = OfferEffect(
    decision_id="d",
    customer_id="leaves",
    offer_id="o",
    arm="policy",
    at_ms=0,
    did="discounted",
    margin=-3.0,
    contact_cost=0.01,
)
"""Three of margin given away to who would have bought, .01 to send."""
LATE = person("late", (5, 15, 25, 35, 45, 55, 65, 75, 85), leaves=90)


def moment(who: PersonTruth, at: float, risk: float = 0.7) -> Moment:
    """What was true of them on this day."""
    made = [o.at_ms for o in who.orders if o.at_ms <= day(at)]
    return Moment(
        customer_id=who.customer_id,
        at_ms=day(at),
        risk=risk,
        gap_ms=day(10),
        last_ms=made[-1],
        orders=len(made),
        leaves_ms=who.leaves_ms,
        buys_ms=next((o.at_ms for o in who.orders if o.at_ms > day(at)), None),
    )


def case(who: PersonTruth, at: float, risk: float = 0.7) -> Case:
    """A case that was entered on this day."""
    return Case(
        moment=moment(who, at, risk),
        case_id=f"{who.customer_id}-{at}",
        band="medium",
        treated=True,
        signal=False,
        cold=False,
        silent=False,
        drifted=False,
    )


def effect(who: PersonTruth, margin: float) -> ContactEffect:
    """A contact that changed the margin by so much."""
    return ContactEffect(
        case_id="c",
        customer_id=who.customer_id,
        contact_type="sure",
        at_ms=0,
        did="nothing",
        leaves_before_ms=0,
        leaves_after_ms=0,
        margin=margin,
        margin_later=2.0,
    )


def play(*cases: Case) -> Play:
    """A hundred days of three people; own data from day 20 on, a horizon of twenty days."""
    return Play(
        kind="grocery",
        seed=1,
        currency="EUR",
        contact_cost=0.5,
        start_ms=0,
        end_ms=day(100),
        own_ms=day(20),
        horizon_ms=day(20),
        records=10,
        decisions=1,
        cpu_s=0.0,
        cases=cases,
        samples=tuple(c.moment for c in cases),
        people=(STAYS, LEAVES, LATE),
        contacts=(),
        offers=(),
    )


def test_precision_recall_and_lag_are_those_of_a_count_by_hand() -> None:
    """One true alert five days after leaving, one false; the third left too late to be found."""
    told = figures([play(case(LEAVES, 35), case(STAYS, 45))])
    assert (told.leavers, told.leavers_findable) == (2, 1)
    assert told.alerts.alerts == 2
    assert told.alerts.alerts_per_leaver == 1.0
    assert told.alerts.precision == 0.5
    assert told.alerts.recall == 1.0
    assert told.alerts.lag_gaps == 0.5


def test_an_alert_is_true_up_to_a_horizon_before_leaving() -> None:
    """Twenty days ahead are true, twenty-one are false."""
    assert figures([play(case(LATE, 70))]).alerts.precision == 1.0
    assert figures([play(case(LATE, 69))]).alerts.precision == 0.0


def test_the_rule_of_thumb_alerts_once_a_silence_from_own_data_on() -> None:
    """Silent for more than two gaps: the two who left, and one long gap of who stays."""
    told = {point.threshold: point for point in figures([play(case(LEAVES, 35))]).rule}
    assert told[2.0].alerts == 2
    assert told[2.0].precision == 0.5
    assert told[2.0].lag_gaps == 1.5
    assert told[4.0].alerts == 1
    assert told[4.0].precision == 1.0
    early = figures([replace(play(case(LEAVES, 35)), own_ms=day(50))])
    assert {p.threshold: p.lag_gaps for p in early.rule}[2.0] == 2.0


def test_the_rule_is_compared_with_one_look_and_with_a_risk_that_stands() -> None:
    """A risk near the edge warns after a week; of who was never scored no rule says anything."""
    told = figures([play(case(STAYS, 45, 0.5), case(LEAVES, 35, 0.5), case(LEAVES, 43, 0.5))])
    assert (told.scored, len(told.compared.points)) == (2, 8)
    one = {p.gaps: p for p in told.compared.points}[2.0]
    assert (one.recall, one.rule_precision) == (1.0, 0.5)
    assert (one.risk_precision, one.looks_precision) == (0.5, 1.0)
    assert told.compared.beaten_by_looks > told.compared.beaten_by_risk
    late = {p.gaps: p for p in told.compared_in_horizon.points}
    assert 1.5 in late
    assert 2.0 not in late, "a silence of a whole horizon has nothing left to foretell"
    nobody = replace(play(case(LEAVES, 35, 0.7)), samples=())
    assert figures([nobody]).scored == 0
    assert (figures([nobody]).recall_of_scored, told.recall_of_scored) == (None, 1.0)


def test_false_alerts_have_a_cause_each() -> None:
    """On the day of a purchase, before own data, by chance; none of a true one."""
    told = figures([play(case(STAYS, 25.5), case(STAYS, 17), case(STAYS, 45), case(LEAVES, 35))])
    assert told.false_by_cause == {
        "on the day of a purchase": 1,
        "before own data": 1,
        "a long gap by chance": 1,
    }
    assert (told.on_purchase_day, told.before_own_data) == (1, 1)


def test_stated_risks_stand_beside_what_came() -> None:
    """Of two cases at .7 and .5 one bought nothing for twenty days."""
    (band,) = figures([play(case(LEAVES, 35, 0.7), case(STAYS, 45, 0.5))]).bands
    assert (band.cases, band.came) == (2, 0.5)
    assert band.stated == pytest.approx(0.6)
    # Each is .4 from the mean distance of .1: the square root of their squares, by two.
    assert band.error == pytest.approx(0.4 / 2**0.5)


def test_looks_before_own_data_are_told_apart_and_a_person_counts_once() -> None:
    """Two looks at one person have the error of one."""
    look = case(STAYS, 45, 0.5).moment
    known = case(LEAVES, 35, 0.7).moment
    told = figures([replace(play(), samples=(replace(look, carried=False), look, known, known))])
    apart = {row.band: (row.cases, row.stated, row.came) for row in told.risks}
    assert apart == {
        "0.4 to 0.6": (1, 0.5, 0.0),
        "0.4 to 0.6, before own data": (1, 0.5, 0.0),
        "0.6 to 0.8": (2, pytest.approx(0.7), 1.0),
    }


def test_saved_margin_is_less_the_cost_of_contacts() -> None:
    """Two contacts that saved 10 and nothing, at .5 each."""
    told = figures([replace(play(), contacts=(effect(LEAVES, 10.0), effect(STAYS, 0.0)))])
    assert told.saved_a_case.value == 4.5
    assert told.saved_less_cost == 9.0
    assert told.saved_a_case_with_later.value == 6.5
    assert told.saved_a_case.low <= 4.5 <= told.saved_a_case.high


def test_where_an_offer_is_the_contact_its_coupon_and_its_cost_count() -> None:
    """A contact that saved 10 by a coupon which cost 3 of margin, and .01 to send."""
    sent = replace(effect(LEAVES, 10.0), action="offer", decision_id="d")
    told = figures([replace(play(), contacts=(sent,), offers=(COUPON,))])
    assert told.saved_a_case.value == pytest.approx(6.99)
    assert told.saved_less_cost == pytest.approx(6.99)
    assert told.contacted_by_action == {"offer": 1}


def test_who_is_better_left_alone_is_counted_while_they_are_there() -> None:
    """A sleeping dog of whom two were alerted about, once before and once after leaving."""
    dog = replace(LEAVES, contact_type="sleeping_dog")
    woken = replace(effect(dog, 0.0), contact_type="sleeping_dog", leaves_before_ms=day(30))
    settled = replace(woken, action="service_recovery")
    played = replace(play(case(dog, 29), case(dog, 35)), people=(STAYS, dog, LATE))
    told = figures([replace(played, contacts=(woken, settled))])
    alone = told.left_alone
    assert (alone.alerts, alone.asleep) == (2, 1)
    assert (alone.contacts, alone.contacts_asleep) == (1, 1)
    assert (alone.by_risk, alone.by_risk_asleep) == (1, 1)
    assert (alone.people, alone.people_asleep) == (3, 1)


def test_the_command_plays_worlds_and_writes_the_figures(tmp_path: Path) -> None:
    """A small world of one kind, as a table and as JSON."""
    file = tmp_path / "figures.json"
    arguments = ["--kinds", "wholesaler", "--seeds", "1", "--days", "60", "--customers", "12"]
    done = CliRunner().invoke(main, [*arguments, "--json", str(file)])
    assert done.exit_code == 0, done.output
    (told,) = json.loads(file.read_text(encoding="utf-8"))
    assert told["kind"] == "wholesaler"
    assert told["people"] == 12
    assert told["events"] > 100
