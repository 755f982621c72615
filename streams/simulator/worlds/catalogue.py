"""The reference data of a world's shop: products, beacons, offers and policies."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from streams.contracts.inputs.beacon_addresses import IBeacon
from streams.contracts.inputs.events import Zone
from streams.contracts.reference.structs import (
    Arbitration,
    Arm,
    BeaconPlace,
    Conditions,
    ContactPolicy,
    Experiment,
    FrequencyCap,
    Offer,
    Policies,
    ProductInfo,
    Reference,
    TriggerRule,
)
from streams.simulator.worlds.settings import ADDED_BASKET, DEPARTMENT_SHARE, SETTINGS
from streams.simulator.worlds.shops import Department, Shop

BEACON_UUID = "0f9a3c5e-6d1b-4a57-9e2b-77c1d3a0b5e4"
PRICE_LEVELS = (0.5, 0.8, 1.2, 2.0)
PERCENTS = (10, 15, 20, 25)
FROM, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
TRIGGERS = (
    TriggerRule(
        rule_id="web-product", kind="product_viewed", channel="web", placement="product-page",
        min_dwell_ms=8_000, rearm_ms=DAY_MS,
    ),
    TriggerRule(
        rule_id="app-open", kind="application_opened", channel="app", placement="home",
        rearm_ms=DAY_MS,
    ),
    TriggerRule(
        rule_id="zone-app", kind="zone_entered", channel="app", placement="store-banner",
        rearm_ms=DAY_MS, valid_for_ms=1_800_000,
    ),
    TriggerRule(
        rule_id="after-order", kind="order_completed", channel="app", placement="receipt",
        rearm_ms=7 * DAY_MS, valid_for_ms=DAY_MS,
    ),
    TriggerRule(
        rule_id="leaving", kind="churn_band_entered", channel="push", placement="push",
        rearm_ms=7 * DAY_MS, valid_for_ms=2 * DAY_MS,
    ),
)  # fmt: skip


def reference_of(shop: Shop) -> Reference:
    """All reference data of a shop; it passes `check_reference`."""
    return Reference(
        policies=_policies(shop),
        offers=tuple(_offers(shop)),
        products=tuple(_products(shop)),
        beacons=tuple(_beacons(shop)),
    )


def store_ids(shop: Shop) -> tuple[str, ...]:
    """The shop's stores."""
    return tuple(f"{shop.kind}-{n + 1}" for n in range(shop.stores))


def product_id(department: Department, level: int) -> str:
    """The product of a department at one of `PRICE_LEVELS`."""
    return f"{department.name}-{level + 1}"


def _products(shop: Shop) -> Iterator[ProductInfo]:
    for department in shop.departments:
        for level, times in enumerate(PRICE_LEVELS):
            price = round(department.price * times, shop.decimals)
            yield ProductInfo(
                product_id=product_id(department, level),
                category=department.name,
                name=f"{department.name.capitalize()} {level + 1}",
                price=price,
                margin=round(price * department.margin_share, shop.decimals),
                own_brand=level == 0,
            )


def _beacons(shop: Shop) -> Iterator[BeaconPlace]:
    for store, store_id in enumerate(store_ids(shop)):
        for minor, department in enumerate(shop.departments):
            ref = f"{store_id}-{department.name}"
            yield BeaconPlace(
                beacon_ref=ref,
                address=IBeacon(uuid=BEACON_UUID, major=store + 1, minor=minor + 1),
                store_id=store_id,
                zone=Zone(id=ref, type=department.name),
            )


def _offers(shop: Shop) -> Iterator[Offer]:
    for n, department in enumerate(shop.departments):
        percent = PERCENTS[n % len(PERCENTS)]
        yield _percent_off(shop, department, percent)
    yield _basket(shop)
    yield _service(shop)
    yield _win_back(shop)


def _percent_off(shop: Shop, department: Department, percent: int) -> Offer:
    """Its margin and discount are what a use brings and costs on average, as a shop would know."""
    settings = SETTINGS[shop.kind]
    basket = settings.basket * math.exp(settings.basket_spread**2 / 4.0)
    return Offer(
        offer_id=f"{department.name}-{percent}",
        kind="percent",
        value=float(percent),
        currency=shop.currency,
        title={
            "en": f"{percent} % off {department.name}",
            "ja": f"{department.ja}{percent}％オフ",
            "zh": f"{department.zh}立减{percent}%",
        },
        conditions=Conditions(categories=(department.name,)),
        valid_from=FROM,
        valid_until=UNTIL,
        redeem_within_days=7.0,
        channels=("web", "app", "push"),
        cap=FrequencyCap(count=2, days=30.0),
        once_per_person=False,
        margin=round(ADDED_BASKET * basket * department.margin_share, 2),
        discount=round(basket * DEPARTMENT_SHARE * percent / 100.0, 2),
        contact_cost=shop.offer_cost,
        coupon_code=f"{department.name.upper()}-{percent}",
    )


def _basket(shop: Shop) -> Offer:
    off, least = f"{shop.basket_off:g}", f"{shop.basket_from:g}"
    return Offer(
        offer_id="basket-off",
        class_="basket",
        kind="amount",
        value=shop.basket_off,
        currency=shop.currency,
        title={
            "en": f"{off} {shop.currency} off from {least}",
            "ja": f"{least}{shop.currency}以上で{off}引き",
            "zh": f"满{least}减{off}{shop.currency}",
        },
        conditions=Conditions(min_spend=shop.basket_from),
        valid_from=FROM,
        valid_until=UNTIL,
        redeem_within_days=10.0,
        channels=("web", "app", "push"),
        cap=FrequencyCap(count=1, days=30.0),
        once_per_person=False,
        margin=round(shop.basket_from * _mean_margin(shop), 2),
        discount=shop.basket_off,
        contact_cost=shop.offer_cost,
        coupon_code="BASKET-OFF",
    )


def _service(shop: Shop) -> Offer:
    return Offer(
        offer_id="free-delivery",
        class_="service",
        kind="service",
        currency=shop.currency,
        title={"en": "Free delivery", "ja": "送料無料", "zh": "免运费"},
        valid_from=FROM,
        valid_until=UNTIL,
        redeem_within_days=5.0,
        channels=("web", "app", "push"),
        cap=FrequencyCap(count=2, days=30.0),
        once_per_person=False,
        margin=round(shop.basket_from * 0.6 * _mean_margin(shop), 2),
        discount=round(shop.basket_off * 0.5, shop.decimals),
        contact_cost=shop.offer_cost,
        coupon_code="FREE-DELIVERY",
    )


def _win_back(shop: Shop) -> Offer:
    return Offer(
        offer_id="we-miss-you",
        class_="win_back",
        kind="amount",
        value=shop.basket_off,
        currency=shop.currency,
        title={
            "en": f"{shop.basket_off:g} {shop.currency} off: we miss you",
            "ja": f"またのご来店で{shop.basket_off:g}{shop.currency}引き",
            "zh": f"期待再次光临，立减{shop.basket_off:g}{shop.currency}",
        },
        triggers=("churn_band_entered",),
        valid_from=FROM,
        valid_until=UNTIL,
        redeem_within_days=14.0,
        channels=("web", "app", "push"),
        cap=FrequencyCap(count=1, days=60.0),
        once_per_person=False,
        margin=round(shop.basket_from * 0.7 * _mean_margin(shop), 2),
        discount=shop.basket_off,
        contact_cost=shop.offer_cost,
        coupon_code="WE-MISS-YOU",
    )


def _mean_margin(shop: Shop) -> float:
    return sum(d.share * d.margin_share for d in shop.departments)


def _policies(shop: Shop) -> Policies:
    return Policies(
        policy_version=f"{shop.kind}-1",
        currency=shop.currency,
        triggers=TRIGGERS,
        contact=ContactPolicy(
            caps=(FrequencyCap(count=2, days=1.0), FrequencyCap(count=4, days=7.0)),
            fatigue_price=shop.offer_cost,
        ),
        experiment=Experiment(
            id=f"{shop.kind}-world",
            salt=f"world-{shop.kind}",
            arms=(
                Arm(name="policy", share=0.7, chooser="policy"),
                Arm(name="uniform", share=0.2, chooser="uniform"),
                Arm(name="holdout", share=0.1, chooser="holdout"),
            ),
        ),
        arbitration=Arbitration(),
        churn=shop.churn,
    )
