"""A shop whose one offer has a budget, and more people who want it than there is money."""

import json
from collections.abc import Iterator
from datetime import timedelta

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
    TriggerRule,
)
from tests.support.small_shop import BEGIN, Sent

OFFER_ID, CODE = "scarce", "SCARCE-5"
DISCOUNT = 5.0
VALID_DAYS = 14.0
MINUTES_APART = 0.2


def scarce(coupons: int) -> Reference:
    """Money for so many coupons that are out at one time; whoever opens the app would get one."""
    offer = Offer(
        offer_id=OFFER_ID,
        kind="amount",
        value=DISCOUNT,
        title={"en": "5 off", "ja": "割引", "zh": "优惠"},
        valid_from=BEGIN - timedelta(days=1),
        valid_until=BEGIN + timedelta(days=3_000),
        channels=("app",),
        margin=50.0,
        discount=DISCOUNT,
        budget=coupons * DISCOUNT,
        expected_rate=0.5,
        redeem_within_days=VALID_DAYS,
        once_per_person=True,
        coupon_code=CODE,
    )
    opened = TriggerRule(
        rule_id="on-open",
        kind="application_opened",
        channel="app",
        placement="home",
        rearm_ms=0,
    )
    contact = ContactPolicy(
        caps=(FrequencyCap(count=50, days=1.0),),
        calendar_day_max=50,
        min_gap_ms=0,
        quiet_hours=QuietHours(from_hour=0, to_hour=0),
    )
    policies = Policies(
        triggers=(opened,),
        contact=contact,
        experiment=Experiment(arms=(Arm(name="policy", share=1.0, chooser="policy"),)),
        arbitration=Arbitration(exploration="epsilon", epsilon=0.001),
    )
    return Reference(policies=policies, offers=(offer,))


def opens(people: int, from_minute: float = 1.0) -> Iterator[Sent]:
    """One after the other opens the app, for the first time."""
    for number in range(people):
        at = BEGIN + timedelta(minutes=from_minute + number * MINUTES_APART)
        yield _event("events.app", number, "open", at.isoformat(), event_name="application_opened")


def uses(customer_ids: list[str], minute: float, discount: float) -> Iterator[Sent]:
    """Each of these buys with the coupon."""
    at = (BEGIN + timedelta(minutes=minute)).isoformat()
    for customer_id in customer_ids:
        number = int(customer_id.removeprefix("p"))
        yield _event(
            "events.purchase",
            number,
            "buy",
            at,
            event_name="order_completed",
            order_id=f"o-{customer_id}",
            total={"amount": "20.00", "currency": "EUR"},
            items=[],
            coupons=[{"code": CODE, "discount": discount}],
        )


def _event(topic: str, number: int, name: str, at: str, **fields: object) -> Sent:
    customer_id = f"p{number:05}"
    event = {
        "event_id": f"{name}-{number}-{at[:19]}".replace(":", "."),
        "occurred_at": at,
        "identity": {"customer_id": customer_id},
        "channel": "app",
        **fields,
    }
    return topic, customer_id.encode(), json.dumps(event).encode()


def agreed(people: int) -> Iterator[Sent]:
    """Everybody agrees to everything, before anything else happens."""
    purposes = dict.fromkeys(("personalization", "profiling"), "granted")
    for number in range(people):
        yield _event(
            "events.profile",
            number,
            "agree",
            BEGIN.isoformat(),
            event_name="consent_updated",
            purposes=purposes,
            policy_version="1",
        )
