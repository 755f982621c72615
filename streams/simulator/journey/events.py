"""Households' years as events: consent, mailings, openings of the app, baskets, coupons used."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.times import MINUTE_MS, from_ms
from streams.simulator.journey.deals import Catalogue
from streams.simulator.journey.source import ZONE_NAME, Basket, Line, Source, Use, local_ms
from streams.simulator.records import Fields

STARTS: Final = date(2017, 1, 1)
PURPOSES: Final = ("personalization", "profiling", "marketing_push", "model_training")
MAILED_HOUR: Final = 6
PAPER_HOUR: Final = 17
OPENED_BEFORE_MS: Final = 15 * MINUTE_MS
OPENED_EVERY: Final = 3
_Row = TypeVar("_Row", Basket, Use)
CONTEXT: Final = {"timezone": ZONE_NAME, "locale": "en-US"}


class Told(Struct, frozen=True):
    """An event of a household at its moment; `order` settles moments that are the same."""

    at_ms: int
    order: int
    household_id: str
    topic: topics.Topic
    event: Fields

    def line(self) -> bytes:
        """The event as `replay` reads it."""
        key = customer_id(self.household_id)
        record = {"topic": self.topic.name, "key": key, "value": self.event}
        return msgspec.json.encode(record) + b"\n"


class Kind(NamedTuple):
    """A kind of event, and its place among those of one moment."""

    order: int
    topic: topics.Topic
    name: str
    channel: str


CONSENTED: Final = Kind(0, topics.PROFILE, "consent_updated", "app")
MAILED: Final = Kind(1, topics.PROFILE, "profile_updated", "app")
OPENED: Final = Kind(2, topics.APP, "application_opened", "app")
BOUGHT: Final = Kind(3, topics.PURCHASE, "order_completed", "store")
ON_PAPER: Final = Kind(4, topics.OFFER_FEEDBACK, "offer_redeemed", "store")


def customer_id(household_id: str) -> str:
    """The id that a household has in the events."""
    return f"h{household_id}"


def tell(source: Source, households: Iterable[str], catalogue: Catalogue) -> list[Told]:
    """The year of these households in the order of time."""
    baskets, uses = _by_household(source.baskets), _by_household(source.uses)
    told: list[Told] = []
    for household_id in households:
        told.extend(_opening(source, household_id))
        own = baskets.get(household_id, [])
        used, unmatched = _matched(source, own, uses.get(household_id, []))
        for number, basket in enumerate(own):
            if number % OPENED_EVERY == 0:
                told.append(_opened(basket))
            told.append(_order(source, basket, used.get(basket.basket_id, []), catalogue))
        told.extend(_paper(unmatched, catalogue))
    return sorted(told, key=lambda t: (t.at_ms, t.order, int(t.household_id)))


def _by_household(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.household_id].append(row)
    return found


def _told(kind: Kind, household_id: str, at_ms: int, event_id: str, **fields: object) -> Told:
    event = {
        "event_id": event_id,
        "event_name": kind.name,
        "occurred_at": from_ms(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "identity": {"customer_id": customer_id(household_id)},
        "channel": kind.channel,
        "context": CONTEXT,
        **fields,
    }
    return Told(at_ms, kind.order, household_id, kind.topic, event)


def _opening(source: Source, household_id: str) -> Iterator[Told]:
    """Consent when the year begins, then each mailing on its first morning."""
    yield _told(
        CONSENTED, household_id, local_ms(STARTS), f"consent-{household_id}",
        purposes=dict.fromkeys(PURPOSES, "granted"), policy_version="2017",
    )  # fmt: skip
    for campaign_id in source.mailed.get(household_id, ()):
        first = max(source.campaigns[campaign_id].starts, STARTS)
        yield _told(
            MAILED, household_id, local_ms(first, MAILED_HOUR),
            f"mailed-{campaign_id}-{household_id}",
            op="append", traits={"mailed": [f"c{campaign_id}"]},
        )  # fmt: skip


def _opened(basket: Basket) -> Told:
    """The app, a quarter of an hour before the till."""
    at_ms = basket.at_ms - OPENED_BEFORE_MS
    return _told(OPENED, basket.household_id, at_ms, f"a{basket.basket_id}")


def _order(source: Source, basket: Basket, used: list[Use], catalogue: Catalogue) -> Told:
    coupons = _coupons(source, basket, used, catalogue)
    return _told(
        BOUGHT, basket.household_id, basket.at_ms, f"b{basket.basket_id}",
        order_id=f"b{basket.basket_id}",
        total={"amount": f"{basket.total:.2f}", "currency": "USD"},
        items=[_item(source, line) for line in basket.lines],
        sales_channel="store",
        store_id=basket.store_id,
        **({"coupons": coupons} if coupons else {}),
    )  # fmt: skip


def _item(source: Source, line: Line) -> Fields:
    item: Fields = {
        "product_id": line.product_id,
        "category": source.category(line.product_id),
        "quantity": line.quantity,
        "unit_price": round((line.value + line.retail_discount) / line.quantity, 2),
    }
    if line.retail_discount > 0:
        item["discount"] = line.retail_discount
    return item


def _coupons(source: Source, basket: Basket, used: list[Use], catalogue: Catalogue) -> list[Fields]:
    """Each offer once; a coupon whose deal is no offer here stands under its code alone."""
    found: dict[str, Fields] = {}
    for use in used:
        offer_id = catalogue.offer_id(use)
        coupon: Fields = {"code": use.coupon} if offer_id is None else {"offer_id": offer_id}
        covered = set(source.coupons.get((use.coupon, use.campaign_id), ()))
        off = sum(line.coupon_discount for line in basket.lines if line.product_id in covered)
        known = found.setdefault(offer_id or use.coupon, coupon)
        if off > 0:
            known["discount"] = round(off, 2)
    return list(found.values())


def _matched(
    source: Source, baskets: list[Basket], uses: list[Use]
) -> tuple[dict[str, list[Use]], list[Use]]:
    """Uses by the basket that they were made with, and those whose basket was not sampled."""
    by_day: dict[date, list[Basket]] = defaultdict(list)
    for basket in baskets:
        by_day[basket.day].append(basket)
    matched: dict[str, list[Use]] = defaultdict(list)
    unmatched: list[Use] = []
    for use in uses:
        same_day = by_day.get(use.day)
        if same_day is None:
            unmatched.append(use)
        else:
            matched[_likeliest(source, same_day, use).basket_id].append(use)
    return matched, unmatched


def _likeliest(source: Source, baskets: list[Basket], use: Use) -> Basket:
    """With a product of the coupon, else with any coupon's discount, else the dearest."""
    covered = set(source.coupons.get((use.coupon, use.campaign_id), ()))

    def rank(basket: Basket) -> tuple[bool, bool, float]:
        return (
            any(line.product_id in covered for line in basket.lines),
            any(line.coupon_discount > 0 for line in basket.lines),
            basket.total,
        )

    return max(baskets, key=rank)


def _paper(uses: list[Use], catalogue: Catalogue) -> Iterator[Told]:
    """A use whose basket is not in the sample: the till's report, under the paper mailing's id."""
    told: set[tuple[date, str]] = set()
    for use in uses:
        offer_id = catalogue.offer_id(use)
        if offer_id is None or (use.day, offer_id) in told:
            continue
        told.add((use.day, offer_id))
        yield _told(
            ON_PAPER, use.household_id, local_ms(use.day, PAPER_HOUR),
            f"r{use.day:%m%d}-{use.coupon}-{use.household_id}",
            decision_id=f"paper-{use.campaign_id}-{use.household_id}",
            offer_id=offer_id,
            reporter="pos",
            redemption={"channel": "store", "code": use.coupon},
        )  # fmt: skip
