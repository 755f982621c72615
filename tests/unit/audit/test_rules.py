"""Every rule of the auditor finds what breaks it, and nothing else."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.audit import RULES
from tests.support.told import (
    Fields,
    Story,
    a_shop,
    an_offer,
    at,
    broken,
    candidate,
    event,
    followed,
    order,
    said,
    told,
    view,
)
from tests.unit.audit.stories import (
    BROKEN,
    COUPON,
    DAY,
    HOLDOUT,
    KEPT,
    LIFTED,
    OVER,
    SETTLE,
    UNIFORM,
    complaint,
    entered,
    leaving,
    left,
    offered_to_leave,
    reminded,
    twice,
    used,
    viewed,
)

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"
NEVER_TOLD = {"risk"}
BOTH = {"customer_id": "c1", "anonymous_id": "x"}
LOGIN = event("login", "application_opened", 6, identity=BOTH)
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_every_rule_has_both_stories() -> None:
    """A rule that is added is asked for the history that breaks it."""
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert set(names) - NEVER_TOLD == set(BROKEN) == set(KEPT)


def test_a_draw_over_offers_that_are_withheld_is_explored() -> None:
    """The uniform arm drew one of two offers; had it drawn the other, nothing would be sent."""
    entry = {
        "candidates": [candidate("a", 0.5), candidate("b", 0.0, "offer_holdout")],
        "no_offer_probability": 0.5,
    }
    shop = a_shop(an_offer(), an_offer(offer_id="b"), experiment=UNIFORM)
    assert not broken(told(viewed(shop, arm="uniform", probability=0.5, entry=entry)))


def test_a_promoted_challenger_is_explored_by_its_own_share() -> None:
    """The policies say of it how it draws; of the response model they say more."""
    own = {"exploration": "epsilon", "epsilon": 0.3, "challenger": {"epsilon": 0.01}}
    shares = {"candidates": [candidate("a", 0.98)], "no_offer_probability": 0.02}
    for version, found in (("challenger-60", set()), ("response-60", {"explored"})):
        model = {"id": "response", "version": version}
        one = viewed(
            a_shop(arbitration=own),
            probability=0.98,
            model=model,
            entry=shares,
        )
        assert broken(told(one)) == found


def test_a_mandatory_offer_passes_the_holdout_and_the_limits() -> None:
    """Twice on one day where one is allowed, to somebody of the holdout; drawn from nothing."""
    sure = {"candidates": [candidate("a", 1.0)], "no_offer_probability": 0.0}
    fields = {"arm": "holdout", "probability": 1.0, "entry": sure}
    limits = {"calendar_day_max": 1, "min_gap_ms": 1_800_000}
    for name, found in (("mandatory", set()), ("standard", {"holdout", "calendar_day", "min_gap"})):
        offer = an_offer(**{"class": name})
        shop = a_shop(offer, experiment=HOLDOUT, contact=limits)
        assert broken(told(twice(shop, dict(fields), {"minutes": 10, **fields}))) == found


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_found_and_no_other(name: str) -> None:
    """Each history breaks the rule whose name it has, and only that one."""
    assert broken(told(BROKEN[name])) == {name}


@pytest.mark.parametrize("name", KEPT)
def test_a_rule_that_is_kept_is_checked_and_not_broken(name: str) -> None:
    """The same history a step away from the limit is good, and the rule was really asked."""
    report = told(KEPT[name])
    assert broken(report) == set()
    assert {t.rule: t.checked for t in report.tallies}[name] > 0


WHOLE = order(4, "made", order_id="o-use")
LATER = [
    ([WHOLE, used("tea-10") | {"event_name": "order_updated"}], True),
    ([used("tea-10") | {"event_name": "order_updated"}], False),
    ([used("tea-10") | {"total": {"amount": "0.00", "currency": "EUR"}}], True),
    ([used("tea-10") | {"occurred_at": at(-1)}], False),
    ([used("tea-10") | {"identity": {"anonymous_id": "x"}}, LOGIN], True),
    ([used("tea-10") | {"identity": {"anonymous_id": "x"}}], False),
]


@pytest.mark.parametrize(("events", "is_used"), LATER)
def test_a_coupon_is_used_whichever_event_of_the_order_names_it(
    events: list[Fields], is_used: bool
) -> None:
    """By an update of an order that was made, on an order of zero, by who logs in later."""
    shop = a_shop(an_offer(once_per_person=True, coupon_code="TEA-10", redeem_within_days=0.005))
    story = twice(shop, COUPON, {"minutes": 10, **COUPON}, *events)
    assert broken(told(story)) == ({"once_per_person"} if is_used else set())


@pytest.mark.parametrize(("currency", "is_gone"), [("EUR", True), ("USD", False), ("JPY", True)])
def test_an_order_that_was_refused_takes_nothing_out(currency: str, is_gone: bool) -> None:
    """Only a shop's own currency, or one with a rate by then, counts; the cart stays else."""
    bought = order(65, "buy", items=[], total={"amount": "10.00", "currency": currency})
    story = reminded(70, bought)
    rates = [{"currency": "JPY", "from": "2026-01-01T00:00:00Z", "rate": 0.01}]
    report = told(replace(story, shop=a_shop(exchange_rates=rates)))
    assert broken(report) == ({"cart_there"} if is_gone else set())


def test_what_came_by_several_topics_may_have_been_read_in_another_order() -> None:
    """Days since the order before the last prove nothing there; days since none are still wrong."""
    since_the_first = leaving(entered(days_since_last_purchase=90))
    assert broken(told(since_the_first)) == {"silence"}
    assert broken(told(since_the_first, ordered=False)) == set()
    assert broken(told(BROKEN["silence"], ordered=False)) == {"silence"}


def test_violations_name_the_events_that_prove_them() -> None:
    """A second contact names the first, a withdrawal the event that said it."""
    proofs = {
        name: [v.events for v in told(BROKEN[name]).violations]
        for name in ("caps", "purpose_consent", "cart_there", "alert_consent")
    }
    assert proofs == {
        "caps": [("d-v1", "v2")],
        "purpose_consent": [("no", "view")],
        "cart_there": [("buy", "cart-1")],
        "alert_consent": [("no",)],
    }


def test_what_cannot_be_told_is_counted_and_not_passed() -> None:
    """The model's risk, and a segment that asks for it, are not checked, and said to be."""
    report = told(BROKEN["armed"])
    tallies = {t.rule: t for t in report.tallies}
    assert tallies["risk"].checked == 0
    assert tallies["risk"].not_checked == {"the model's risk": 3}
    assert report.not_checked == 3


def test_inputs_that_no_decoder_accepts_are_counted() -> None:
    """An event without identity is refused, and the offer that names it stands on nothing."""
    report = told(Story([view(identity={})], [said()]))
    assert report.refused == 1
    assert {"moment", "erased"} <= broken(report)


def test_the_page_lists_every_rule_in_the_words_of_the_code() -> None:
    """docs/audit.md and the table of rules say the same, in the same order."""
    listed = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert listed == [(rule.name, rule.about, rule.says) for rule in RULES]


def test_an_alert_that_asks_to_settle_a_complaint_leads_to_no_offer() -> None:
    """The step is right, and an offer that was made because of the alert is found."""
    alert = entered(signals=[complaint()], recommended=SETTLE, **LIFTED)
    assert "recovery" in broken(told(offered_to_leave(alert)))


WRONG = [
    ({"case_id": "case-9"}, "outcome_case"),
    ({"arm": "control"}, "outcome_case"),
    ({"lead_days": 30.0}, "outcome_case"),
    ({"result": "bought", "days_to_purchase": 3.0}, "outcome_result"),
]


@pytest.mark.parametrize(("changed", "rule"), WRONG)
def test_an_outcome_is_held_against_its_alert_and_the_orders(changed: Fields, rule: str) -> None:
    """Another case, arm or time that was left, or a purchase that nobody made."""
    assert broken(told(left(followed(OVER) | changed))) == {rule}


@pytest.mark.parametrize(("days", "wrong"), [(30.0, set()), (31.0, {"outcome_result"})])
def test_the_days_to_the_purchase_are_told_anew(days: float, wrong: set[str]) -> None:
    """From the alert to the first order after it; one past the horizon is none."""
    outcome = followed(OVER, result="bought", days_to_purchase=days)
    events = (order(30 * DAY, "o3"), order(40 * DAY, "o4"), order(OVER + 5, "o5"))
    assert broken(told(left(outcome, events=events))) == wrong


def test_an_alert_that_kafka_no_longer_keeps_is_not_held_against_the_outcome() -> None:
    """A case of 91 days outlives the 30 days of its alert: not checked, and said to be."""
    report = told(left(followed(OVER, case_id="case-9")), ordered=False)
    assert broken(report) == set()
    (tally,) = (t for t in report.tallies if t.rule == "outcome_case")
    assert tally.not_checked == {"the alert is no longer kept": 1}
