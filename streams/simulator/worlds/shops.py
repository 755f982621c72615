"""The four shops of the worlds: departments, money, calendar, and what leaving means there."""

from collections.abc import Mapping

from msgspec import Struct

from streams.contracts.reference.structs import ChurnDefinition
from streams.simulator.worlds.settings import WorldKind


class Department(Struct, frozen=True):
    """A category of the shop: its names in English, Japanese and Chinese, and its usual price.

    `share` is of the shop's orders; `margin_share` of the price is what the shop keeps.
    """

    name: str
    ja: str
    zh: str
    share: float
    price: float
    margin_share: float


class Shop(Struct, frozen=True, kw_only=True):
    """A shop.

    Attributes:
        decimals: of its money.
        round_off: the discount of the basket offer, from `basket_from` on.
        stores: how many; 0 for a shop without any.
        utc_offset_h: of the shop's clock.
        season: (peak as a share of the year, height, width in days) of each peak.
        weekdays: relative number of orders from Monday to Sunday.
        paydays: days of the month from which on, for three days, more is bought.
        payday_times: how much more.
    """

    kind: WorldKind
    currency: str
    decimals: int
    departments: tuple[Department, ...]
    basket_from: float
    basket_off: float
    contact_cost: float
    offer_cost: float
    stores: int
    zone: str
    utc_offset_h: int
    locales: tuple[str, ...]
    season: tuple[tuple[float, float, float], ...] = ()
    weekdays: tuple[float, ...] = (1.0,) * 7
    paydays: tuple[int, ...] = ()
    payday_times: float = 1.0
    churn: ChurnDefinition


GROCERY = Shop(
    kind="grocery",
    currency="EUR",
    decimals=2,
    departments=(
        Department("coffee", "コーヒー", "咖啡", 0.15, 9.0, 0.32),
        Department("bakery", "ベーカリー", "烘焙", 0.2, 4.0, 0.38),
        Department("dairy", "乳製品", "乳制品", 0.2, 5.0, 0.24),
        Department("fruit", "果物", "水果", 0.2, 6.0, 0.28),
        Department("wine", "ワイン", "葡萄酒", 0.1, 12.0, 0.34),
        Department("household", "日用品", "日用品", 0.15, 7.0, 0.27),
    ),
    basket_from=60.0,
    basket_off=6.0,
    contact_cost=0.4,
    offer_cost=0.01,
    stores=2,
    zone="Europe/Berlin",
    utc_offset_h=1,
    locales=("de-DE", "en-GB"),
    season=((0.96, 0.25, 12.0),),
    weekdays=(0.9, 0.8, 0.8, 1.0, 1.5, 1.7, 0.3),
    paydays=(1,),
    payday_times=1.15,
    churn=ChurnDefinition(
        definition_id="no-purchase-6-weeks", tick="day", horizon_ticks=42, contact_cost=0.4
    ),
)
DRUGSTORE = Shop(
    kind="drugstore",
    currency="JPY",
    decimals=0,
    departments=(
        Department("skincare", "スキンケア", "护肤", 0.2, 1_800.0, 0.42),
        Department("haircare", "ヘアケア", "护发", 0.2, 900.0, 0.36),
        Department("baby", "ベビー", "母婴", 0.15, 1_600.0, 0.22),
        Department("vitamins", "サプリメント", "保健品", 0.2, 2_200.0, 0.45),
        Department("cleaning", "洗剤", "清洁", 0.25, 600.0, 0.25),
    ),
    basket_from=5_000.0,
    basket_off=500.0,
    contact_cost=40.0,
    offer_cost=1.0,
    stores=2,
    zone="Asia/Tokyo",
    utc_offset_h=9,
    locales=("ja-JP",),
    season=((0.15, 0.2, 25.0), (0.97, 0.15, 10.0)),
    weekdays=(0.9, 0.9, 0.9, 0.9, 1.0, 1.3, 1.1),
    paydays=(25,),
    payday_times=1.5,
    churn=ChurnDefinition(contact_cost=40.0, margin_share=0.34),
)
FASHION = Shop(
    kind="fashion",
    currency="GBP",
    decimals=2,
    departments=(
        Department("dresses", "ワンピース", "连衣裙", 0.2, 60.0, 0.52),
        Department("shirts", "シャツ", "衬衫", 0.25, 32.0, 0.5),
        Department("trousers", "パンツ", "裤子", 0.2, 48.0, 0.5),
        Department("shoes", "シューズ", "鞋", 0.15, 80.0, 0.45),
        Department("accessories", "小物", "配饰", 0.2, 24.0, 0.58),
    ),
    basket_from=100.0,
    basket_off=15.0,
    contact_cost=0.5,
    offer_cost=0.02,
    stores=2,
    zone="Europe/London",
    utc_offset_h=0,
    locales=("en-GB",),
    season=((0.29, 1.0, 24.0), (0.75, 1.1, 24.0), (0.93, 0.7, 14.0), (0.02, 0.4, 10.0)),
    weekdays=(0.9, 0.8, 0.9, 1.0, 1.1, 1.3, 1.2),
    paydays=(28,),
    payday_times=1.3,
    churn=ChurnDefinition(
        definition_id="no-purchase-20-weeks", horizon_ticks=20, margin_share=0.5, contact_cost=0.5
    ),
)
WHOLESALER = Shop(
    kind="wholesaler",
    currency="USD",
    decimals=2,
    departments=(
        Department("paper", "紙製品", "纸品", 0.25, 300.0, 0.18),
        Department("kitchen", "厨房用品", "厨房用品", 0.25, 500.0, 0.24),
        Department("beverages", "飲料", "饮料", 0.3, 400.0, 0.15),
        Department("hygiene", "衛生用品", "卫生用品", 0.2, 250.0, 0.26),
    ),
    basket_from=2_500.0,
    basket_off=120.0,
    contact_cost=15.0,
    offer_cost=0.1,
    stores=0,
    zone="America/New_York",
    utc_offset_h=-5,
    locales=("en-US", "zh-CN"),
    season=((0.84, 0.5, 30.0),),
    weekdays=(1.2, 1.2, 1.1, 1.1, 1.0, 0.1, 0.05),
    churn=ChurnDefinition(margin_share=0.2, contact_cost=15.0),
)
SHOPS: Mapping[WorldKind, Shop] = {s.kind: s for s in (GROCERY, DRUGSTORE, FASHION, WHOLESALER)}
