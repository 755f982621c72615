"""For every rule of the auditor a story that breaks this rule alone, and one that keeps it."""

from typing import Any

from msgspec.structs import replace

from tests.support.told import (
    Fields,
    Story,
    a_shop,
    an_offer,
    at,
    candidate,
    consent,
    event,
    feedback,
    followed,
    order,
    said,
    sighting,
    view,
    warned,
    with_rule,
)

YES = consent()
HOUR, DAY = 60.0, 1_440.0
OVER = 91 * DAY
LEVER = {
    "lever_id": "more", "offer_id": "a", "amount": 0.5, "reason": "autumn",
    "valid_until": "2026-03-02T12:00:01Z",
}  # fmt: skip
DEFAULTS = a_shop(an_offer(), an_offer(offer_id="b", **{"class": "default"}))
NO_LEVER = LEVER | {"lever_id": "over", "valid_until": "2026-03-02T12:00:00Z"}


def viewed(shop: Fields, *before: Fields, **fields: Any) -> Story:
    """Somebody looks at a product and is made an offer of this shop."""
    return Story([YES, *before, view()], [said(**fields)], shop=shop)


def twice(shop: Fields, first: Fields, second: Fields, *between: Fields) -> Story:
    """Two offers, each at a view of its own: at noon, and when the second is said."""
    minutes = second.pop("minutes")
    events = [YES, view(0, "v1"), *between, view(minutes, "v2")]
    return Story(events, [said(0, "v1", **first), said(minutes, "v2", **second)], shop=shop)


def two(**fields: Any) -> Fields:
    """A shop with the offers a and b, a as `fields` say."""
    return a_shop(an_offer(**fields), an_offer(offer_id="b"))


def pushed(minutes: float, **fields: Any) -> Story:
    """An offer by push, in Berlin."""
    looked = view(minutes, context={"timezone": "Europe/Berlin"})
    return Story([YES, looked], [said(minutes, rule="push", channel="push", **fields)])


def reminded(minutes: float, *between: Fields) -> Story:
    """A product in the cart at noon, and a reminder of it later."""
    product = {"product_id": "p1", "category": "tea", "price": 5.0}
    added = event("add", "product_added", 0, product=product)
    offer = said(minutes, "cart-1", kind="cart_abandoned")
    later = event("later", "application_opened", minutes + 1)
    return Story([YES, added, *between, later], [offer])


def in_zone(seconds: float, *sightings: Fields, consents: Fields = YES) -> Story:
    """An offer at the last sighting, said so many seconds after noon."""
    last = sightings[-1]["event_id"]
    offer = said(seconds / 60, last, kind="zone_entered")
    return Story([consents, *sightings], [offer])


def leaving(*alerts: Fields, events: tuple[Fields, ...] = (), shop: Fields | None = None) -> Story:
    """Somebody who bought twice, and alerts."""
    orders = (order(-90 * DAY, "o1"), order(-60 * DAY, "o2"))
    told = [*orders, consent(-59 * DAY), *events]
    return Story(told, alerts=list(alerts), shop=shop or {})


def entered(minutes: float = 0, alert_id: str = "a1", **fields: Any) -> Fields:
    """The alert that opens the case of who bought last 60 days before noon."""
    days = 60 + minutes / DAY
    return warned(minutes, alert_id, **({"days_since_last_purchase": days} | fields))


def moved(minutes: float, alert_id: str, transition: str, band: str, before: str) -> Fields:
    """An alert of a case that is open."""
    risk = {"low": 0.1, "medium": 0.6, "high": 0.8}[band]
    fields = {"risk_band": band, "previous_band": before, "risk": risk}
    if transition == "resolved":
        fields["resolved_by"] = "risk_fell"
    return entered(minutes, alert_id, transition=transition, **fields)


def left(
    *outcomes: Fields, alerts: tuple[Fields, ...] = (), events: tuple[Fields, ...] = ()
) -> Story:
    """Outcomes of the case of noon; after 91 days its horizon is over."""
    return replace(leaving(entered(), *alerts, events=events), outcomes=list(outcomes))


def offered_to_leave(*alerts: Fields, minutes: float = 0) -> Story:
    """An offer to who is leaving, at the first alert's moment or later."""
    story = leaving(*alerts)
    offer = said(minutes, alerts[0]["alert_id"], kind="churn_band_entered")
    return Story(story.events, [offer], list(alerts))


def due_second(*orders: Fields) -> Story:
    """An offer to somebody whose second purchase is due at noon."""
    offer = said(0, "s-1", kind="second_purchase_due")
    before = consent(-3 * DAY)
    return Story([before, *orders, event("z", "application_opened", 9)], [offer])


def logged(**entry: Any) -> Story:
    """An offer whose entry of the log says this."""
    return viewed(a_shop(), entry=entry)


HOLDOUT = {"arms": [{"name": "holdout", "share": 1.0, "chooser": "holdout"}]}
UNIFORM = {"arms": [{"name": "uniform", "share": 1.0, "chooser": "uniform"}]}
BOTH = {"customer_id": "c1", "anonymous_id": "x"}
GONE = event(
    "gone",
    "erasure_requested",
    10,
    request_id="r1",
    requested_at="2026-03-02T12:10:00+00:00",
)
AT_12_S = event("open", "application_opened", 12 / 60)
NOTHING: dict[str, Any] = {
    "verdict": "no_offer",
    "chosen_offer_id": None,
    "action_probability": 0.05,
}
SILENT_5 = 5 / DAY
AGAIN = 2 * DAY + 5
CAP = {"contact": {"caps": [{"count": 1, "days": 1.0}]}}
NOT_PROFILED = consent(-1, "no", purposes={"profiling": "denied"})
OTHER = view(5, "other", identity={"customer_id": "c0"})
SMALLER = {"from": "c0", "to": "c1", "method": "loyalty_scan"}
UNTREATED = {"id": "e", "arm": "untreated", "holdout": True}
CALL = {"channel": "call_center", "act_before": "2026-04-01T00:00:00Z"}
OWN = {"from": "x9", "to": "c1", "method": "loyalty_scan"}
BREAD = {"product_id": "bread", "category": "bakery", "unit_price": 2.0, "quantity": 1}
CERTAIN = {"candidates": [candidate("a", 1.0)], "no_offer_probability": 0.0}
PUT_OFF: dict[str, Any] = {
    "verdict": "deferred",
    "chosen_offer_id": None,
    "action_probability": 1.0,
    "no_offer_probability": 1.0,
    "candidates": [candidate("a", 0.0, "quiet_hours")],
}
COUPON = {"coupon": {"code": "TEA-10"}}
RESERVED = {"reserved": "5.00"}


def used(code: str) -> Fields:
    """An order that shows a coupon."""
    return order(5, "use", coupons=[{"code": code}])


def sign(event_id: str) -> Fields:
    """A sign of leaving that an event shows."""
    return {
        "code": "cancel_page",
        "strength": 0.9,
        "observed_at": "2026-03-02T12:00:00Z",
        "evidence_event_ids": [event_id],
    }


def lifting(lift: float) -> Fields:
    """The same sign, and what it does to the odds."""
    return sign("o2") | {"lift": lift}


TOLD = CALL | {"action": "offer", "channel": "app", "offer_id": "a", "decision_id": "d-a1"}
SETTLE = CALL | {"action": "service_recovery"}
LIFTED: dict[str, Any] = {"score": 0.5, "risk": 0.6, "risk_band": "medium"}


def reported(minutes: float, result: str, **fields: Any) -> Fields:
    """What the CRM says of an alert of long ago."""
    outcome = {"alert_id": "a0", "result": result, **fields}
    return event(f"crm-{result}", "retention_outcome", minutes, outcome=outcome)


def complaint() -> Fields:
    """A complaint that no purchase has answered."""
    return lifting(1.5) | {"code": "complaint"}


SAVED = {"alert_id": "a1", "result": "saved"}
BROKEN: dict[str, Story] = {
    "logged": viewed(a_shop(), entry=None),
    "once": Story(
        [YES, view()], [said(), said(entry=None)], shop=a_shop(an_offer(redeem_within_days=1e-9))
    ),
    "person": Story([YES, view(identity={"customer_id": "c2"}), view(0, "w")], [said()]),
    "erased": Story([YES, GONE, consent(11, "again"), view(5)], [said(11)]),
    "moment": viewed(a_shop(), kind="application_opened"),
    "in_time": Story(
        [YES, event("open", "application_opened", 11), view(0)], [said(11)], shop=a_shop()
    ),
    "rule_on": viewed(with_rule(a_shop(), "product_viewed", enabled=False)),
    "dwell": viewed(with_rule(a_shop(), "product_viewed", min_dwell_ms=6_000)),
    "when": viewed(
        with_rule(a_shop(), "product_viewed", when="trigger.category == 'coffee'"),
    ),
    "rearm": twice(with_rule(a_shop(), "product_viewed", rearm_ms=3_600_000), {}, {"minutes": 59}),
    "cart_there": reminded(70, order(65, "buy", items=[])),
    "cart_rested": reminded(59),
    "in_zone": in_zone(
        12, sighting(0, "s1"), sighting(11, "exit", "exit"), AT_12_S, sighting(10, "s2")
    ),
    "zone_dwell": in_zone(4, sighting(0, "s1"), sighting(4, "s2")),
    "zone_consent": in_zone(
        10,
        sighting(0, "s1"),
        sighting(10, "s2"),
        consents=consent(purposes={"personalization": "granted", "location_beacon": "denied"}),
    ),
    "case_open": offered_to_leave(entered(), moved(5, "a2", "resolved", "low", "high"), minutes=10),
    "still_new": due_second(order(-2 * DAY, "o1"), order(-DAY, "o2")),
    "purpose_consent": viewed(a_shop(), consent(-1, "no", purposes={"personalization": "denied"})),
    "channel_consent": Story(
        [consent(purposes={"personalization": "granted", "marketing_push": "unset"}), view()],
        [said(rule="push", channel="push")],
    ),
    "holdout": viewed(a_shop(experiment=HOLDOUT), arm="holdout"),
    "offer_holdout": viewed(a_shop(an_offer(holdout_share=0.999_999))),
    "arm": viewed(
        a_shop(),
        arm="other",
        entry={"experiment": {"id": "global", "arm": "policy", "holdout": False}},
    ),
    "caps": twice(a_shop(**CAP), {}, {"minutes": DAY - 1}),
    "calendar_day": twice(a_shop(contact={"calendar_day_max": 1}), {}, {"minutes": 11 * HOUR}),
    "min_gap": twice(a_shop(contact={"min_gap_ms": 1_800_000}), {}, {"minutes": 29}),
    "quiet_hours": pushed(9 * HOUR),
    "known_offer": viewed(a_shop(), offer_id="z"),
    "paused": viewed(a_shop(an_offer(paused=True))),
    "budget": twice(
        a_shop(an_offer(discount=5.0, budget=9.99)), dict(RESERVED), {"minutes": 10, **RESERVED}
    ),
    "lever": viewed(a_shop(levers=[LEVER])),
    "live": viewed(a_shop(an_offer(valid_until="2026-03-02T12:00:00Z"))),
    "channel": viewed(a_shop(an_offer(channels=["web"]))),
    "trigger": viewed(a_shop(an_offer(triggers=["zone_entered"]))),
    "store": viewed(a_shop(an_offer(conditions={"store_ids": ["s1"]}))),
    "stock": viewed(
        a_shop(an_offer(stock_product_id="p1"))
        | {"inventory": [{"product_id": "p1", "store_id": "*", "quantity": 0}]}
    ),
    "offer_cap": twice(a_shop(an_offer(cap={"count": 1, "days": 1})), {}, {"minutes": DAY - 1}),
    "once_per_person": twice(
        a_shop(an_offer(once_per_person=True, coupon_code="TEA-10", redeem_within_days=0.005)),
        COUPON,
        {"minutes": 10, **COUPON},
        used("tea-10"),
    ),
    "already_open": twice(a_shop(an_offer(redeem_within_days=1)), {}, {"minutes": DAY - 1}),
    "never_with": twice(
        two(never_with=["b"], redeem_within_days=1), {}, {"minutes": DAY - 1, "offer_id": "b"}
    ),
    "not_after": twice(
        a_shop(an_offer(), an_offer(offer_id="b", not_after={"a": 1})),
        {},
        {"minutes": DAY - 1, "offer_id": "b"},
    ),
    "refused": twice(
        a_shop(), {}, {"minutes": 10}, feedback(5, "offer_refused_not_relevant", "d-v1")
    ),
    "segment": viewed(a_shop(an_offer(segment="person.orders >= 1.0"))),
    "sent": viewed(a_shop(), withhold=True),
    "logged_once": viewed(a_shop(), withhold=True, entry=[NOTHING, NOTHING]),
    "probabilities": logged(no_offer_probability=0.06),
    "chosen_probability": Story([YES, view()], [said(probability=0.9)], shop=a_shop()),
    "explored": Story(
        [YES, view()],
        [said(probability=1.0, entry=CERTAIN)],
    ),
    "withheld": viewed(
        a_shop(),
        probability=0.9,
        entry={"candidates": [candidate("a", 0.9), candidate("b", 0.05, "paused")]},
    ),
    "class_order": viewed(
        DEFAULTS,
        probability=0.9,
        entry={"candidates": [candidate("a", 0.9), candidate("b", 0.05)]},
    ),
    "logged_arm": logged(experiment={"id": "global", "arm": "other", "holdout": False}),
    "alert_once": leaving(
        entered(),
        moved(5, "a2", "deescalated", "medium", "high"),
        moved(5, "a2", "deescalated", "medium", "high"),
    ),
    "alert_person": leaving(
        entered(20), events=(OTHER, event("same", "identity_linked", 10, link=SMALLER))
    ),
    "alert_erased": leaving(
        entered(),
        moved(20, "a2", "resolved", "low", "high") | {"days_since_last_purchase": None},
        events=(GONE,),
    ),
    "alert_consent": leaving(
        entered(), moved(5, "a2", "resolved", "low", "high"), events=(NOT_PROFILED,)
    ),
    "one_case": leaving(
        entered(),
        entered(AGAIN, "a2", case_id="case-2", days_since_last_purchase=2),
        moved(AGAIN + 5, "a3", "resolved", "low", "high")
        | {"days_since_last_purchase": 2 + SILENT_5},
        events=(order(5, "o3"),),
    ),
    "transition": leaving(moved(0, "a1", "escalated", "high", "medium")),
    "enough_orders": Story(
        [YES, order(-2 * DAY, "o1")], alerts=[warned(0, "a1", days_since_last_purchase=2)]
    ),
    "armed": leaving(
        entered(), moved(5, "a2", "resolved", "low", "high"), entered(10, "a3", case_id="case-2")
    ),
    "silenced": leaving(entered(), events=(reported(-HOUR, "snoozed"),)),
    "bought_today": leaving(
        entered(10, days_since_last_purchase=SILENT_5), events=(order(5, "o3"),)
    ),
    "band": leaving(entered(risk_band="medium")),
    "stated_risk": leaving(entered(score=0.5)),
    "news": leaving(
        entered(risk_band="medium", risk=0.6, score=0.5, signals=[lifting(1.5)]),
        moved(5, "a2", "escalated", "high", "medium") | {"score": 0.5, "signals": [lifting(4.0)]},
    ),
    "ending": leaving(
        entered(), moved(5, "a2", "resolved", "low", "high") | {"resolved_by": "bought"}
    ),
    "untreated": leaving(entered(experiment=UNTREATED, recommended=CALL)),
    "alert_offer": leaving(entered(recommended=TOLD)),
    "recovery": leaving(entered(signals=[complaint()], recommended=CALL, **LIFTED)),
    "silence": leaving(entered(days_since_last_purchase=10)),
    "evidence": leaving(entered(signals=[sign("nobody-saw-this")])),
    "case_left_open": leaving(
        entered(), events=(consent(5, "no", purposes={"profiling": "denied"}),)
    ),
    "outcome_person": left(
        followed(OVER), events=(OTHER, event("same", "identity_linked", 10, link=SMALLER))
    ),
    "outcome_consent": left(
        followed(OVER),
        alerts=(moved(20, "a2", "resolved", "low", "high"),),
        events=(consent(10, "no", purposes={"profiling": "denied"}),),
    ),
    "outcome_case": left(followed(OVER, risk=0.7)),
    "outcome_once": left(followed(OVER), followed(OVER + 5)),
    "outcome_when": left(followed(OVER - 5)),
    "outcome_result": left(followed(OVER), events=(order(30 * DAY, "o3"),)),
}
KEPT: dict[str, Story] = {
    "logged": viewed(a_shop()),
    "once": twice(a_shop(), {}, {"minutes": 10}),
    "person": Story([YES, view(identity=BOTH)], [said()]),
    "erased": Story([GONE, consent(11, "again"), view(12)], [said(12)]),
    "moment": viewed(a_shop()),
    "in_time": Story([YES, event("open", "application_opened", 10), view(0)], [said(10)]),
    "rule_on": viewed(a_shop()),
    "dwell": viewed(with_rule(a_shop(), "product_viewed", min_dwell_ms=5_000)),
    "when": viewed(with_rule(a_shop(), "product_viewed", when="trigger.category == 'tea'")),
    "rearm": twice(with_rule(a_shop(), "product_viewed", rearm_ms=3_600_000), {}, {"minutes": 60}),
    "cart_there": reminded(70, order(65, "buy", items=[BREAD])),
    "cart_rested": reminded(60),
    "in_zone": in_zone(
        12, sighting(0, "s1"), sighting(13, "exit", "exit"), AT_12_S, sighting(10, "s2")
    ),
    "zone_dwell": in_zone(5, sighting(0, "s1"), sighting(5, "s2")),
    "zone_consent": in_zone(10, sighting(0, "s1"), sighting(10, "s2")),
    "case_open": offered_to_leave(
        entered(), moved(15, "a2", "resolved", "low", "high"), minutes=10
    ),
    "still_new": due_second(order(-2 * DAY, "o1"), order(5, "o2")),
    "purpose_consent": viewed(a_shop(), consent(-1, "no", purposes={"profiling": "denied"})),
    "channel_consent": viewed(a_shop(), rule="push", channel="push"),
    "holdout": viewed(a_shop()),
    "offer_holdout": viewed(a_shop(an_offer(holdout_share=0.000_001))),
    "arm": viewed(a_shop(experiment=UNIFORM), arm="uniform", probability=1.0, entry=CERTAIN),
    "caps": twice(a_shop(**CAP), {}, {"minutes": DAY}),
    "calendar_day": twice(a_shop(contact={"calendar_day_max": 1}), {}, {"minutes": 12 * HOUR}),
    "min_gap": twice(a_shop(contact={"min_gap_ms": 1_800_000}), {}, {"minutes": 30}),
    "quiet_hours": pushed(8 * HOUR),
    "known_offer": viewed(a_shop()),
    "paused": viewed(a_shop()),
    "budget": twice(
        a_shop(an_offer(discount=5.0, budget=10.0)), dict(RESERVED), {"minutes": 10, **RESERVED}
    ),
    "lever": viewed(a_shop(levers=[LEVER, NO_LEVER]), lever=0.5),
    "class_order": viewed(
        DEFAULTS, entry={"candidates": [candidate("a"), candidate("b", 0.0, "outranked")]}
    ),
    "live": viewed(a_shop(an_offer(valid_from="2026-03-02T12:00:00Z"))),
    "channel": viewed(a_shop(an_offer(channels=["app"]))),
    "trigger": viewed(a_shop(an_offer(triggers=["product_viewed"]))),
    "store": viewed(
        a_shop(an_offer(conditions={"store_ids": ["s1"]})),
        event("home", "profile_updated", -5, traits={"home_store_id": "s1"}),
    ),
    "stock": viewed(
        a_shop(an_offer(stock_product_id="p1"))
        | {"inventory": [{"product_id": "p1", "store_id": "*", "quantity": 1}]}
    ),
    "offer_cap": twice(a_shop(an_offer(cap={"count": 1, "days": 1})), {}, {"minutes": DAY}),
    "once_per_person": twice(
        a_shop(an_offer(once_per_person=True, coupon_code="TEA-10", redeem_within_days=0.005)),
        COUPON,
        {"minutes": 10, **COUPON},
        used("TEA-11"),
    ),
    "already_open": twice(a_shop(an_offer(redeem_within_days=1)), {}, {"minutes": DAY}),
    "never_with": twice(
        two(never_with=["b"], redeem_within_days=1), {}, {"minutes": DAY, "offer_id": "b"}
    ),
    "not_after": twice(
        a_shop(an_offer(), an_offer(offer_id="b", not_after={"a": 1})),
        {},
        {"minutes": DAY, "offer_id": "b"},
    ),
    "refused": twice(a_shop(), {}, {"minutes": 10}, feedback(5, "offer_dismissed", "d-v1")),
    "segment": viewed(a_shop(an_offer(segment="person.orders >= 1.0")), order(-5, "o1")),
    "sent": viewed(a_shop()),
    "logged_once": viewed(a_shop(), entry=[PUT_OFF, {}]),
    "probabilities": logged(),
    "chosen_probability": logged(),
    "explored": logged(),
    "withheld": logged(candidates=[candidate(), candidate("b", 0.0, "paused")]),
    "logged_arm": logged(),
    "alert_once": leaving(entered(), moved(5, "a2", "deescalated", "medium", "high")),
    "alert_person": leaving(entered(20), events=(event("same", "identity_linked", 10, link=OWN),)),
    "alert_erased": leaving(entered()),
    "alert_consent": leaving(entered()),
    "one_case": leaving(
        entered(),
        moved(2, "a2", "resolved", "low", "high"),
        entered(AGAIN, "a3", case_id="case-2", days_since_last_purchase=2),
        events=(order(5, "o3"),),
    ),
    "transition": leaving(
        entered(risk_band="medium", risk=0.6), moved(5, "a2", "escalated", "high", "medium")
    ),
    "enough_orders": leaving(entered()),
    "armed": leaving(
        entered(),
        moved(2, "a2", "resolved", "low", "high"),
        entered(AGAIN, "a3", case_id="case-2", days_since_last_purchase=2),
        events=(order(5, "o3"),),
    ),
    "silenced": leaving(
        entered(),
        events=(
            reported(-50 * DAY, "false_alarm"),
            reported(-13 * DAY, "snoozed", snooze_until=at(-1)),
            reported(-2 * HOUR, "contacted"),
        ),
        shop=a_shop(churn={"false_alarm_days": 49.0}),
    ),
    "bought_today": leaving(entered(AGAIN, days_since_last_purchase=2), events=(order(5, "o3"),)),
    "band": leaving(entered()),
    "stated_risk": leaving(entered(score=0.5, signals=[lifting(4.0)])),
    "news": leaving(
        entered(risk_band="medium", risk=0.6),
        moved(5, "a2", "escalated", "high", "medium") | {"score": 0.5, "signals": [lifting(4.0)]},
    ),
    "ending": leaving(
        entered(),
        moved(5, "a2", "resolved", "low", "high") | {"resolved_by": "closed_by_crm"},
        events=(event("crm", "retention_outcome", 3, outcome=SAVED),),
    ),
    "untreated": leaving(entered(experiment=UNTREATED)),
    "alert_offer": offered_to_leave(entered(recommended=TOLD)),
    "recovery": leaving(entered(signals=[complaint()], recommended=SETTLE, **LIFTED)),
    "silence": leaving(
        entered(),
        moved(20, "a2", "resolved", "low", "high")
        | {"days_since_last_purchase": None, "risk": None},
        events=(consent(5, "no", purposes={"profiling": "denied"}),),
    ),
    "evidence": leaving(entered(signals=[sign("o2")])),
    "case_left_open": leaving(entered()),
    "outcome_person": left(followed(OVER)),
    "outcome_consent": left(followed(OVER)),
    "outcome_case": left(followed(OVER)),
    "outcome_once": left(followed(OVER)),
    "outcome_when": left(followed(OVER)),
    "outcome_result": left(
        followed(OVER, result="bought", days_to_purchase=30.0), events=(order(30 * DAY, "o3"),)
    ),
}
