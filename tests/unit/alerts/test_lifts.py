"""Learned lifts in alerts: what a signal was worth here is what it does to the risk."""

import pytest
from msgspec import Struct

from streams.admin.cases import worth
from streams.alerts import Scoring, assess
from streams.alerts.scoring import Lifts
from streams.contracts.outputs.effects import AlertRaised
from streams.contracts.outputs.payloads import ChurnAlert, ChurnSignalCode
from streams.contracts.times import DAY_MS
from streams.customer.row import SeenSignal
from tests.unit.alerts.test_life_cycle import POLICY, Score, _buyer
from tests.unit.decisions.people import T0

CANCEL = SeenSignal("cancel_page", 0.9, T0, ("e-9",))


class Learned(Struct, frozen=True):
    """All signals are worth this, from so many moments."""

    times: float
    moments: int = 214

    def lift(self, code: ChurnSignalCode) -> float:
        """The same of each."""
        return self.times

    def cases(self, code: ChurnSignalCode) -> int | None:
        """The same of each."""
        return self.moments


def alerts_of(score: Score, lifts: Lifts | None, *signals: SeenSignal) -> list[ChurnAlert]:
    """The alerts of an evaluation of a buyer with these signals."""
    scoring = Scoring(score, T0 + DAY_MS, "e", "v1")
    if lifts is not None:
        scoring = Scoring(score, T0 + DAY_MS, "e", "v1", lifts=lifts)
    _, effects, _ = assess(_buyer(signals=signals), scoring, POLICY.policies)
    return [e.alert for e in effects if isinstance(e, AlertRaised)]


def test_an_alert_says_what_its_signal_was_worth_here() -> None:
    """The odds of .4 times 3.1 to the power of .9, and from how many cases that is known."""
    (alert,) = alerts_of(Score(0.4), Learned(3.1), CANCEL)
    (signal,) = alert.signals
    assert signal.lift == pytest.approx(3.1**0.9, abs=1e-3)
    assert signal.cases == 214
    odds = 0.4 / 0.6 * 3.1**0.9
    assert alert.risk == pytest.approx(odds / (1 + odds), abs=1e-5)
    assert worth(signal) == "x 2.77, from 214 cases"


def test_the_text_says_what_raised_the_risk_and_by_how_much() -> None:
    """The learned lift and its cases in every language; nothing of a signal that lifts nothing."""
    (alert,) = alerts_of(Score(0.4), Learned(3.1), CANCEL)
    assert "for closing the account (odds x 2.8, from 214 cases), silent" in alert.text["en"]
    assert "退会ページを閲覧しました（オッズ×2.8、214件の実績）" in alert.text["ja"]
    assert "浏览了注销账户页面（几率×2.8，据214例）" in alert.text["zh"]
    (alert,) = alerts_of(Score(0.4), Learned(3.1, moments=1), CANCEL)
    assert "for closing the account (odds x 2.8, from 1 case), silent" in alert.text["en"]
    assert worth(alert.signals[0]) == "x 2.77, from 1 case"
    (alert,) = alerts_of(Score(0.6, overdue_ratio=4.0), None, CANCEL)
    assert "is overdue, looked at the page" in alert.text["en"]
    assert "the account (odds x 2.7)" in alert.text["en"]


def test_an_alert_says_each_lift_as_it_counted() -> None:
    """Together eight times at most: what one or two signals say is what the risk was made of."""
    uninstall = SeenSignal("uninstall", 0.9, T0, ("e-8",))
    for times, signals in ((18.4, (CANCEL,)), (7.0, (CANCEL, uninstall))):
        (alert,) = alerts_of(Score(0.3), Learned(times), *signals)
        odds = 0.3 / 0.7 * 8.0
        assert alert.risk == pytest.approx(odds / (1 + odds), abs=1e-5)
        each = 8.0 ** (1 / len(signals))
        assert [s.lift for s in alert.signals] == [pytest.approx(each, abs=1e-3)] * len(signals)
        assert f"(odds x {each:.1f}, from 214 cases)" in alert.text["en"]


def test_a_judgment_names_no_cases() -> None:
    """Before anything was learned the alert says the lift alone."""
    (alert,) = alerts_of(Score(0.4), None, CANCEL)
    (signal,) = alert.signals
    assert signal.cases is None
    assert worth(signal) == "x 2.69"


def test_what_is_worth_less_than_twice_the_odds_opens_no_case() -> None:
    """Whoever the score is carried by; a complaint's prior is below, the cancel page's above."""
    early = Score(0.6, overdue_ratio=0.5)
    assert alerts_of(early, Learned(1.0), CANCEL) == []
    assert alerts_of(early, Learned(2.3), CANCEL) != []
    assert alerts_of(early, Learned(1.9), CANCEL) == [], "less than twice the odds opens nothing"
    foreign = Score(0.6, overdue_ratio=0.5, carried=False)
    assert alerts_of(foreign, Learned(1.0), CANCEL) == []
    assert alerts_of(foreign, None, CANCEL) != []
    assert alerts_of(foreign, None, SeenSignal("complaint", 1.0, T0, ("e-9",))) == []


def test_a_signal_worth_nothing_neither_lifts_nor_lowers() -> None:
    """The risk is the score's, however little the signal was worth."""
    for times in (1.0, 0.2):
        (alert,) = alerts_of(Score(0.6), Learned(times), CANCEL)
        assert (alert.risk, [s.lift for s in alert.signals]) == (0.6, [1.0])
