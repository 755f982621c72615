"""What `apply` must know of the shop: beacons, visits, lateness, currency, products, stores."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from streams.contracts.coupons import folded
from streams.contracts.inputs.beacon_addresses import BeaconAddress, EddystoneEid
from streams.contracts.reference.addresses import address_key, keys_of
from streams.contracts.reference.structs import (
    BeaconPlace,
    Policies,
    ProductInfo,
    Reference,
    ZoneRules,
)
from streams.contracts.times import DAY_MS, WEEK_MS, to_ms

ONE = Decimal(1)
GCN_DIGITS_MIN = 13


class CouponOffer(Struct, frozen=True):
    """Whose coupon it is, and until when it may be used: so long after it was sent, never later."""

    offer_id: str
    redeem_within_ms: int
    until_ms: int


class Places(Struct, frozen=True, kw_only=True):
    """The part of the reference data that changes rows.

    `beacons` is by `address_key`. An event older than the newest one by more than
    `offer_ttl_late_ms` is late. `tick_ms` is the churn engine's tick (a week or a day).
    `dwells_ms`: the dwells that trigger rules wait for, the shortest first.
    `currency` is the shop's (empty: amounts are taken as they are), `rates` by currency are
    (from when, in the shop's currency for one), the oldest first. `products` are by id and by
    GTIN-14, `stores` by GLN, `coupons` by folded code and by GCN.
    """

    beacons: Mapping[str, BeaconPlace] = {}
    rules: ZoneRules = ZoneRules()
    offer_ttl_late_ms: int = 600_000
    tick_ms: int = WEEK_MS
    dwells_ms: tuple[int, ...] = ()
    currency: str = ""
    rates: Mapping[str, tuple[tuple[int, Decimal], ...]] = {}
    products: Mapping[str, ProductInfo] = {}
    stores: Mapping[str, str] = {}
    coupons: Mapping[str, CouponOffer] = {}
    coupon_after_cancel: Literal["used", "free"] = "used"

    def find(self, address: BeaconAddress) -> BeaconPlace | None:
        """Where this beacon hangs, if the registry knows it."""
        place = self.beacons.get(address_key(address))
        if place is None and isinstance(address, EddystoneEid) and address.resolved_id is not None:
            return self.beacons.get(address_key(EddystoneEid(eid=address.eid)))
        return place

    def rate(self, currency: str, at_ms: int) -> Decimal | None:
        """What one of a currency is in the shop's at a moment; None where nobody said."""
        if currency == self.currency or not self.currency:
            return ONE
        known = self.rates.get(currency, ())
        return next((rate for from_ms, rate in reversed(known) if from_ms <= at_ms), None)

    def product(self, product_id: str, gtin: str | None) -> ProductInfo | None:
        """What the shop knows of a product, by its id or else by its GTIN."""
        found = self.products.get(product_id) if product_id else None
        if found is None and gtin is not None:
            found = self.products.get(gtin_key(gtin))
        return found

    def coupon(self, code: str | None, gcn: str | None) -> CouponOffer | None:
        """Whose coupon it is: by its code, or by the GCN before its serial number."""
        found = self.coupons.get(folded(code)) if code else None
        for length in range(GCN_DIGITS_MIN, len(gcn or "") + 1) if found is None else ():
            found = self.coupons.get((gcn or "")[:length]) or found
        return found


def gtin_key(gtin: str) -> str:
    """One key for a GTIN in each of its lengths; it cannot be a product's id.

    >>> gtin_key("4006381333931") == gtin_key("04006381333931")
    True
    """
    return f"gtin {gtin.zfill(14)}"


def places_of(reference: Reference) -> Places:
    """The places of a shop, from its reference data."""
    return Places(
        beacons={key: place for place in reference.beacons for key in keys_of(place)},
        rules=reference.policies.zones,
        offer_ttl_late_ms=reference.policies.offer_ttl_late_ms,
        tick_ms=reference.policies.churn.tick_ms,
        dwells_ms=_dwells_of(reference.policies),
        currency=reference.policies.currency,
        rates=_rates_of(reference.policies),
        products=_products_of(reference),
        stores=_stores_of(reference),
        coupons=_coupons_of(reference),
        coupon_after_cancel=reference.policies.coupon_after_cancel,
    )


def _dwells_of(policies: Policies) -> tuple[int, ...]:
    """The dwells at which a timer asks the rules on `zone_dwelled`."""
    shortest_ms = policies.zones.min_dwell_ms
    rules = (r for r in policies.triggers if r.kind == "zone_dwelled" and r.enabled)
    return tuple(sorted({max(rule.min_dwell_ms, shortest_ms, 1) for rule in rules}))


def _rates_of(policies: Policies) -> dict[str, tuple[tuple[int, Decimal], ...]]:
    rates: dict[str, list[tuple[int, Decimal]]] = {}
    for rate in policies.exchange_rates:
        dated = (to_ms(rate.from_), Decimal(repr(rate.rate)))
        rates.setdefault(rate.currency, []).append(dated)
    return {currency: tuple(sorted(dated)) for currency, dated in rates.items()}


def _products_of(reference: Reference) -> dict[str, ProductInfo]:
    known = {gtin_key(p.gtin): p for p in reversed(reference.products) if p.gtin}
    return known | {product.product_id: product for product in reference.products}


def _stores_of(reference: Reference) -> dict[str, str]:
    places = {place.gln: place.store_id for place in reference.beacons if place.gln}
    return places | {gln: store_id for store_id, gln in reference.policies.stores.items()}


def _coupons_of(reference: Reference) -> dict[str, CouponOffer]:
    coupons: dict[str, CouponOffer] = {}
    for offer in reference.offers:
        terms = CouponOffer(
            offer.offer_id, round(offer.redeem_within_days * DAY_MS), to_ms(offer.valid_until)
        )
        if offer.coupon_code:
            coupons[folded(offer.coupon_code)] = terms
        if offer.gcn:
            coupons[offer.gcn] = terms
    return coupons
