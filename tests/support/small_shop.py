"""A small shop for tests of the worker: its offers and policies, and a seeded stream of events."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from streams.contracts.reference.structs import (
    Arbitration,
    Arm,
    ContactPolicy,
    Experiment,
    FrequencyCap,
    Offer,
    Policies,
    QuietHours,
    Reference,
    TriggerKind,
    TriggerRule,
)

BEGIN = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
CATEGORIES = ("dairy", "bakery", "wine", "fruit")
PURPOSES = ("personalization", "profiling", "model_training", "location_beacon")

Sent = tuple[str, bytes, bytes]


def reference() -> Reference:
    """Three offers, four triggers, loose caps: many decisions, every arm."""
    return Reference(policies=_policies(), offers=tuple(_offer(n) for n in range(3)))


def consents(customers: int) -> Iterator[Sent]:
    """Everybody agrees to everything, before anything else happens."""
    for number in range(customers):
        yield _event(
            "events.profile",
            number,
            f"consent-{number}",
            BEGIN,
            event_name="consent_updated",
            channel="app",
            purposes=dict.fromkeys(PURPOSES, "granted"),
            policy_version="1",
        )


def visits(count: int, customers: int, seed: int) -> Iterator[Sent]:
    """`count` events of the app, one minute apart, half of them by ten hot customers."""
    draw = random.Random(seed)
    for number in range(count):
        hot = draw.random() < 0.5
        customer = draw.randrange(min(10, customers) if hot else customers)
        at = BEGIN + timedelta(minutes=1 + number)
        yield visit(draw, f"visit-{number}", customer, at)


def closing(customers: int, after_events: int) -> Iterator[Sent]:
    """Everybody opens the app once more much later: whatever was due has happened by then."""
    at = BEGIN + timedelta(minutes=after_events, days=400)
    for number in range(customers):
        yield _event(
            "events.app",
            number,
            f"closing-{number}",
            at,
            event_name="application_opened",
            channel="app",
        )


def opened(customer: int, minute: int) -> Sent:
    """Somebody opens the app, so many minutes after the beginning."""
    at = BEGIN + timedelta(minutes=minute)
    what = {"event_name": "application_opened", "channel": "app"}
    return _event("events.app", customer, f"opened-{customer}-{minute}", at, **what)


def filled_cart(customer: int, minute: int) -> Sent:
    """Somebody puts a bottle into the cart, so many minutes after the beginning."""
    product = {"product_id": "p1", "category": "wine", "price": 9.0}
    what: dict[str, object] = {
        "event_name": "product_added",
        "channel": "app",
        "product": product,
        "cart": {"cart_id": f"cart-{customer}", "value": 9.0, "items": [product]},
    }
    at = BEGIN + timedelta(minutes=minute)
    return _event("events.app", customer, f"cart-{customer}-{minute}", at, **what)


def visit(draw: random.Random, event_id: str, customer: int, at: datetime) -> Sent:
    """One event of the app, drawn."""
    product = {
        "product_id": f"p{draw.randrange(40)}",
        "category": draw.choice(CATEGORIES),
        "price": draw.randrange(100, 3_000) / 100,
    }
    what: dict[str, object] = draw.choice(
        [
            {"event_name": "application_opened"},
            {
                "event_name": "product_viewed",
                "product": product,
                "screen": {"name": "product", "dwell_ms": draw.randrange(60_000)},
            },
            {
                "event_name": "products_searched",
                "query": {"text": "milk", "results_count": draw.randrange(3)},
            },
            {
                "event_name": "product_added",
                "product": product,
                "cart": {"cart_id": f"cart-{customer}", "value": 20.0, "items": [product]},
            },
        ]
    )
    return _event("events.app", customer, event_id, at, channel="app", **what)


def _event(topic: str, customer: int, event_id: str, at: datetime, **fields: object) -> Sent:
    customer_id = f"c{customer:04}"
    event = {
        "event_id": event_id,
        "occurred_at": at.isoformat(),
        "identity": {"customer_id": customer_id},
        **fields,
    }
    return topic, customer_id.encode(), json.dumps(event).encode()


def _offer(number: int) -> Offer:
    return Offer(
        offer_id=f"offer-{number}",
        kind="percent",
        value=10.0 + number,
        title={"en": f"{10 + number} % off", "ja": "割引", "zh": "优惠"},
        valid_from=BEGIN - timedelta(days=1),
        valid_until=BEGIN + timedelta(days=3_000),
        channels=("app", "web", "store"),
        margin=4.0,
        discount=0.5,
        expected_rate=0.1 + number / 20,
        once_per_person=False,
        redeem_within_days=2.0,
    )


def _policies() -> Policies:
    kinds: tuple[TriggerKind, ...] = (
        "application_opened",
        "product_viewed",
        "search_without_result",
        "cart_abandoned",
    )
    rules = tuple(
        TriggerRule(
            rule_id=f"on-{kind.replace('_', '-')}",
            kind=kind,
            channel="app",
            placement="home",
            rearm_ms=600_000,
            min_dwell_ms=1_000 if kind == "product_viewed" else 0,
            after_ms=1_800_000 if kind == "cart_abandoned" else 0,
        )
        for kind in kinds
    )
    return Policies(
        triggers=rules,
        contact=ContactPolicy(
            caps=(FrequencyCap(count=50, days=1.0),),
            calendar_day_max=50,
            min_gap_ms=0,
            quiet_hours=QuietHours(from_hour=0, to_hour=0),
        ),
        experiment=Experiment(
            arms=(
                Arm(name="policy", share=0.6, chooser="policy"),
                Arm(name="uniform", share=0.3, chooser="uniform"),
                Arm(name="holdout", share=0.1, chooser="holdout"),
            )
        ),
        arbitration=Arbitration(epsilon=0.2),
    )
