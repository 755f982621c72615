"""A file's purchases raise the alerts that the product would have raised, and none knows more."""

from functools import cache

import pytest
from msgspec.structs import replace

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.evaluation.alerts_played import AlertPlay, definition_of, play_alerts
from streams.evaluation.purchases import Purchase, read_purchases
from tests.evaluation.shops import leaving_shop
from tests.evaluation.test_churn_on_cdnow import CDNOW

HORIZON_MS = 8 * WEEK_MS


@cache
def purchases() -> tuple[Purchase, ...]:
    """50 weeks of a shop that people leave."""
    return tuple(leaving_shop())


def played(given: tuple[Purchase, ...] | list[Purchase], horizon_ms: int = HORIZON_MS) -> AlertPlay:
    """The alerts of these purchases."""
    definition = definition_of("week", horizon_ms)
    assert definition is not None
    return play_alerts(given, definition)


@cache
def whole() -> AlertPlay:
    """All of the shop."""
    return played(purchases())


def test_alerts_open_and_end_cases_of_people_who_bought_twice() -> None:
    """Each case is entered once and resolved at most once; none comes before own data."""
    opened = [a for a in whole().alerts if a.transition == "entered"]
    ended = [a.case_id for a in whole().alerts if a.transition == "resolved"]
    assert len(opened) > 30
    assert len({a.case_id for a in opened}) == len(opened)
    assert len(set(ended)) == len(ended)
    assert set(ended) <= {a.case_id for a in opened}
    assert whole().own_ms is not None
    assert min(a.at_ms for a in opened) >= (whole().own_ms or 0) - WEEK_MS
    assert all(a.risk is not None and a.risk >= 0.5 for a in opened)
    assert len(whole().taken) == len(purchases())


@pytest.mark.parametrize("weeks", [20, 33])
def test_no_alert_knows_the_future(weeks: int) -> None:
    """Removing all later purchases changes no earlier alert: not one field of one."""
    cut_ms = purchases()[0].at_ms + weeks * WEEK_MS
    known = [purchase for purchase in purchases() if purchase.at_ms <= cut_ms]
    early = played(known).alerts
    assert early == whole().alerts[: len(early)]
    assert all(alert.at_ms >= known[-1].at_ms for alert in whole().alerts[len(early) :])
    assert weeks < 30 or early


def test_the_same_file_gives_the_same_alerts() -> None:
    """Twice, to the last field."""
    half = [p for p in purchases() if int(p.customer_id.removeprefix("c-")) % 2]
    first = played(half)
    assert len(first.alerts) > 30
    assert played(half) == first


def test_what_the_product_does_not_take_is_counted_by_reason() -> None:
    """Orders of zero and ids that no topic takes: counted, and everybody else is played."""
    few = purchases()[:200]
    odd = [replace(few[0], amount=0.0), replace(few[0], customer_id="two words\n")]
    play = played([*odd, *few])
    assert play.passed == {"bad_format": 1, "not_applicable": 1}
    assert len(play.taken) == len(few)


def test_a_horizon_is_whole_ticks_and_at_most_what_policies_allow() -> None:
    """100 days are 15 weeks; 300 daily ticks are more than policies take."""
    definition = definition_of("week", 100 * DAY_MS)
    assert definition is not None
    assert definition.horizon_ticks == 15
    assert definition_of("day", 300 * DAY_MS) is None


def test_nothing_to_play_raises_nothing() -> None:
    """Without purchases there are no alerts and no end."""
    play = played([])
    assert (play.alerts, play.taken, play.end_ms, play.own_ms) == ((), (), 0, None)


@pytest.mark.skipif(not CDNOW.exists(), reason="CDNOW is not at ../shared/data/cdnow")
def test_no_alert_on_cdnow_knows_the_future() -> None:
    """Real purchases, 91 days ahead: up to day 280 the alerts are those of the whole file."""
    every = [p for p in read_purchases(CDNOW).purchases if int(p.customer_id) % 4 == 0]
    known = [p for p in every if p.at_ms <= every[0].at_ms + 280 * DAY_MS]
    early = played(known, 91 * DAY_MS).alerts
    assert len(early) > 20
    assert played(every, 91 * DAY_MS).alerts[: len(early)] == early
