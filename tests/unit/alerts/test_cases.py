"""What opens a case, moves it once, and ends it: purchases, signals, own data, the CRM."""

import pytest
from msgspec import Struct
from msgspec.structs import replace

from streams.alerts import Scoring, assess, hear_outcome
from streams.alerts.wording import LITTLE_DATA
from streams.contracts.inputs.events import Profile, RetentionOutcome
from streams.contracts.outputs.effects import AlertRaised, Effect
from streams.contracts.outputs.payloads import ChurnAlert
from streams.contracts.times import DAY_MS, WEEK_MS, from_ms
from streams.customer import Customer
from streams.customer.row import Churn, Order, SeenSignal
from tests.unit.alerts.test_life_cycle import COMMON, POLICY, Score, _buyer, evaluated
from tests.unit.decisions.people import T0

CANCEL = SeenSignal("cancel_page", 0.9, T0, ("e-9",))
JUST = Order("o-2", T0 - DAY_MS // 2, 50.0, "web")


def alerts_of(effects: tuple[Effect, ...]) -> list[ChurnAlert]:
    """The alerts among the effects."""
    return [e.alert for e in effects if isinstance(e, AlertRaised)]


def opened(risk: float = 0.6) -> Customer:
    """Somebody whose case opened at T0, when the risk had stood for two weeks."""
    before = _buyer(
        churn=Churn(next_tick_ms=T0 + WEEK_MS, near_since_ms=T0 - 2 * WEEK_MS),
        orders=(Order("o-1", T0 - 3 * WEEK_MS, 50.0, "web"),),
    )
    person, effects, _ = evaluated(before, Score(risk), T0, "")
    assert [a.transition for a in alerts_of(effects)] == ["entered"]
    return person


def test_a_purchase_opens_no_case_however_high_the_risk() -> None:
    """On the day of a purchase only what happened after it is a reason to act."""
    bought = _buyer(orders=(JUST,))
    _, effects, _ = evaluated(bought, Score(0.9), T0, "e-1")
    assert alerts_of(effects) == []
    _, effects, _ = evaluated(replace(bought, signals=(CANCEL,)), Score(0.9), T0, "e-1")
    assert [a.transition for a in alerts_of(effects)] == ["entered"]
    answered = replace(CANCEL, at_ms=JUST.at_ms - 1)
    _, effects, _ = evaluated(replace(bought, signals=(answered,)), Score(0.9), T0, "e-1")
    assert alerts_of(effects) == []


def test_an_old_purchase_that_comes_late_moves_no_case() -> None:
    """It neither opens, raises nor eases one, whatever it makes of the risk; the next tick does."""

    def at_purchase(person: Customer, risk: float, *, purchased: bool) -> list[str]:
        scoring = Scoring(Score(risk), T0 + WEEK_MS, "e", "v1", purchased=purchased)
        _, effects, _ = assess(person, scoring, POLICY.policies)
        return [a.transition for a in alerts_of(effects)]

    strong = replace(_buyer(), signals=(CANCEL,))
    for person, risk, at_tick in (
        (strong, 0.6, "entered"),
        (_buyer(), 0.9, "entered"),
        (opened(0.6), 0.9, "escalated"),
        (opened(0.8), 0.5, "deescalated"),
    ):
        assert at_purchase(person, risk, purchased=False) == [at_tick]
        assert at_purchase(person, risk, purchased=True) == []
    bought = replace(opened(), orders=(Order("n", T0 + 1, 50.0, "web"),))
    assert at_purchase(bought, 0.6, purchased=True) == ["resolved"]


def test_a_signal_that_was_answered_by_a_purchase_no_longer_lifts() -> None:
    """Who has bought since the cancel page has answered it."""
    before = replace(CANCEL, at_ms=JUST.at_ms - 1)
    person = _buyer(orders=(JUST,), signals=(before,))
    _, effects, _ = evaluated(person, Score(0.6), T0 + DAY_MS, "")
    (alert,) = alerts_of(effects)
    assert (alert.risk, [s.lift for s in alert.signals]) == (0.6, [1.0])


@pytest.mark.parametrize(
    "undone",
    [
        Order("n", T0 + DAY_MS, 50.0, "web", cancelled=True),
        Order("n", T0 + DAY_MS, 50.0, "web", refunded=50.0),
    ],
    ids=["cancelled", "refunded"],
)
def test_an_order_that_was_given_back_resolves_nothing(undone: Order) -> None:
    """Neither as bought, nor because the silence looks short; a real order still does."""
    person = opened()
    person = replace(person, orders=(*person.orders, undone))
    person, effects, _ = evaluated(person, Score(0.1), T0 + DAY_MS, "e-2")
    assert alerts_of(effects) == []
    assert person.churn.case is not None
    real = Order("r", T0 + 2 * DAY_MS, 50.0, "web")
    person = replace(person, orders=(*person.orders, real))
    _, effects, _ = evaluated(person, Score(0.1), T0 + 2 * DAY_MS, "e-3")
    assert [a.resolved_by for a in alerts_of(effects)] == ["bought"]


def test_without_own_data_only_a_strong_signal_opens_a_case_and_it_says_so() -> None:
    """A score that is not carried alerts about nobody by itself."""
    score = Score(0.9, carried=False)
    weak = SeenSignal("low_nps", 0.5, T0, ("e-8",))
    for person in (_buyer(), _buyer(signals=(weak,))):
        assert alerts_of(evaluated(person, score, T0, "e")[1]) == []
    person, effects, _ = evaluated(_buyer(signals=(CANCEL,)), Score(0.4, carried=False), T0, "e")
    (alert,) = alerts_of(effects)
    assert LITTLE_DATA in alert.reason_codes
    assert alert.text["en"].endswith("too little data yet for a risk of its own")
    assert alerts_of(evaluated(person, score, T0 + WEEK_MS, "")[1]) == []


def test_nobody_is_alerted_about_before_their_next_purchase_is_due() -> None:
    """The score alone opens a case from the usual gap on; a strong signal at any time."""
    early = Score(0.9, overdue_ratio=0.9)
    assert alerts_of(evaluated(_buyer(), early, T0, "")[1]) == []
    assert alerts_of(evaluated(_buyer(signals=(CANCEL,)), early, T0, "")[1])


def test_halfway_to_habit_and_horizon_is_late() -> None:
    """Who buys more seldom than once a horizon would be lost to the shop before they are due."""
    half_ms = POLICY.policies.churn.horizon_ms // 2
    for silent_ms, overdue, transitions in (
        (half_ms - 1, 0.5, []),
        (half_ms, 0.4, []),
        (half_ms, 0.5, ["entered"]),
    ):
        person = _buyer(orders=(Order("o-1", T0 - silent_ms, 50.0, "web"),))
        _, effects, _ = evaluated(person, Score(0.6, overdue_ratio=overdue), T0, "")
        assert [a.transition for a in alerts_of(effects)] == transitions


LATER = SeenSignal("uninstall", 0.8, T0 + 4 * WEEK_MS, ("e-6",))


@pytest.mark.parametrize(
    ("risk", "new", "escalates"), [(0.6, (), []), (0.61, (), [1]), (0.6, (LATER,), [1])]
)
def test_one_signal_never_escalates_twice(
    risk: float, new: tuple[SeenSignal, ...], escalates: list[int]
) -> None:
    """After the case eased, it takes a score above all those before, or another signal."""
    person = opened(0.55)
    cancel = replace(CANCEL, at_ms=T0 + WEEK_MS)
    said = []
    steps = ((0.6, ()), (0.3, ()), (0.6, ()), (risk, new))
    for week, (score, more) in enumerate(steps, start=1):
        person = replace(person, signals=(cancel, *more))
        person, effects, _ = evaluated(person, Score(score), T0 + week * WEEK_MS, "")
        said.append([a.transition for a in alerts_of(effects)])
    assert said == [["escalated"], ["deescalated"], [], ["escalated"] * len(escalates)]


@pytest.mark.parametrize(
    ("score", "strength", "new", "escalates"),
    [
        (0.61, 0.9, (), False),
        (0.61, 0.1, (), False),
        (0.74, 0.9, (), True),
        (0.61, 0.9, (LATER,), True),
    ],
    ids=["the signal grew", "the score alone", "the score would do", "another signal"],
)
def test_a_signal_that_grows_is_no_news(
    score: float, strength: float, new: tuple[SeenSignal, ...], *, escalates: bool
) -> None:
    """Not by a score barely above: what has moved the case is held as it was then."""
    weak = replace(CANCEL, strength=0.1)
    before = _buyer(
        churn=Churn(next_tick_ms=T0 + WEEK_MS, near_since_ms=T0 - 2 * WEEK_MS), signals=(weak,)
    )
    person, _, _ = evaluated(before, Score(0.6), T0, "")
    assert person.churn.case is not None
    assert person.churn.case.spent == ("cancel_page",)
    grown = replace(CANCEL, strength=strength, at_ms=T0 + WEEK_MS)
    person = replace(person, signals=(grown, *new))
    _, effects, _ = evaluated(person, Score(score), T0 + WEEK_MS, "")
    assert [a.transition for a in alerts_of(effects)] == ["escalated"] * escalates


def test_a_case_does_not_ease_while_the_score_rises() -> None:
    """The signal that opened it fades, but the silence goes on: it stays as it is."""
    signals = (CANCEL,)
    person, _, _ = evaluated(_buyer(signals=signals), Score(0.3), T0, "e")
    assert person.churn.band == "medium"
    for week, risk, left in ((5, 0.31, True), (6, 0.32, True), (7, 0.32, False)):
        person, effects, _ = evaluated(person, Score(risk), T0 + week * WEEK_MS, "")
        assert (person.churn.case is not None) is left
    assert [a.resolved_by for a in alerts_of(effects)] == ["risk_fell"]


def test_a_case_does_not_ease_while_the_stated_risk_rises() -> None:
    """The score falls, but a new signal says more than that: well below the band is not enough."""
    person = opened(0.8)
    cancel = replace(CANCEL, at_ms=T0 + 2 * WEEK_MS)
    said = []
    for week, score, signals in ((1, 0.2, ()), (2, 0.19, (cancel,)), (3, 0.18, (cancel,))):
        if week == 1:  # a rise of the score keeps it open, far below its band
            person = replace(person, churn=replace(person.churn, risk=0.1))
        person = replace(person, signals=signals)
        person, effects, _ = evaluated(person, Score(score), T0 + week * WEEK_MS, "")
        said.append([(a.transition, a.risk) for a in alerts_of(effects)])
    assert [[t for t, _ in alerts] for alerts in said] == [[], [], ["resolved"]]


def outcome(alert_id: str, result: str) -> Profile:
    """What the CRM reports."""
    return Profile(
        event_name="retention_outcome",
        outcome=RetentionOutcome(alert_id=alert_id, result=result),  # type: ignore[arg-type]
        **COMMON,
    )


@pytest.mark.parametrize("result", ["saved", "lost", "false_alarm"])
def test_the_crm_closes_its_case_and_no_other(result: str) -> None:
    """By any alert of the case; the last alert has the code and what was reported."""
    person = opened()
    assert person.churn.case is not None
    first = person.churn.case.alert_id
    person, _, _ = evaluated(person, Score(0.9), T0 + WEEK_MS, "")
    stays, said = hear_outcome(person, outcome("of-another", result), T0, "v1", POLICY.policies)
    assert (stays.churn.case, said) == (person.churn.case, ())
    person, said = hear_outcome(person, outcome(first, result), T0, "v1", POLICY.policies)
    (alert,) = alerts_of(said)
    assert (alert.transition, alert.resolved_by) == ("resolved", "closed_by_crm")
    assert alert.reason_codes == ("closed_by_crm", result)
    assert person.churn.case is None


def test_the_first_alert_and_the_four_newest_close_a_case() -> None:
    """A task that was made of the first alert is answered by its id, however often it moved."""
    person, ids = opened(), list[str]()
    for week, risk in enumerate((0.6, 0.8, 0.5, 0.85, 0.5, 0.9, 0.5)):
        person, _, _ = evaluated(person, Score(risk), T0 + week * WEEK_MS, "")
        assert person.churn.case is not None
        ids = list(dict.fromkeys([*ids, person.churn.case.alert_id]))
    assert len(ids) == 7
    closing = []
    for alert_id in ids:
        stays, _ = hear_outcome(person, outcome(alert_id, "lost"), T0, "v1", POLICY.policies)
        closing.append(stays.churn.case is None)
    assert closing == [True, False, False, True, True, True, True]


@pytest.mark.parametrize("result", ["contacted", "no_answer"])
def test_a_contact_leaves_the_case_open(result: str) -> None:
    """To have been called is not to have been saved."""
    person = opened()
    assert person.churn.case is not None
    told = outcome(person.churn.case.alert_id, result)
    assert hear_outcome(person, told, T0, "v1", POLICY.policies) == (person, ())


def test_a_false_alarm_silences_for_a_while() -> None:
    """No case opens for `false_alarm_days`, whatever is bought, seen or computed; then again."""
    person = opened()
    assert person.churn.case is not None
    told = outcome(person.churn.case.alert_id, "false_alarm")
    person, _ = hear_outcome(person, told, T0, "v1", POLICY.policies)
    person = replace(person, orders=(Order("n", T0 + DAY_MS, 50.0, "web"),))
    days = POLICY.policies.churn.false_alarm_days
    for after, many in ((2.0, 0), (days - 1, 0), (days, 1)):
        at_ms = T0 + round(after * DAY_MS)
        looked = replace(person, signals=(replace(CANCEL, at_ms=at_ms),))
        person, effects, _ = evaluated(looked, Score(0.9), at_ms, "e")
        assert len(alerts_of(effects)) == many


def snoozed(person: Customer, until_ms: int | None = None) -> Customer:
    """The person after the CRM snoozes the case, until then or for as long as is usual."""
    until = None if until_ms is None else from_ms(until_ms)
    told = Profile(
        event_name="retention_outcome",
        outcome=RetentionOutcome(alert_id="a-any", result="snoozed", snooze_until=until),
        **COMMON,
    )
    person, said = hear_outcome(person, told, T0, "v1", POLICY.policies)
    assert said == ()
    return person


def test_a_snooze_holds_a_case_that_grows_until_it_is_over() -> None:
    """For `snooze_days` nothing is said; then the case escalates by what came meanwhile."""
    person = snoozed(opened())
    for week, said in ((1, []), (2, ["escalated"])):
        person, effects, risen = evaluated(person, Score(0.9), T0 + week * WEEK_MS, "")
        assert [a.transition for a in alerts_of(effects)] == said
        assert len(risen) == len(said)


def test_a_snooze_holds_no_ending() -> None:
    """Who buys, or is no longer at risk, is told of at once."""
    person = snoozed(opened())
    _, effects, _ = evaluated(person, Score(0.1), T0 + DAY_MS, "")
    assert [a.resolved_by for a in alerts_of(effects)] == ["risk_fell"]


@pytest.mark.parametrize(
    ("until_ms", "holds_days"),
    [(None, 14), (T0 + 3 * DAY_MS, 3), (T0 - DAY_MS, 0), (T0 + 900 * DAY_MS, 90)],
    ids=["usual", "a date", "a date that has passed", "for ever"],
)
def test_no_case_opens_in_a_snooze_and_no_snooze_is_for_ever(
    until_ms: int | None, holds_days: int
) -> None:
    """Up to the day before its end no case opens, on the day it does; 90 days at most."""
    person = snoozed(_buyer(), until_ms)
    for after, many in ((holds_days - 0.5, 0), (holds_days, 1)):
        at_ms = T0 + round(max(after, 0) * DAY_MS)
        _, effects, _ = evaluated(person, Score(0.9), at_ms, "e")
        assert len(alerts_of(effects)) == (1 if holds_days == 0 else many)


def test_the_newest_word_on_a_snooze_counts() -> None:
    """A shorter one ends a longer one."""
    person = snoozed(snoozed(_buyer(), T0 + 30 * DAY_MS), T0 + 2 * DAY_MS)
    _, effects, _ = evaluated(person, Score(0.9), T0 + 2 * DAY_MS, "e")
    assert [a.transition for a in alerts_of(effects)] == ["entered"]


class Rates(Struct, frozen=True):
    """A shop whose contacts save this share in each band."""

    rate: float

    def at(self, band: str, prior: float, now_ms: int, stance: str | None = None) -> float:
        """The same whatever the setting is."""
        return self.rate


@pytest.mark.parametrize(("rate", "said"), [(0.0, []), (0.0021, []), (0.0023, ["entered"])])
def test_the_learned_save_rate_decides_whether_a_case_is_worth_it(
    rate: float, said: list[str]
) -> None:
    """At a risk of .6 and 150 EUR at risk .0022 is what a contact of .20 EUR asks for."""
    scoring = Scoring(Score(0.6), T0, "", "v1", save_rate=Rates(rate))
    _, effects, _ = assess(_buyer(), scoring, POLICY.policies)
    alerts = alerts_of(effects)
    assert [a.transition for a in alerts] == said
    assert [a.save_rate for a in alerts] == [rate] * len(said)


def test_without_a_learned_save_rate_the_alert_names_the_setting() -> None:
    """The number that the case was weighed with stands in the alert."""
    _, effects, _ = evaluated(_buyer(), Score(0.6), T0, "")
    assert [a.save_rate for a in alerts_of(effects)] == [POLICY.policies.churn.save_rate]
