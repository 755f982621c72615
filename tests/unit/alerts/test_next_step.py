"""What to do about a case: by which channel, with which offer, or a complaint first."""

from functools import reduce
from typing import Any

import pytest
from msgspec.structs import replace

from streams.alerts.step_wording import APOLOGY, CHANNELS, GREETING, NEXT_STEPS, SAID
from streams.contracts.common import Identity, Purpose
from streams.contracts.inputs.events import Clickstream, Page
from streams.contracts.outputs.effects import AlertRaised, DecisionLogged, Effect, OfferDecided
from streams.contracts.outputs.payloads import ChurnAlert
from streams.contracts.reference.structs import ChurnDefinition, QuietHours
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import Customer, counters, rhythm
from streams.customer.row import Churn, Consent, Order, SeenSignal, Spend
from streams.models import initial_models
from streams.pipeline import World, process
from tests.unit.alerts.test_life_cycle import Score, _buyer, evaluated
from tests.unit.decisions.people import FREE, NO_PUSH, T0, offer, rule, shop, someone

LANGUAGES = {"en", "ja", "zh"}
LEAVING = rule("leaving", kind="churn_band_entered", channel="push")
TREATED = ChurnDefinition(control_share=0.0)


def may(*purposes: Purpose) -> dict[Purpose, Consent]:
    """Consent to these and to profiling."""
    return {purpose: Consent("granted", T0) for purpose in ("profiling", *purposes)}


def entered(person: Customer) -> ChurnAlert:
    """The alert of the case that opens."""
    (alert,) = alerts_of(evaluated(person, Score(0.9), T0, "e-1")[1])
    return alert


def alerts_of(effects: tuple[Effect, ...]) -> list[ChurnAlert]:
    """The alerts among the effects."""
    return [e.alert for e in effects if isinstance(e, AlertRaised)]


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({}, "push"),
        ({"consent_signals": NO_PUSH}, "email"),
        ({"consents": may("marketing_sms")}, "sms"),
        ({"consents": may()}, "call_center"),
    ],
    ids=["all", "the app is gone", "only sms", "no marketing"],
)
def test_the_contact_goes_by_a_channel_that_reaches_the_person(
    fields: dict[str, Any], channel: str
) -> None:
    """Never a push to a phone without the app, nor a channel that was not granted."""
    step = entered(_buyer(**fields)).recommended
    assert step is not None
    assert (step.action, step.channel, step.offer_id) == ("contact", channel, None)


OPEN_CASE = {
    "service_cases": ("s-1",),
    "counters": {"service_cases": counters.add(None, T0 - 80 * DAY_MS)},
}
FORGOTTEN = {**OPEN_CASE, "counters": {"service_cases": counters.add(None, T0 - 99 * DAY_MS)}}
COMPLAINT = SeenSignal("complaint", 1.0, T0 - DAY_MS, ("e-7",))


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({"signals": (COMPLAINT,)}, "service_recovery"),
        (OPEN_CASE, "service_recovery"),
        (FORGOTTEN, "contact"),
        ({"signals": (replace(COMPLAINT, at_ms=T0 - 3 * DAY_MS),)}, "contact"),
    ],
    ids=["complained", "case open", "case forgotten", "bought since"],
)
def test_who_complains_is_asked_what_went_wrong_and_sent_no_coupon(
    fields: dict[str, Any], action: str
) -> None:
    """No trigger event asks for an offer until the complaint is settled."""
    order = Order("o-1", T0 - 2 * DAY_MS, 50.0, "web")
    _, effects, risen = evaluated(_buyer(orders=(order,), **fields), Score(0.9), T0, "e-1")
    (alert,) = alerts_of(effects)
    assert alert.recommended is not None
    assert alert.recommended.action == action
    assert bool(risen) == (action == "contact")


def regular(**fields: Any) -> Customer:
    """Somebody who bought weekly, and has been silent for two months."""
    bought = None
    for week in range(10):
        bought = rhythm.record_purchase(bought, T0 - (60 + 7 * (9 - week)) * DAY_MS, 50.0)
    return someone(
        created_at_ms=T0 - 200 * DAY_MS,
        rhythm=bought,
        spend=Spend(T0 - 60 * DAY_MS, total=500.0, orders=10),
        churn=Churn(risk=0.4, scored_at_ms=T0, next_tick_ms=T0 + 7 * DAY_MS),
        **fields,
    )


CANCELS = Clickstream(
    event_id="e-9",
    event_name="account_cancel_page_viewed",
    occurred_at=from_ms(T0 + 1),
    identity=Identity(customer_id="c-1"),
    channel="web",
    page=Page(path="/bye"),
)


def said(person: Customer, **policies: Any) -> tuple[Effect, ...]:
    """Everything that the cancel page leads to in a shop with a rule for who is leaving."""
    churn = policies.pop("churn", TREATED)
    policy = shop(offer("back"), rules=(LEAVING,), churn=churn, **policies)
    return process(CANCELS, person, World(initial_models(), policy)).effects


def test_an_alert_names_the_offer_that_goes_out_because_of_it() -> None:
    """Offer, decision and channel are those of `next-best-offers` of the same step."""
    effects = said(regular())
    (alert,) = alerts_of(effects)
    (made,) = [e.offer for e in effects if isinstance(e, OfferDecided)]
    step = alert.recommended
    assert step is not None
    assert made.trigger.event_id == alert.alert_id
    assert (step.action, step.channel) == ("offer", "push")
    assert (step.offer_id, step.decision_id) == ("back", made.decision_id)
    assert alert.text["en"].endswith("Next step: none, offer back goes out (push message)")
    assert set(alert.text) == LANGUAGES


def test_an_alert_whose_offer_is_put_off_names_none() -> None:
    """In the quiet hours it is not known yet what will be offered: the step is a contact."""
    quiet = replace(FREE, quiet_hours=QuietHours(from_hour=10, to_hour=20))
    effects = said(regular(), contact=quiet)
    (alert,) = alerts_of(effects)
    assert [e.entry.verdict for e in effects if isinstance(e, DecisionLogged)] == ["deferred"]
    step = alert.recommended
    assert step is not None
    assert (step.action, step.offer_id, step.decision_id) == ("contact", None, None)
    assert alert.text["zh"].endswith("下一步：通过推送消息联系")


def test_the_complaint_that_is_to_be_settled_is_named() -> None:
    """Its signal may be old by then: the newest cases in words, all of them as a field."""
    opened = reduce(counters.add, [T0 - day * DAY_MS for day in (80, 70, 60)], None)
    ids = ("s-0", "s-1", "s-2", "s-3")  # the first is forgotten
    many = {"service_cases": ids, "counters": {"service_cases": opened}}
    effects = said(regular(**many))
    (alert,) = alerts_of(effects)
    assert alert.recommended is not None
    assert alert.recommended.service_case_ids == ("s-1", "s-2", "s-3")
    assert alert.text["en"].endswith("the complaint (case s-2, s-3) by phone, send no coupon")
    assert alert.text["ja"].endswith("電話で苦情（案件s-2、s-3）を解決する（クーポンは送らない）")
    assert alert.text["zh"].endswith("通过电话处理投诉（案例s-2，s-3），不发优惠券")
    for fields in ({}, FORGOTTEN):
        (alert,) = alerts_of(said(regular(signals=(COMPLAINT,), **fields)))
        assert alert.recommended is not None
        assert alert.recommended.service_case_ids == ()
        assert "settle the complaint by phone" in alert.text["en"]


@pytest.mark.parametrize(
    ("silent_days", "days"),
    [(20, 7.0), (88, 3.0), (91, 7.0), (120, 7.0)],
    ids=["a week", "lost in three days", "at the end", "silent for longer"],
)
def test_act_before_is_no_later_than_the_day_on_which_the_person_is_lost(
    silent_days: int, days: float
) -> None:
    """The case ends then with `lapsed`; who is past it and shows a strong signal has a week."""
    first = rhythm.record_purchase(None, T0 - 150 * DAY_MS, 50.0)
    bought = rhythm.record_purchase(first, T0 - silent_days * DAY_MS, 50.0)
    step = entered(_buyer(rhythm=bought)).recommended
    assert step is not None
    assert step.act_before == from_ms(T0 + round(days * DAY_MS))


def test_what_to_do_stands_behind_the_reason() -> None:
    """A complaint is settled, a control is left alone, in words; and nothing is offered."""
    for fields, churn, words in (
        (OPEN_CASE, TREATED, "settle the complaint (case s-1) by phone, send no coupon"),
        (
            {},
            ChurnDefinition(control_share=1.0),
            "none, this case is left untreated for comparison",
        ),
    ):
        effects = said(regular(**fields), churn=churn)
        (alert,) = alerts_of(effects)
        assert alert.text["en"].endswith(f". Next step: {words}")
        assert not any(isinstance(e, DecisionLogged) for e in effects)


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({}, "We have not seen you"),
        ({"signals": (SeenSignal("low_nps", 0.9, T0 - 2, ("e",)),)}, "Thank you for your honest"),
        ({"signals": (SeenSignal("low_nps", 0.9, T0 - 40 * DAY_MS, ("e",)),)}, "We have not seen"),
        ({"signals": (SeenSignal("complaint", 0.7, T0, ("e",)),)}, "We are sorry"),
    ],
    ids=["silence", "newest signal", "bought since", "complaint"],
)
def test_what_may_be_said_to_the_person(fields: dict[str, Any], begins: str) -> None:
    """In three languages, an answer to what they did last; never a word of risk or of leaving."""
    step = entered(_buyer(**fields)).recommended
    assert step is not None
    assert step.say is not None
    assert step.say["en"].startswith(begins)
    for texts in (GREETING, APOLOGY, *SAID.values()):
        assert set(texts) == LANGUAGES
        assert not any(word in texts["en"].lower() for word in ("risk", "leav", "cancel", "%"))


def test_every_step_and_channel_has_its_words_in_every_language() -> None:
    """And every sentence has room for what it is about."""
    assert all(set(texts) == LANGUAGES for texts in (*CHANNELS.values(), *NEXT_STEPS.values()))
    for action, texts in NEXT_STEPS.items():
        assert all("{channel}" in text for text in texts.values())
        assert all(("{offer}" in text) == (action == "offer") for text in texts.values())
        named = action == "service_recovery"
        assert all(("{cases}" in text) == named for text in texts.values())
