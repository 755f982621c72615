"""Builders: a person with open decisions, reports on offers, orders."""

from typing import Any

import numpy as np
from msgspec.structs import replace

from streams.contracts.common import Identity, LineItem, Money
from streams.contracts.inputs.events import CouponUse, FeedbackName, OfferFeedback, Purchase
from streams.contracts.outputs.effects import Effect, OutcomeLabeled, OutcomeSeen
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, from_ms
from streams.customer.row import Consent, Customer, OpenDecision, new_customer
from streams.features import CONTEXT_FEATURES, FEATURES_VERSION, OFFER_FEATURES, pack

T0 = 1_780_000_000_000
WINDOW_MS = 7 * DAY_MS
MONTH_MS = 30 * DAY_MS
TEA = Offer(
    offer_id="o-1",
    kind="percent",
    title={"en": "Tea"},
    valid_from=from_ms(T0 - DAY_MS),
    valid_until=from_ms(T0 + 60 * DAY_MS),
    redeem_within_days=30.0,
    margin=1.0,
    coupon_code="TEA-10",
)
"""An offer whose coupon can be used for a month."""


def decision(number: int, **changes: Any) -> OpenDecision:
    """Decision `d-<number>` for offer `o-<number>`, taken at T0, open for seven days."""
    context = np.linspace(-1, 1, len(CONTEXT_FEATURES), dtype=np.float32)
    offer = np.full(len(OFFER_FEATURES), 0.5, np.float32)
    made = OpenDecision(
        decision_id=f"d-{number}",
        offer_id=f"o-{number}",
        arm="policy",
        decided_at_ms=T0,
        deadline_ms=T0 + WINDOW_MS,
        probability=0.25,
        response_probability=0.2,
        model_version="response-200",
        features_version=FEATURES_VERSION,
        context=pack(context),
        offer=pack(offer),
    )
    return replace(made, **changes)


def person(*decisions: OpenDecision, training: str = "granted", **changes: Any) -> Customer:
    """A customer with these decisions, who lets us learn."""
    consents = {"model_training": Consent(training, T0)}  # type: ignore[arg-type]
    made = replace(new_customer("c-1", T0), consents=consents, open_decisions=decisions)
    return replace(made, **changes)


def report(name: FeedbackName, number: int, at_ms: int, offer: int | None = None) -> OfferFeedback:
    """A report on decision `d-<number>`."""
    return OfferFeedback(
        event_id=f"{name}-{number}-{at_ms}",
        event_name=name,
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id="c-1"),
        channel="app",
        decision_id=f"d-{number}",
        offer_id=f"o-{number if offer is None else offer}",
    )


def order(at_ms: int, *coupons: CouponUse, category: str = "tea", total: str = "40") -> Purchase:
    """An order of one product."""
    return Purchase(
        event_id=f"order-{at_ms}",
        event_name="order_completed",
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id="c-1"),
        channel="store",
        order_id=f"order-{at_ms}",
        total=Money(amount=total, currency="EUR"),
        items=(LineItem(product_id="p-1", category=category, unit_price=40.0, quantity=1),),
        coupons=coupons,
    )


def labels(effects: tuple[Effect, ...]) -> list[tuple[str | None, float]]:
    """Offer and label of every example."""
    return [(e.example.offer_id, e.example.label) for e in effects if isinstance(e, OutcomeLabeled)]


def seen(effects: tuple[Effect, ...]) -> list[tuple[str, str]]:
    """Decision and outcome of everything that was seen."""
    return [(e.decision_id, e.outcome) for e in effects if isinstance(e, OutcomeSeen)]
