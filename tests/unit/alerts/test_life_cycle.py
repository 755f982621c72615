"""Bands, cases and signals: who is warned about, when, and when not again."""

from typing import Any, get_args

import pytest
from msgspec import Struct
from msgspec.structs import replace

from streams.alerts import Scoring, assess, record_signals, signal_is_new
from streams.alerts.life_cycle import Assessed
from streams.alerts.wording import ALERT_REASONS, SIGNAL_REASONS
from streams.contracts.common import Identity
from streams.contracts.inputs.events import App, Clickstream, Page, Profile, Survey
from streams.contracts.outputs.effects import AlertRaised, SegmentChanged
from streams.contracts.outputs.payloads import ChurnAlert, ChurnSignalCode
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, WEEK_MS, from_ms
from streams.customer import Customer, counters
from streams.customer.rhythm import Rhythm, record_purchase
from streams.customer.row import ChannelActivity, Churn, Order, SeenSignal, Spend
from streams.decisions import Policy
from tests.unit.decisions.people import OBJECTS, T0, offer, shop, someone

POLICY = shop(offer("a"), churn=ChurnDefinition(control_share=0.0))
LANGUAGES = {"en", "ja", "zh"}


class Score(Struct, frozen=True):
    """A score of this risk."""

    risk: float
    reasons: tuple[str, ...] = ("LONG_SILENCE", "SPEND_DROP")
    expected_next_purchase_at_ms: int = T0
    overdue_ratio: float = 1.0
    carried: bool = True


def bought_on(days: int) -> Rhythm | None:
    """The rhythm of who has bought once a week, the last time a day before T0."""
    rhythm = None
    for week in range(days):
        at_ms = T0 - DAY_MS - (days - 1 - week) * WEEK_MS
        rhythm = record_purchase(rhythm, at_ms, 50.0)
    return rhythm


def _buyer(**fields: Any) -> Customer:
    made: dict[str, Any] = {
        "spend": Spend(T0, total=500.0, orders=9),
        "rhythm": bought_on(9),
        "orders": (Order("o-1", T0 - DAY_MS, 50.0, "web"),),
        "churn": Churn(next_tick_ms=T0 + WEEK_MS),
        "created_at_ms": T0 - 90 * DAY_MS,
    }
    return someone(**{**made, **fields})


def evaluated(
    person: Customer, score: Score, now_ms: int, event_id: str, policy: Policy = POLICY
) -> Assessed:
    """The person after an evaluation by model `v1`."""
    return assess(person, Scoring(score, now_ms, event_id, "v1"), policy.policies)


def _life(person: Customer, *risks: float, buys_before: int = -1) -> list[str]:
    """The transitions of these weekly scores; before score `buys_before` there is a purchase."""
    said: list[str] = []
    for week, risk in enumerate(risks):
        now_ms = T0 + week * WEEK_MS
        if week == buys_before:
            orders = (*person.orders, Order(f"n-{week}", now_ms, 50.0, "web"))
            person = replace(person, orders=orders)
        person, effects, _ = evaluated(person, Score(risk), now_ms, f"e-{week}")
        alerts = [e.alert.transition for e in effects if isinstance(e, AlertRaised)]
        said.append(alerts[0] if alerts else "-")
    return said


def test_a_case_enters_escalates_deescalates_and_ends() -> None:
    """.6 .8 .65 .4 .3: high is left below .60 only, medium below .35 only."""
    assert _life(_buyer(), 0.4, 0.6, 0.8, 0.65, 0.58, 0.4, 0.3) == [
        "-", "entered", "escalated", "-", "deescalated", "-", "resolved",
    ]  # fmt: skip


def test_a_score_near_the_edge_opens_a_case_once_it_has_stood_for_more_than_a_week() -> None:
    """Not after one that was low, or a purchase between; a clear one and a strong signal do."""
    fresh = _buyer(churn=Churn(next_tick_ms=T0 + WEEK_MS))
    assert _life(fresh, 0.59, 0.59, 0.5) == ["-", "-", "entered"]
    assert _life(fresh, 0.45, 0.46, 0.5) == ["-", "-", "entered"]
    assert _life(fresh, 0.44, 0.59, 0.59, 0.59) == ["-", "-", "-", "entered"]
    assert _life(fresh, 0.59, 0.45, 0.45, 0.49) == ["-", "-", "-", "-"]
    assert _life(fresh, 0.59, 0.59, 0.44, 0.59, 0.59) == ["-", "-", "-", "-", "-"]
    bought = _life(fresh, 0.59, 0.1, 0.59, 0.59, 0.59, buys_before=1)
    assert bought == ["-", "-", "-", "-", "entered"]
    assert _life(fresh, 0.59, 0.6) == ["-", "entered"]
    told = replace(fresh, signals=(SeenSignal("cancel_page", 0.9, T0, ("e-9",)),))
    assert _life(told, 0.35) == ["entered"]


def test_daily_looks_wait_as_long_as_weekly_ones() -> None:
    """On the ninth day, not on the second."""
    person, said = _buyer(churn=Churn(next_tick_ms=T0 + WEEK_MS)), list[str]()
    for day in range(10):
        person, effects, _ = evaluated(person, Score(0.55), T0 + day * DAY_MS, "")
        said += [f"{day} {e.alert.transition}" for e in effects if isinstance(e, AlertRaised)]
    assert said == ["8 entered"]


def test_what_signals_add_does_not_make_a_risk_clear() -> None:
    """A complaint lifts .58 to .65, above what opens a case at once where the score says it."""
    complaint = SeenSignal("complaint", 0.7, T0, ("e-9",))
    person = _buyer(churn=Churn(next_tick_ms=T0 + WEEK_MS), signals=(complaint,))
    assert _life(person, 0.58, 0.58, 0.58) == ["-", "-", "entered"]


def test_a_purchase_arms_the_case_again_and_nothing_else_does() -> None:
    """Resolved without a purchase: quiet from then on. After one: again, but not on its day."""
    assert _life(_buyer(), 0.6, 0.1, 0.6) == ["entered", "resolved", "-"]
    again = _life(_buyer(), 0.6, 0.6, 0.6, 0.6, buys_before=2)
    assert again == ["entered", "-", "resolved", "entered"]
    again = _life(_buyer(), 0.6, 0.1, 0.6, 0.6, buys_before=2)
    assert again == ["entered", "resolved", "-", "entered"]


@pytest.mark.parametrize(
    "person",
    [
        _buyer(spend=Spend(T0, total=500.0, orders=1)),
        _buyer(spend=Spend(T0, total=5.0, orders=9)),
        _buyer(consents={}),
        _buyer(consent_signals=OBJECTS),
        _buyer(churn=Churn(next_tick_ms=None)),
    ],
    ids=["one order", "not worth it", "no profiling", "gpc", "lapsed"],
)
def test_who_gets_no_alert(person: Customer) -> None:
    """Risk .9 is no alert for these."""
    assert _life(person, 0.9) == ["-"]


def test_the_long_gone_are_lapsed_and_their_case_ends() -> None:
    """When the ticks stop, the stage is lapsed and the open case is resolved."""
    person, _, _ = evaluated(_buyer(), Score(0.9), T0, "e")
    assert person.churn.case is not None
    person = replace(person, churn=replace(person.churn, next_tick_ms=None))
    person, effects, trigger_events = evaluated(person, Score(0.95), T0 + WEEK_MS, "")
    stages = [e.change.segment for e in effects if isinstance(e, SegmentChanged)]
    ended = [e.alert.transition for e in effects if isinstance(e, AlertRaised)]
    assert (stages, ended, trigger_events, person.churn.case) == (
        ["lapsed"],
        ["resolved"],
        (),
        None,
    )


@pytest.mark.parametrize(
    ("risk", "carried", "orders", "warned"),
    [(0.9, True, 9, True), (0.3, True, 9, False), (0.3, False, 9, None), (0.9, True, 1, None)],
)
def test_who_lapses_was_warned_of_or_not(
    risk: float, carried: bool, orders: int, warned: bool | None
) -> None:
    """By a case in this silence, open or not; nothing is said of whom no case could tell."""
    person, _, _ = evaluated(
        _buyer(spend=Spend(T0, total=500.0, orders=orders)), Score(risk, carried=carried), T0, "e"
    )
    person = replace(person, churn=replace(person.churn, next_tick_ms=None, case=None))
    _, effects, _ = evaluated(person, Score(risk, carried=carried), T0 + WEEK_MS, "")
    changes = [e.change for e in effects if isinstance(e, SegmentChanged)]
    assert [(c.segment, c.warned) for c in changes] == [("lapsed", warned)]


def test_an_alert_says_all_of_it() -> None:
    """Ids, band, value, signals and words in three languages, and a trigger event."""
    person, effects, trigger_events = evaluated(_buyer(), Score(0.9), T0, "e-1")
    alert = next(e.alert for e in effects if isinstance(e, AlertRaised))
    assert (alert.risk, alert.risk_band, alert.previous_band) == (0.9, "high", None)
    assert (alert.value_at_risk.amount, alert.value_at_risk.currency) == ("150.00", "EUR")
    assert set(alert.text) == LANGUAGES
    assert "90%" in alert.text["en"]
    assert [(m.kind, m.event_id) for m in trigger_events] == [
        ("churn_band_entered", alert.alert_id)
    ]
    again = evaluated(_buyer(), Score(0.9), T0, "e-1")
    assert again == (person, effects, trigger_events)


def test_a_share_of_the_cases_is_left_untreated() -> None:
    """All control: the alert says so, recommends nothing, and no offer is asked for."""
    policy = shop(offer("a"), churn=ChurnDefinition(control_share=1.0))
    _, effects, trigger_events = evaluated(_buyer(), Score(0.9), T0, "e-1", policy)
    alert = next(e.alert for e in effects if isinstance(e, AlertRaised))
    assert (alert.experiment.holdout, alert.recommended, trigger_events) == (True, None, ())


def test_a_strong_sign_lifts_the_risk_until_it_is_old() -> None:
    """An uninstall turns .4 into .58; after the signal window, at a silent tick, it is gone."""
    signal = SeenSignal("uninstall", 0.8, T0, ("e-9",))
    lifted = _alert(_buyer(signals=(signal,)), 0.4, T0)
    assert (lifted.risk_band, lifted.score) == ("medium", 0.4)
    assert lifted.risk == pytest.approx(0.581, abs=0.001)
    assert lifted.signals[0].lift == pytest.approx(2.5**0.8, abs=0.001)
    later, _, _ = evaluated(_buyer(signals=(signal,)), Score(0.4), T0 + 31 * DAY_MS, "")
    assert (later.churn.band, later.signals) == ("low", ())


def _signals(person: Customer) -> dict[str, float]:
    return {s.code: s.strength for s in person.signals}


COMMON: dict[str, Any] = {
    "event_id": "e-1",
    "occurred_at": from_ms(T0),
    "identity": Identity(customer_id="c-1"),
    "channel": "app",
}


def test_events_that_are_signs() -> None:
    """Cancel page, uninstall, a low NPS; each with its event, new at this very moment only."""
    events = (
        Clickstream(event_name="account_cancel_page_viewed", page=Page(path="/bye"), **COMMON),
        App(event_name="application_uninstalled", **COMMON),
        Profile(event_name="survey_answered", survey=Survey(nps=0), **COMMON),
    )
    person = someone()
    for event in events:
        person = record_signals(person, event, T0, POLICY.policies)
    assert _signals(person) == {"cancel_page": 0.9, "uninstall": 0.8, "low_nps": 1.0}
    assert {s.event_ids for s in person.signals} == {("e-1",)}
    assert signal_is_new(person, T0)
    assert not signal_is_new(person, T0 + 1)


def test_who_does_not_allow_profiling_is_not_watched() -> None:
    """No signal is kept of somebody who never agreed to it."""
    gone = App(event_name="application_uninstalled", **COMMON)
    assert record_signals(someone(consents={}), gone, T0, POLICY.policies).signals == ()


def looker(days: float, looks: int = 3, **others: ChannelActivity) -> Customer:
    """Somebody who looked at so many things every five days, the last time so long ago."""
    last_ms = T0 - round(days * DAY_MS)
    counter = None
    for visit in range(12, -1, -1):
        counter = counters.add(counter, last_ms - visit * 5 * DAY_MS, looks)
    return _buyer(
        counters={"product_views": counter},
        channels={"web": ChannelActivity(last_ms), **others},
        created_at_ms=last_ms - 60 * DAY_MS,
    )


def unseen(days: float, looks: int = 3, **others: ChannelActivity) -> float:
    """How strong `visit_drop` is of them."""
    person, _, _ = evaluated(looker(days, looks, **others), Score(0.2), T0, "")
    return _signals(person).get("visit_drop", 0.0)


def test_the_score_opens_no_case_for_who_is_seen_as_usual() -> None:
    """Who still comes to look has not left, until a strong signal says otherwise."""
    opened = {days: evaluated(looker(days), Score(0.6), T0, "")[1] for days in (7.0, 14.0)}
    assert not any(isinstance(e, AlertRaised) for e in opened[7.0])
    assert any(isinstance(e, AlertRaised) for e in opened[14.0])
    told = replace(looker(7.0), signals=(SeenSignal("cancel_page", 0.9, T0, ("e-1",)),))
    effects = evaluated(told, Score(0.6), T0, "")[1]
    assert any(isinstance(e, AlertRaised) for e in effects)


def test_not_to_be_seen_for_longer_than_usual_is_a_sign() -> None:
    """In the person's own gaps between visits, by any channel; nothing is said of few looks."""
    assert unseen(12.0) == 0.0
    assert 0.3 < unseen(21.0) < 0.7
    assert unseen(60.0) == 1.0
    assert unseen(60.0, store=ChannelActivity(T0 - DAY_MS)) == 0.0
    assert unseen(60.0, looks=0) == 0.0


def test_the_text_gives_what_was_seen_before_what_was_computed() -> None:
    """The strongest signals, then the model's reasons; at most three."""
    signals = (
        SeenSignal("low_nps", 0.5, T0, ("e-1",)),
        SeenSignal("cancel_page", 0.9, T0, ("e-2",)),
    )
    alert = _alert(_buyer(signals=signals), 0.9, T0)
    assert alert.text["en"] == (
        "Risk 96% of no purchase in 91 days: looked at the page for closing the account "
        "(odds x 2.7), gave a low score (odds x 1.2), silent for long"
    )


def test_the_text_says_what_ended_the_danger() -> None:
    """Bought again, or the risk fell: in words and as the one reason code."""
    person, _, _ = evaluated(_buyer(), Score(0.9), T0, "e")
    order = Order("o-9", T0 + DAY_MS, 50.0, "web")
    bought = replace(person, orders=(*person.orders, order))
    for after, risk, how, words in (
        (bought, 0.1, "bought", "bought again"),
        (bought, 0.9, "bought", "bought again"),
        (person, 0.1, "risk_fell", "the risk has fallen"),
    ):
        alert = _alert(after, risk, T0 + DAY_MS)
        assert (alert.transition, alert.resolved_by) == ("resolved", how)
        assert alert.text["en"] == f"Risk {risk:.0%} of no purchase in 91 days: {words}"
        assert alert.reason_codes == (how,)


def test_who_counts_as_lost_is_called_lost_and_no_risk_is_named_beside_it() -> None:
    """A risk of .37 may be the model's, once a signal is old; the silence is over the horizon."""
    person, _, _ = evaluated(_buyer(), Score(0.9), T0, "e")
    lapsed = replace(person, churn=replace(person.churn, next_tick_ms=None))
    alert = _alert(lapsed, 0.37, T0 + DAY_MS)
    assert (alert.resolved_by, alert.reason_codes) == ("lapsed", ("lapsed",))
    assert alert.text == {
        "en": "The case is closed: no purchase for more than 91 days counts as lost",
        "ja": "91日を超えて購入がないため、離脱とみなして終了しました",
        "zh": "超过91天未购买，视为已流失，案例已关闭",
    }


def _alert(person: Customer, risk: float, now_ms: int) -> ChurnAlert:
    _, effects, _ = evaluated(person, Score(risk), now_ms, "e-1")
    return next(e.alert for e in effects if isinstance(e, AlertRaised))


def test_every_code_has_its_words_in_every_language() -> None:
    """A code without words would be an alert without a reason."""
    assert set(SIGNAL_REASONS) == set(get_args(ChurnSignalCode))
    assert all(set(texts) == LANGUAGES for texts in ALERT_REASONS.values())
