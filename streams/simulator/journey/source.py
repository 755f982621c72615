"""The files of Complete Journey 2.0 as they were published: CSVs, gzip, into structs."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from streams.contracts.times import to_ms
from streams.errors import OperatorError

ZONE_NAME: Final = "America/New_York"
ZONE: Final = ZoneInfo(ZONE_NAME)


class Line(Struct, frozen=True):
    """A product on a receipt; money in USD, `value` is what was paid for the whole line."""

    product_id: str
    quantity: int
    value: float
    retail_discount: float
    coupon_discount: float


class Basket(Struct, frozen=True):
    """A trip to the till: the lines of it that the published sample holds."""

    basket_id: str
    household_id: str
    store_id: str
    at_ms: int
    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """What was paid for the sampled lines, USD."""
        return sum(line.value for line in self.lines)

    @property
    def day(self) -> date:
        """The shop's calendar day."""
        return datetime.fromtimestamp(self.at_ms / 1000, ZONE).date()


class Campaign(Struct, frozen=True):
    """A mailing of coupons, valid from `starts` to the end of `ends`."""

    campaign_id: str
    starts: date
    ends: date


class Use(Struct, frozen=True):
    """A coupon that a household used on a day."""

    household_id: str
    coupon: str
    campaign_id: str
    day: date


class Item(Struct, frozen=True):
    """A product as the shop's catalogue names it."""

    product_id: str
    department: str
    category: str
    kind: str
    own_brand: bool


class Source(Struct, frozen=True):
    """Everything that is cut from.

    Attributes:
        baskets: by time.
        campaigns: by id.
        coupons: (coupon, campaign id) to the ids of its products.
        mailed: household to the campaigns that were mailed to it, by start.
        uses: by day.
        items: by product id.
    """

    baskets: tuple[Basket, ...]
    campaigns: dict[str, Campaign]
    coupons: dict[tuple[str, str], tuple[str, ...]]
    mailed: dict[str, tuple[str, ...]]
    uses: tuple[Use, ...]
    items: dict[str, Item]

    def category(self, product_id: str) -> str:
        """The category of a product: its department's name where the catalogue has none."""
        item = self.items.get(product_id)
        return (item.category or item.department) if item else "UNKNOWN"


def read_source(folder: Path) -> Source:
    """Read the published files.

    Raises:
        OperatorError: a file is not there.
    """
    campaigns = {c.campaign_id: c for c in _campaigns(folder)}
    return Source(
        baskets=_baskets(folder),
        campaigns=campaigns,
        coupons=_coupons(folder),
        mailed=_mailed(folder, campaigns),
        uses=_uses(folder),
        items={i.product_id: i for i in _items(folder)},
    )


def local_ms(day: date, hour: int = 0) -> int:
    """A full hour on a day of the shop's calendar, in milliseconds since the epoch."""
    return to_ms(datetime.combine(day, time(hour), ZONE))


def ends_ms(campaign: Campaign) -> int:
    """The midnight after a campaign's last day."""
    return local_ms(campaign.ends + timedelta(days=1))


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    path = folder / f"{name}.csv.gz"
    if not path.is_file():
        raise OperatorError(f"{path}: there is no such file; name the folder of Complete Journey")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def _baskets(folder: Path) -> tuple[Basket, ...]:
    """Lines of one basket merged; the published times are UTC without saying so."""
    lines: dict[tuple[str, str, str, int], list[Line]] = defaultdict(list)
    for row in _rows(folder, "dev_transactions_sample"):
        moment = datetime.fromisoformat(row["transaction_timestamp"]).replace(tzinfo=UTC)
        head = (row["basket_id"], row["household_id"], row["store_id"], to_ms(moment))
        lines[head].append(_line(row))
    baskets = (
        Basket(*head, tuple(sorted(found, key=lambda line: line.product_id)))
        for head, found in lines.items()
    )
    return tuple(sorted(baskets, key=lambda basket: (basket.at_ms, basket.basket_id)))


def _line(row: dict[str, str]) -> Line:
    return Line(
        row["product_id"],
        max(1, round(float(row["quantity"]))),
        float(row["sales_value"]),
        float(row["retail_disc"]),
        float(row["coupon_disc"]) + float(row["coupon_match_disc"]),
    )


def _campaigns(folder: Path) -> Iterator[Campaign]:
    for row in _rows(folder, "campaign_descriptions"):
        starts, ends = date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"])
        yield Campaign(row["campaign_id"], starts, ends)


def _coupons(folder: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in _rows(folder, "coupons"):
        found[row["coupon_upc"], row["campaign_id"]].add(row["product_id"])
    return {coupon: tuple(sorted(products)) for coupon, products in sorted(found.items())}


def _mailed(folder: Path, campaigns: dict[str, Campaign]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in _rows(folder, "dev_campaigns"):
        found[row["household_id"]].add(row["campaign_id"])
    return {
        household: tuple(sorted(ids, key=lambda id_: (campaigns[id_].starts, int(id_))))
        for household, ids in found.items()
    }


def _uses(folder: Path) -> tuple[Use, ...]:
    uses = {
        Use(
            row["household_id"],
            row["coupon_upc"],
            row["campaign_id"],
            date.fromisoformat(row["redemption_date"]),
        )
        for row in _rows(folder, "dev_coupon_redemptions")
    }
    return tuple(sorted(uses, key=lambda u: (u.day, int(u.household_id), u.coupon, u.campaign_id)))


def _items(folder: Path) -> Iterator[Item]:
    for row in _rows(folder, "products"):
        yield Item(
            row["product_id"],
            row["department"],
            row["product_category"],
            row["product_type"],
            row["brand"] == "Private",
        )
