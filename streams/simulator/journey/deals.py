"""The coupons of all campaigns as offers: one per campaign and product category, the used first."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from streams.simulator.journey.source import ZONE, Source, Use, ends_ms, local_ms
from streams.simulator.records import Fields

MOST_USED = 38
CATEGORIES_MAX = 50
NARROW_MAX = 3
PRODUCTS_PER_DEAL = 3
DISCOUNT_LINES_MIN = 10
REDEEM_WITHIN_DAYS = 28
MARGIN: Final = 3.0
MARGIN_SHARE: Final = 0.3
TITLES: Final = {
    "en": "{0:.2f} USD off {1}",
    "ja": "{1} {0:.2f}ドル引き",
    "zh": "{1} 减{0:.2f}美元",
}


class Deal(Struct, frozen=True):
    """What a campaign's coupons give on one category.

    `uses` are (household, day) pairs of the published redemptions; `products` are all that a
    coupon of the deal covers.
    """

    offer_id: str
    campaign_id: str
    label: str
    categories: tuple[str, ...]
    products: frozenset[str]
    uses: int


class Catalogue(Struct, frozen=True):
    """The chosen deals by offer id, and the offer that each coupon of theirs belongs to."""

    deals: dict[str, Deal]
    offer_of: dict[tuple[str, str], str]

    def offer_id(self, use: Use) -> str | None:
        """The offer of a used coupon; None: its deal was not chosen."""
        return self.offer_of.get((use.coupon, use.campaign_id))


def catalogue(source: Source) -> Catalogue:
    """The deals that were used most, and of each campaign that has none the best of its own."""
    coupons: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for coupon, products in source.coupons.items():
        coupons[coupon[1], _label(source, products)].append(coupon)
    uses = Counter((use.coupon, use.campaign_id) for use in source.uses)
    deals = {
        (campaign_id, label): _deal(source, campaign_id, label, found, uses)
        for (campaign_id, label), found in coupons.items()
    }
    ranked = sorted(deals.values(), key=lambda d: (-d.uses, -len(d.products), d.offer_id))
    chosen = ranked[:MOST_USED]
    for deal in ranked[MOST_USED:]:
        if all(deal.campaign_id != c.campaign_id for c in chosen):
            chosen.append(deal)
    by_id = {deal.offer_id: deal for deal in sorted(chosen, key=_by_campaign)}
    return Catalogue(
        by_id,
        {
            coupon: deal.offer_id
            for key, deal in deals.items()
            if deal.offer_id in by_id
            for coupon in coupons[key]
        },
    )


def offers(source: Source, deals: Iterable[Deal]) -> list[Fields]:
    """The deals as `offers.yaml` has them."""
    discounts, rate = _discounts(source), expected_rate(source)
    return [_offer(source, deal, discounts, rate) for deal in deals]


def products(source: Source, deals: Iterable[Deal]) -> list[Fields]:
    """Of each deal the products that were sold most often, as `products.yaml` has them."""
    sold: dict[str, list[float]] = defaultdict(list)
    for basket in source.baskets:
        for line in basket.lines:
            price = (line.value + line.retail_discount) / line.quantity
            sold[line.product_id].append(price)
    wanted: set[str] = set()
    for deal in deals:
        ranked = sorted(deal.products & sold.keys(), key=lambda p: (-len(sold[p]), p))
        wanted.update(ranked[:PRODUCTS_PER_DEAL])
    return [_product(source, id_, sold[id_]) for id_ in sorted(wanted, key=int)]


def expected_rate(source: Source) -> float:
    """Deals used per deal mailed, over all campaigns and households of the year."""
    labels = {coupon: _label(source, found) for coupon, found in source.coupons.items()}
    per_campaign = Counter(campaign_id for campaign_id, _ in {(c[1], labels[c]) for c in labels})
    mailed = sum(per_campaign[id_] for ids in source.mailed.values() for id_ in ids)
    used = {
        (u.household_id, u.campaign_id, labels.get((u.coupon, u.campaign_id))) for u in source.uses
    }
    return round(len(used) / mailed, 4)


def _label(source: Source, product_ids: Iterable[str]) -> str:
    """A category; for a coupon on more than three, its department as a whole."""
    categories = Counter(source.category(id_) for id_ in product_ids)
    if len(categories) <= NARROW_MAX:
        return _commonest(categories)
    departments = (source.items[id_].department for id_ in product_ids if id_ in source.items)
    return f"ALL {_commonest(Counter(departments))}"


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _deal(
    source: Source,
    campaign_id: str,
    label: str,
    coupons: list[tuple[str, str]],
    uses: Mapping[tuple[str, str], int],
) -> Deal:
    covered = frozenset(id_ for coupon in coupons for id_ in source.coupons[coupon])
    counts = Counter(source.category(id_) for id_ in covered)
    categories = sorted(counts, key=lambda name: (-counts[name], name))[:CATEGORIES_MAX]
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
    return Deal(
        f"c{campaign_id}-{slug}",
        campaign_id,
        label,
        tuple(sorted(categories)),
        covered,
        sum(uses.get(coupon, 0) for coupon in coupons),
    )


def _by_campaign(deal: Deal) -> tuple[int, str]:
    return int(deal.campaign_id), deal.offer_id


def _discounts(source: Source) -> dict[str, float]:
    """What coupons took off, mean by category; `""` is the mean of all, for thin categories."""
    seen: dict[str, list[float]] = defaultdict(list)
    for basket in source.baskets:
        for line in basket.lines:
            if line.coupon_discount > 0 and line.product_id in source.items:
                seen[source.category(line.product_id)].append(line.coupon_discount)
    every = [amount for amounts in seen.values() for amount in amounts]
    thick = {name: found for name, found in seen.items() if len(found) >= DISCOUNT_LINES_MIN}
    return {name: round(sum(x) / len(x), 2) for name, x in {**thick, "": every}.items()}


def _offer(source: Source, deal: Deal, discounts: Mapping[str, float], rate: float) -> Fields:
    campaign = source.campaigns[deal.campaign_id]
    discount = discounts.get(deal.label, discounts[""])
    known = [source.items[id_] for id_ in deal.products if id_ in source.items]
    own_brand = round(sum(item.own_brand for item in known) / max(1, len(known)), 2)
    name = deal.label.lower()
    return {
        "offer_id": deal.offer_id,
        "class": "coupon",
        "kind": "amount",
        "value": discount,
        "currency": "USD",
        "title": {tag: text.format(discount, name) for tag, text in TITLES.items()},
        "valid_from": _moment(local_ms(campaign.starts)),
        "valid_until": _moment(ends_ms(campaign)),
        "redeem_within_days": REDEEM_WITHIN_DAYS,
        "channels": ["app", "push"],
        "conditions": {"categories": list(deal.categories)},
        "segment": f'"mailed" in person.traits && "c{deal.campaign_id}" in person.traits.mailed',
        "margin": MARGIN,
        "discount": discount,
        "expected_rate": rate,
        "features": {"own_brand": own_brand},
        "coupon_code": deal.offer_id,
    }


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, ZONE).isoformat()


def _product(source: Source, product_id: str, prices: list[float]) -> Fields:
    item, price = source.items[product_id], round(sum(prices) / len(prices), 2)
    return {
        "product_id": product_id,
        "category": source.category(product_id),
        "name": item.kind or item.department,
        "price": price,
        "margin": round(MARGIN_SHARE * price, 2),
        "own_brand": item.own_brand,
    }
