"""Small histories for the auditor: events, and what went out, in a few words each."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from streams.audit import Came, Report, audit
from streams.audit.arrivals import came_of_lines
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert, DecisionLog, NextBestOffer
from streams.contracts.reference.structs import Reference

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Fields = dict[str, Any]
ALL_PURPOSES = (
    "personalization",
    "profiling",
    "location_beacon",
    "marketing_push",
    "marketing_email",
    "marketing_sms",
    "model_training",
)


def at(minutes: float) -> str:
    """So many minutes after noon."""
    return (BEGIN + timedelta(minutes=minutes)).isoformat()


def event(event_id: str, name: str, minutes: float, **fields: Any) -> Fields:
    """An event of customer c1 in the app, unless `fields` say otherwise."""
    made: Fields = {
        "event_id": event_id,
        "event_name": name,
        "occurred_at": at(minutes),
        "identity": {"customer_id": "c1"},
        "channel": "app",
    }
    return made | fields


def consent(minutes: float = -60, event_id: str = "yes", **fields: Any) -> Fields:
    """Consent to everything, or to what `purposes` say."""
    purposes = fields.pop("purposes", dict.fromkeys(ALL_PURPOSES, "granted"))
    return event(event_id, "consent_updated", minutes, purposes=purposes, **fields)


def view(minutes: float = 0, event_id: str = "view", **fields: Any) -> Fields:
    """A product that is looked at for five seconds."""
    product = {"product_id": "p1", "category": "tea", "price": 5.0}
    fields = {"product": product, "screen": {"name": "p", "dwell_ms": 5_000}} | fields
    return event(event_id, "product_viewed", minutes, **fields)


def order(minutes: float, event_id: str, **fields: Any) -> Fields:
    """Ten euros paid."""
    made = {
        "channel": "web",
        "order_id": f"o-{event_id}",
        "total": {"amount": "10.00", "currency": "EUR"},
        "items": [],
    }
    return event(event_id, "order_completed", minutes, **(made | fields))


def feedback(minutes: float, name: str, decision: str, offer_id: str = "a") -> Fields:
    """A report on an offer."""
    return event(f"f-{name}", name, minutes, decision_id=decision, offer_id=offer_id)


BEACON = {"standard": "ibeacon", "uuid": "f7826da6-4fa2-4e98-8024-bc5b71e0893e", "major": 1}


def sighting(seconds: float, event_id: str, observation: str = "sighting", **fields: Any) -> Fields:
    """A strong signal of the beacon at the shelf."""
    names = {"sighting": "beacon_sighted", "enter": "zone_entered", "exit": "zone_exited"}
    made: Fields = {
        "beacon": BEACON | {"minor": 1},
        "observation": observation,
        "store_id": "s1",
        "zone": {"id": "shelf"},
    }
    if observation == "sighting":
        made["rssi_dbm"] = -60
    return event(event_id, names[observation], seconds / 60, **(made | fields))


def an_offer(**fields: Any) -> Fields:
    """An offer of the reference data."""
    made = {
        "offer_id": "a",
        "kind": "percent",
        "title": {"en": "x"},
        "valid_from": "2025-01-01T00:00:00Z",
        "valid_until": "2030-01-01T00:00:00Z",
        "channels": ["app", "web", "push", "store"],
        "redeem_within_days": 0.001,
        "once_per_person": False,
        "margin": 5.0,
    }
    return made | fields


def a_shop(*offers: Fields, **policies: Any) -> Fields:
    """Reference data with loose limits; policies may be changed by their sections."""
    rule = {"channel": "app", "placement": "home", "rearm_ms": 0}
    kinds = (
        "product_viewed", "zone_entered", "churn_band_entered", "application_opened",
        "second_purchase_due",
    )  # fmt: skip
    triggers = [{"rule_id": kind, "kind": kind, **rule} for kind in kinds]
    triggers.append(
        {"rule_id": "push", "kind": "product_viewed", **rule, "channel": "push"},
    )
    triggers.append(
        {"rule_id": "cart_abandoned", "kind": "cart_abandoned", **rule, "after_ms": 3_600_000}
    )
    made: Fields = {
        "triggers": triggers,
        "contact": {"caps": [], "calendar_day_max": 100, "min_gap_ms": 0},
        "experiment": {"arms": [{"name": "policy", "share": 1.0, "chooser": "policy"}]},
    }
    contact = made["contact"] | policies.pop("contact", {})
    return {
        "policies": made | {"contact": contact} | policies,
        "offers": list(offers) or [an_offer()],
    }


def with_rule(shop: Fields, rule_id: str, **fields: Any) -> Fields:
    """The shop with one trigger rule changed."""
    policies = shop["policies"]
    triggers = [t | fields if t["rule_id"] == rule_id else t for t in policies["triggers"]]
    return shop | {"policies": policies | {"triggers": triggers}}


def said(minutes: float = 0, trigger: str = "view", **fields: Any) -> Fields:
    """An offer that went out, with its entry; `entry` changes the entry, None leaves it out."""
    made: Fields = {
        "decision_id": f"d-{trigger}",
        "customer_id": "c1",
        "decided_at": at(minutes),
        "kind": "product_viewed",
        "rule": None,
        "channel": "app",
        "offer_id": "a",
        "arm": "policy",
        "probability": 0.95,
        "lever": 0.0,
        "entry": {},
    }
    return made | {"trigger": trigger} | fields


def warned(minutes: float, alert_id: str, transition: str = "entered", **fields: Any) -> Fields:
    """An alert that went out."""
    made: Fields = {
        "alert_id": alert_id,
        "case_id": "case-1",
        "customer_id": "c1",
        "raised_at": at(minutes),
        "transition": transition,
        "expires_at": at(minutes + 1_000),
        "risk": 0.8,
        "risk_band": "high",
        "previous_band": None,
        "horizon_days": 91,
        "definition_id": "d",
        "days_since_last_purchase": None,
        "expected_next_purchase_at": None,
        "overdue_ratio": None,
        "reason_codes": [],
        "signals": [],
        "value_at_risk": {"amount": "1.00", "currency": "EUR"},
        "recommended": None,
        "text": {"en": "x"},
        "model": {"id": "churn", "version": "1"},
        "experiment": {"id": "e", "arm": "treated", "holdout": False},
        "consent": {"purposes": {}, "policy_version": "1"},
        "traceparent": None,
    } | fields
    return {"score": made["risk"]} | made


def followed(minutes: float, **fields: Any) -> Fields:
    """What became of the case of noon, of who had bought 60 days before: they have left."""
    made: Fields = {
        "case_id": "case-1",
        "customer_id": "c1",
        "known_at": at(minutes),
        "result": "left",
        "entered_at": at(0),
        "horizon_days": 91,
        "arm": "treated",
        "risk_band": "high",
        "risk": 0.8,
        "value_at_risk": {"amount": "1.00", "currency": "EUR"},
        "days_to_purchase": None,
        "lead_days": 31.0,
    }
    return made | fields


class Story(Struct, frozen=True):
    """A history and what went out of it."""

    events: list[Fields]
    offers: list[Fields] = []
    alerts: list[Fields] = []
    shop: Fields = {}
    outcomes: list[Fields] = []


def told(story: Story, *, ordered: bool = True) -> Report:
    """The audit of a story; what went out passes through the real structs."""
    reference = msgspec.convert(story.shop or a_shop(), Reference)
    return audit(came(story.events), records_of(story), reference, ordered=ordered)


def records_of(story: Story) -> list[tuple[str, bytes]]:
    """What went out, as (topic, value)."""
    records = [("churn-alerts", _encoded(alert, ChurnAlert)) for alert in story.alerts]
    records += [("case-outcomes", _encoded(outcome, CaseOutcome)) for outcome in story.outcomes]
    for offer in story.offers:
        records += _records(offer)
    return records


def broken(report: Report) -> set[str]:
    """The names of the rules that were broken."""
    return {v.rule for v in report.violations}


def came(events: list[Fields]) -> list[Came]:
    """Events as lines, and lines as inputs."""
    return list(came_of_lines(json.dumps(e).encode() for e in events))


def _encoded(fields: Fields, kind: Any) -> bytes:
    return msgspec.json.encode(msgspec.convert(fields, kind))


def _records(offer: Fields) -> list[tuple[str, bytes]]:
    common: Fields = {
        "decision_id": offer["decision_id"],
        "customer_id": offer["customer_id"],
        "decided_at": offer["decided_at"],
        "trigger": {
            "event_id": offer["trigger"],
            "kind": offer["kind"],
            "rule_id": offer["rule"] or offer["kind"],
        },
        "channel": offer["channel"],
        "placement": "home",
        "action_probability": offer["probability"],
        "policy": {"id": "p", "version": "1"},
        "model": offer.get("model", {"id": "m", "version": "1"}),
        "experiment": {"id": "global", "arm": offer["arm"], "holdout": offer["arm"] == "holdout"},
        "traceparent": None,
    }
    records = []
    if not offer.get("withhold"):
        records.append(("next-best-offers", _encoded(common | _of_offer(offer), NextBestOffer)))
    records += [
        ("decision-log", _encoded(common | _of_entry(offer) | entry, DecisionLog))
        for entry in _entries(offer)
    ]
    return records


def _entries(offer: Fields) -> list[Fields]:
    entry = offer["entry"]
    if entry is None:
        return []
    return entry if isinstance(entry, list) else [entry]


def candidate(offer_id: str = "a", probability: float = 0.95, why_not: Any = None) -> Fields:
    """A line of the decision log."""
    return {
        "offer_id": offer_id,
        "why_not": why_not,
        "terms": None,
        "probability": probability,
        "features": [],
    }


def _euros(amount: str | None) -> Fields | None:
    return None if amount is None else {"amount": amount, "currency": "EUR"}


def _of_entry(offer: Fields) -> Fields:
    return {
        "verdict": "offer",
        "chosen_offer_id": offer["offer_id"],
        "no_offer_probability": 0.05,
        "candidates": [candidate(offer["offer_id"])],
        "context": {},
    }


def _of_offer(offer: Fields) -> Fields:
    names = ("response_probability", "value", "cost", "fatigue", "priority")
    lever = offer["lever"]
    terms = dict.fromkeys(names, 0.5) | {"value": 1.5, "lever": lever, "priority": 0.5 + lever}
    return {
        "valid_until": "2029-01-01T00:00:00Z",
        "deliver_not_before": offer["decided_at"],
        "offer": {
            "offer_id": offer["offer_id"],
            "version": 1,
            "class": "standard",
            "kind": "percent",
            "value": 1.0,
            "currency": "EUR",
            "conditions": {},
            "valid_until": "2029-01-01T00:00:00Z",
        },
        "coupon": offer.get("coupon"),
        "creative": {"template_id": "t", "params": {}, "locale": "en"},
        "reason_codes": [],
        "terms": terms,
        "alternatives": [],
        "text": {"en": "x"},
        "consent": {"purposes": {}, "policy_version": "1"},
        "constraints": {"cap_remaining": 1, "budget_reserved": _euros(offer.get("reserved"))},
    }
