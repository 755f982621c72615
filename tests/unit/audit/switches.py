"""For every rule of the auditor: the product with that rule switched off, and a tempting history.

Where a rule stands in the reference data, the product is given data without it and the auditor the
true ones (`lax`). Where it stands in code, the code is changed for one test (`patch`). What no rule
of the product but only its honesty holds is spoilt in what goes out (`spoil`).
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from streams import customer
from streams.alerts import churn_signals, endings, life_cycle, moves, next_step
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert, DecisionLog, NextBestOffer
from streams.customer import carts, consents, visit_times, zones
from streams.decisions import Policy, choose, deferral
from streams.decisions.exploration import Draw
from streams.decisions.exploration import draw as honest
from streams.feedback import case_follow_up
from streams.identity import privacy
from tests.support.audited import Outputs
from tests.support.told import (
    Fields,
    a_shop,
    an_offer,
    consent,
    event,
    order,
    sighting,
    view,
    with_rule,
)
from tests.unit.audit.stories import BROKEN, DAY, used

SHOP_CHURN = {"min_purchases": 2, "control_share": 0.0, "contact_cost": 0.0}


class Switch(Struct, frozen=True):
    """How a rule is switched off, over which history, and by which shop it is judged."""

    events: list[Fields]
    shop: Fields
    lax: Callable[[Fields], Fields] = lambda shop: shop
    patch: Callable[[pytest.MonkeyPatch], None] = lambda _: None
    change: Callable[[Policy], Policy] = lambda policy: policy
    spoil: Callable[[Outputs], Outputs] = lambda outputs: outputs


def sure(shop: Fields) -> Fields:
    """The shop with offers that are worth making, and hardly any exploration."""
    offers = [{"expected_rate": 0.5} | o | {"margin": 10 * o["margin"]} for o in shop["offers"]]
    policies = {"arbitration": {"exploration": "epsilon", "epsilon": 0.001}} | shop["policies"]
    return shop | {"offers": offers, "policies": policies}


def story(name: str, **how: Any) -> Switch:
    """The history and the shop of a story that breaks the rule."""
    told = BROKEN[name]
    return Switch(told.events, sure(told.shop or a_shop()), **how)


def offers(**fields: Any) -> Callable[[Fields], Fields]:
    """Every offer with these fields."""
    return lambda shop: shop | {"offers": [o | fields for o in shop["offers"]]}


def contact(**fields: Any) -> Callable[[Fields], Fields]:
    """The contact policy with these fields."""
    return lambda shop: policies(contact=shop["policies"]["contact"] | fields)(shop)


def policies(**fields: Any) -> Callable[[Fields], Fields]:
    """The policies with these fields."""
    return lambda shop: shop | {"policies": shop["policies"] | fields}


def rule(rule_id: str, **fields: Any) -> Callable[[Fields], Fields]:
    """One trigger rule with these fields."""
    return lambda shop: with_rule(shop, rule_id, **fields)


def swapped(target: Any, name: str, instead: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """Something of the product is replaced."""
    return lambda monkeypatch: monkeypatch.setattr(target, name, instead)


def without(code: str) -> Callable[[Policy], Policy]:
    """Eligibility without one of its rules."""

    def change(policy: Policy) -> Policy:
        return replace(policy, rules=tuple(r for r in policy.rules if r.code != code))

    return change


def drawn(**fields: Callable[[Draw], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """A draw that is logged otherwise than it was made."""

    def draw(*asked: Any) -> Draw:
        made: Draw = honest(*asked)
        return replace(made, **{name: change(made) for name, change in fields.items()})

    return swapped(choose, "draw", draw)


def edited(topic: str, kind: Any, change: Callable[[Any], list[Any]]) -> Callable[..., Outputs]:
    """Each record of a topic becomes others."""

    def spoil(outputs: Outputs) -> Outputs:
        found: Outputs = []
        for name, value in outputs:
            if name != topic:
                found.append((name, value))
                continue
            records = change(msgspec.json.decode(value, type=kind))
            found += [(name, msgspec.json.encode(record)) for record in records]
        return found

    return spoil


def on_offers(change: Callable[[Any], list[Any]]) -> Callable[..., Outputs]:
    """Each offer becomes others."""
    return edited("next-best-offers", NextBestOffer, change)


def on_entries(change: Callable[[Any], list[Any]]) -> Callable[..., Outputs]:
    """Each record of the decision log becomes others."""
    return edited("decision-log", DecisionLog, change)


def on_alerts(change: Callable[[Any], list[Any]]) -> Callable[..., Outputs]:
    """Each alert becomes others."""
    return edited("churn-alerts", ChurnAlert, change)


def on_outcomes(change: Callable[[Any], list[Any]]) -> Callable[..., Outputs]:
    """Each outcome of a case becomes others."""
    return edited("case-outcomes", CaseOutcome, change)


WEEK = 7 * DAY
REGULAR = [
    order(-n * WEEK, f"o{n}", total={"amount": "90.00", "currency": "EUR"})
    for n in range(55, 39, -1)
]
MUCH_LATER = view(0, "much-later", identity={"customer_id": "other"})
PROFILED = consent(-56 * WEEK, "profiled")
ONE_DAY = [
    order(-40 * WEEK - 60 * n, f"only-{n}", total={"amount": "900.00", "currency": "EUR"})
    for n in (1, 0)
]
GONE = event(
    "gone", "erasure_requested", -30 * WEEK, request_id="r", requested_at="2025-08-04T12:00:00Z"
)
NOT_PROFILED = consent(-20 * WEEK, "not", purposes={"profiling": "denied"})
SAME = event(
    "same",
    "identity_linked",
    -39 * WEEK,
    link={"from": "x9", "to": "c1", "method": "loyalty_scan"},
)
TEA = {"product_id": "p1", "category": "tea", "price": 5.0}
ADDED = event("add", "product_added", 0, product=TEA)


SNOOZED = event(
    "snoozed", "retention_outcome", -35 * WEEK, outcome={"alert_id": "a0", "result": "snoozed"}
)
UPSET = event("upset", "service_case_opened", -37 * WEEK, case={"case_id": "s1"})
BYE = event("bye", "account_cancel_page_viewed", -36 * WEEK, channel="web", page={"path": "/bye"})


def leaving(*events: Fields, churn: Fields = SHOP_CHURN, **how: Any) -> Switch:
    """Somebody who bought every week, then no more, and looked at the page for leaving."""
    later = sorted((*events, BYE), key=lambda event: str(event["occurred_at"]))
    history = [PROFILED, *REGULAR, *later, MUCH_LATER]
    return Switch(history, sure(a_shop(churn=churn)), **how)


def _never_kept(*moved: Any) -> Any:
    return replace(_moved(*moved), case=None, armed=True)


_moved = life_cycle._moved


def _always_treated(person: Any, raised: Any, now_ms: int) -> Any:
    return _trigger_events(person, replace(raised, case=replace(raised.case, treated=True)), now_ms)


_trigger_events = life_cycle._trigger_events


def _opened_at_once(person: Any, *_: Any, **__: Any) -> moves.Move | None:
    return None if person.churn.case else moves.Move("entered")


def _not_erased(request: Any, key: str, row: Any, **how: Any) -> Any:
    return replace(_requested(request, key, row, **how), row=row)


_requested = privacy.requested


def everywhere(name: str, instead: Any, *targets: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """Something of the product is replaced wherever it is used."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        for target in targets:
            monkeypatch.setattr(target, name, instead)

    return patch


def _yes(*_: Any) -> bool:
    return True


def _no(*_: Any) -> bool:
    return False


ALL = frozenset({"personalization"})
ANOTHER_ARM = policies(experiment={"arms": [{"name": "z", "share": 1.0, "chooser": "policy"}]})

SWITCHES: dict[str, Switch] = {
    "logged": story("logged", spoil=on_entries(lambda _: [])),
    "once": story("moment", spoil=on_offers(lambda o: [o, o])),
    "person": Switch(
        [consent(), view(0, "w", identity={"customer_id": "c2"}), view()],
        sure(a_shop()),
        spoil=on_offers(lambda o: [replace(o, customer_id="c2")]),
    ),
    "erased": story("erased", patch=swapped(privacy, "requested", _not_erased)),
    "moment": story(
        "moment",
        spoil=on_offers(
            lambda o: [replace(o, trigger=replace(o.trigger, kind="application_opened"))]
        ),
    ),
    "in_time": Switch(
        BROKEN["in_time"].events,
        sure(with_rule(a_shop(), "application_opened", enabled=False)),
        lax=policies(offer_ttl_late_ms=3_600_000),
    ),
    "rule_on": story("rule_on", lax=rule("product_viewed", enabled=True)),
    "dwell": story("dwell", lax=rule("product_viewed", min_dwell_ms=0)),
    "when": story("when", lax=rule("product_viewed", when="true")),
    "rearm": story("rearm", lax=rule("product_viewed", rearm_ms=0)),
    "cart_there": Switch(
        [consent(), ADDED, order(30, "buy"), view(90, "later", channel="app")],
        sure(a_shop()),
        patch=swapped(carts, "bought", lambda cart, *_: cart),
    ),
    "cart_rested": Switch(
        [consent(), ADDED, event("later", "application_opened", 70)],
        sure(a_shop()),
        lax=rule("cart_abandoned", after_ms=3_000_000),
    ),
    "in_zone": Switch(
        [consent(), sighting(0, "s1"), sighting(3, "s2", "exit"), view(1, "later")],
        sure(a_shop()),
        patch=swapped(zones, "_left", lambda visit, *_: visit),
    ),
    "zone_dwell": story("zone_dwell", lax=policies(zones={"min_dwell_ms": 0})),
    "zone_consent": Switch(
        [*BROKEN["zone_consent"].events, view(1, "later")],
        sure(a_shop()),
        patch=everywhere("is_granted", _yes, zones, visit_times, consents),
    ),
    "case_open": leaving(
        churn=SHOP_CHURN | {"control_share": 1.0},
        patch=swapped(life_cycle, "_trigger_events", _always_treated),
    ),
    "still_new": story(
        "moment",
        spoil=on_offers(
            lambda o: [replace(o, trigger=replace(o.trigger, kind="second_purchase_due"))]
        ),
    ),
    "purpose_consent": story(
        "purpose_consent", patch=swapped(choose, "agreed_purposes", lambda *_: ALL)
    ),
    "channel_consent": Switch(
        BROKEN["channel_consent"].events,
        sure(with_rule(a_shop(), "product_viewed", enabled=False)),
        patch=swapped(choose, "agreed_purposes", lambda *_: ALL),
    ),
    "holdout": story(
        "holdout",
        lax=policies(experiment={"arms": [{"name": "policy", "share": 1.0, "chooser": "policy"}]}),
    ),
    "offer_holdout": story("offer_holdout", lax=offers(holdout_share=0.0)),
    "arm": story("moment", lax=ANOTHER_ARM),
    "caps": story("caps", lax=contact(caps=[])),
    "calendar_day": story("calendar_day", lax=contact(calendar_day_max=100)),
    "min_gap": story("min_gap", lax=contact(min_gap_ms=0)),
    "quiet_hours": Switch(
        BROKEN["quiet_hours"].events,
        sure(with_rule(a_shop(), "product_viewed", enabled=False)),
        lax=contact(quiet_hours={"from_hour": 0, "to_hour": 0}),
    ),
    "known_offer": Switch([consent(), view()], sure(a_shop()), lax=offers(offer_id="withdrawn")),
    "paused": story("paused", lax=offers(paused=False)),
    "budget": story("budget", lax=offers(budget=1_000.0)),
    "live": story("live", lax=offers(valid_until="2030-01-01T00:00:00Z")),
    "channel": story("channel", lax=offers(channels=["app"])),
    "trigger": story("trigger", lax=offers(triggers=[])),
    "store": story("store", lax=offers(conditions={})),
    "stock": story("stock", lax=lambda shop: shop | {"inventory": []}),
    "offer_cap": story("offer_cap", lax=offers(cap=None)),
    "once_per_person": Switch(
        [consent(), view(0, "v1"), used("TEA-10"), view(10, "v2")],
        sure(BROKEN["once_per_person"].shop),
        lax=offers(once_per_person=False),
    ),
    "already_open": story("already_open", change=without("already_open")),
    "never_with": Switch(
        BROKEN["never_with"].events,
        sure(
            a_shop(
                an_offer(never_with=["b"], redeem_within_days=1),
                an_offer(offer_id="b", margin=1.0, redeem_within_days=1),
            )
        ),
        lax=offers(never_with=[]),
    ),
    "not_after": Switch(
        BROKEN["not_after"].events,
        sure(a_shop(an_offer(redeem_within_days=2), an_offer(offer_id="b", not_after={"a": 1}))),
        lax=offers(not_after={}),
    ),
    "refused": story("refused", change=without("refused")),
    "segment": story("segment", lax=offers(segment="true")),
    "lever": story("lever", lax=policies(levers=[])),
    "sent": story("moment", spoil=on_offers(lambda _: [])),
    "logged_once": story("moment", spoil=on_entries(lambda e: [e, e])),
    "probabilities": story("moment", patch=drawn(no_offer=lambda d: d.no_offer + 0.1)),
    "chosen_probability": story(
        "moment", spoil=on_entries(lambda e: [replace(e, action_probability=0.5)])
    ),
    "explored": story(
        "moment", patch=drawn(probabilities=lambda _: (1.0,), no_offer=lambda _: 0.0)
    ),
    "withheld": story(
        "paused",
        spoil=on_entries(
            lambda e: [replace(e, candidates=tuple(replace(c, probability=0.1) for c in e.offers))]
        ),
    ),
    "class_order": story("class_order", change=lambda policy: replace(policy, has_ranks=False)),
    "logged_arm": story("moment", lax=ANOTHER_ARM),
    "alert_once": leaving(spoil=on_alerts(lambda a: [a, a])),
    "alert_person": leaving(
        SAME,
        spoil=on_alerts(lambda a: [replace(a, customer_id="x9")]),
    ),
    "alert_erased": leaving(GONE, patch=swapped(privacy, "requested", _not_erased)),
    "alert_consent": Switch(
        [*REGULAR, BYE, MUCH_LATER],
        sure(a_shop(churn=SHOP_CHURN)),
        patch=everywhere("is_granted", _yes, moves, endings, churn_signals, customer),
    ),
    "one_case": leaving(patch=swapped(life_cycle, "_moved", _never_kept)),
    "transition": leaving(spoil=on_alerts(lambda a: [] if a.transition == "entered" else [a])),
    "enough_orders": Switch(
        [PROFILED, *ONE_DAY, BYE, MUCH_LATER],
        sure(a_shop(churn=SHOP_CHURN)),
        lax=policies(churn=SHOP_CHURN | {"min_purchases": 1}),
    ),
    "armed": leaving(patch=swapped(life_cycle, "_moved", _never_kept)),
    "silenced": leaving(SNOOZED, patch=swapped(moves, "_is_snoozed", _no)),
    "bought_today": leaving(patch=swapped(life_cycle, "next_move", _opened_at_once)),
    "band": leaving(spoil=on_alerts(lambda a: [replace(a, risk=0.01)])),
    "stated_risk": leaving(spoil=on_alerts(lambda a: [replace(a, score=0.9)])),
    "news": leaving(
        spoil=on_alerts(lambda a: [a, replace(a, alert_id="again", transition="escalated")])
    ),
    "ending": leaving(
        spoil=on_alerts(lambda a: [replace(a, resolved_by=a.resolved_by and "bought")])
    ),
    "untreated": leaving(
        churn=SHOP_CHURN | {"control_share": 1.0},
        spoil=on_alerts(
            lambda a: [replace(a, recommended={"channel": "push", "act_before": a.raised_at})]
        ),
    ),
    "alert_offer": leaving(
        spoil=on_alerts(
            lambda a: [
                replace(a, recommended=a.recommended and replace(a.recommended, offer_id="b"))
            ]
        )
    ),
    "recovery": leaving(UPSET, patch=everywhere("complains", _no, next_step, life_cycle, deferral)),
    "silence": leaving(spoil=on_alerts(lambda a: [replace(a, days_since_last_purchase=1.0)])),
    "evidence": leaving(
        spoil=on_alerts(
            lambda a: [
                replace(a, signals=tuple(replace(s, evidence_event_ids=("e0",)) for s in a.signals))
            ]
        )
    ),
    "case_left_open": leaving(
        NOT_PROFILED,
        patch=swapped(moves, "is_granted", lambda *_: True),
        spoil=on_alerts(lambda a: [] if a.transition == "resolved" else [a]),
    ),
    "outcome_person": leaving(SAME, spoil=on_outcomes(lambda o: [replace(o, customer_id="x9")])),
    "outcome_consent": leaving(
        consent(-30 * WEEK, "not", purposes={"profiling": "denied"}),
        patch=everywhere("is_granted", _yes, endings, moves),
    ),
    "outcome_case": leaving(spoil=on_outcomes(lambda o: [replace(o, risk=o.risk / 2)])),
    "outcome_once": leaving(spoil=on_outcomes(lambda o: [o, o])),
    "outcome_when": leaving(spoil=on_outcomes(lambda o: [replace(o, known_at=o.entered_at)])),
    "outcome_result": leaving(
        order(-30 * WEEK, "back"), patch=swapped(case_follow_up, "_bought_ms", lambda *_: None)
    ),
}
