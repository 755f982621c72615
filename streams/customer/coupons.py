"""Coupons that were shown and uses that were charged: of two accounts of one, what both know."""

from collections.abc import Iterable

from msgspec.structs import replace

from streams.customer.row import COUPONS_SHOWN_MAX, REDEMPTIONS_MAX, Redeemed, ShownCoupon


def shown_once(coupons: Iterable[ShownCoupon]) -> tuple[ShownCoupon, ...]:
    """Each coupon of an order once, as it was first told, at the most that it took off and cost.

    At most the newest few, the newest last.
    """
    first: dict[tuple[str, ...], ShownCoupon] = {}
    for coupon in sorted(coupons, key=lambda c: (c.at_ms, not c.counted)):
        key = (coupon.order_id, coupon.code, coupon.gcn, coupon.offer_id, coupon.decision_id)
        before = first.setdefault(key, coupon)
        first[key] = replace(
            before,
            charged=before.charged or coupon.charged,
            discount=max(before.discount, coupon.discount),
            cost=max(before.cost, coupon.cost),
        )
    return tuple(first.values())[-COUPONS_SHOWN_MAX:]


def used_once(uses: Iterable[Redeemed]) -> tuple[Redeemed, ...]:
    """Each use once, at the most that it cost; at most the newest, the newest last."""
    found: dict[tuple[str, int, str, bool], Redeemed] = {}
    for use in sorted(uses, key=lambda r: r.at_ms):
        key = (use.offer_id, use.at_ms, use.order_id, use.again)
        before = found.setdefault(key, use)
        found[key] = replace(before, cost=max(before.cost, use.cost))
    return tuple(found.values())[-REDEMPTIONS_MAX:]
