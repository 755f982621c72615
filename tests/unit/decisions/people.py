"""Builders: a small policy, a person who agrees to everything, asks and scores."""

from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.contracts.reference.structs import (
    Arm,
    ContactPolicy,
    Experiment,
    FrequencyCap,
    Offer,
    Policies,
    QuietHours,
    Reference,
    TriggerRule,
)
from streams.contracts.times import to_ms
from streams.customer import Customer, TriggerEvent, new_customer
from streams.customer.row import Consent, ConsentSignal
from streams.customer.signals import ANY_BROWSER, EVERY_PURPOSE, PUSH, source_of
from streams.decisions import DecisionRequest, Policy, compile_policy

BEGIN = datetime.fromisoformat("2026-01-05T00:00:00+00:00")
T0 = to_ms(datetime.fromisoformat("2026-06-01T12:00:00+00:00"))
AGREED = (
    "personalization", "profiling", "model_training", "location_beacon",
    "marketing_push", "marketing_email", "marketing_sms",
)  # fmt: skip
NEVER_QUIET = QuietHours(from_hour=0, to_hour=0)
FREE = ContactPolicy(
    caps=(FrequencyCap(count=30, days=1.0),),
    calendar_day_max=30,
    min_gap_ms=0,
    quiet_hours=NEVER_QUIET,
    fatigue_price=0.0,
)


class Fixed(Struct, frozen=True):
    """A response model that gives every offer its owner's rate."""

    version: str = "fixed-1"

    def response_probabilities(
        self, context: Any, offers: Any, offer_ids: Any, priors: Any, where: Any = None
    ) -> NDArray[np.float64]:
        """The owners' rates."""
        return np.round(1.0 / (1.0 + np.exp(-np.asarray(priors, np.float64))), 7)

    def spreads(
        self, context: Any, offers: Any, offer_ids: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Of each offer one unit of log odds, of its own; nothing is shared."""
        n = len(offer_ids)
        return np.zeros((n, 0)), np.zeros(0), np.ones(n)


def offer(name: str, **fields: Any) -> Offer:
    """An offer worth 2.0 a redemption, live all year."""
    made: dict[str, Any] = {
        "offer_id": name,
        "kind": "percent",
        "value": 10.0,
        "title": {"en": name},
        "valid_from": BEGIN,
        "valid_until": BEGIN.replace(year=2030),
        "channels": ("app", "push"),
        "margin": 4.0,
        "discount": 0.5,
        "expected_rate": 0.1,
        "once_per_person": False,
        "redeem_within_days": 1.0,
    }
    return Offer(**{**made, **fields})


def rule(rule_id: str = "app-open", **fields: Any) -> TriggerRule:
    """A rule that listens to the app being opened, at any time."""
    made: dict[str, Any] = {
        "rule_id": rule_id,
        "kind": "application_opened",
        "channel": "app",
        "placement": "home",
        "rearm_ms": 0,
    }
    return TriggerRule(**{**made, **fields})


OBJECTS = (ConsentSignal(ANY_BROWSER, EVERY_PURPOSE, T0 + 1),)  # Global Privacy Control
NO_PUSH = (ConsentSignal(source_of("push"), PUSH, T0, firm=True),)


def shop(
    *offers: Offer,
    rules: tuple[TriggerRule, ...] | None = None,
    chooser: str = "uniform",
    **fields: Any,
) -> Policy:
    """A compiled policy with one arm."""
    arm = Arm(name=chooser, share=1.0, chooser=chooser)  # type: ignore[arg-type]
    made: dict[str, Any] = {
        "triggers": (rule(),) if rules is None else rules,
        "contact": FREE,
        "experiment": Experiment(arms=(arm,)),
    }
    return compile_policy(Reference(policies=Policies(**{**made, **fields}), offers=offers))


def someone(**fields: Any) -> Customer:
    """A person who agreed to everything."""
    consents = {purpose: Consent("granted", T0) for purpose in AGREED}
    return replace(new_customer("c-1", T0, known=True), **{"consents": consents, **fields})


def request(
    number: int | str = 1, at_ms: int = T0, by: TriggerRule | None = None, **fields: Any
) -> DecisionRequest:
    """The app is opened at `at_ms`."""
    by = by or rule()
    return DecisionRequest(
        by, TriggerEvent(kind=by.kind, at_ms=at_ms, event_id=f"e-{number}", channel="app", **fields)
    )
