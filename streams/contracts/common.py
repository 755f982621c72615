"""The blocks that every event shares: ids, money, context, product, consent purposes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from streams.contracts.money import (
    Amount as Amount,
)
from streams.contracts.money import (
    Currency as Currency,
)
from streams.contracts.money import (
    Money as Money,
)
from streams.contracts.money import (
    Price,
    keep_price,
)

ID_PATTERN = r"^[A-Za-z0-9_.:\-]{1,64}(?!\n)$"
COUNTRY_PATTERN = r"^[A-Z]{2}(?!\n)$"
DIGITS_PATTERN = r"^[0-9]{8,14}(?!\n)$"
GCN_PATTERN = r"^[0-9]{13,25}(?!\n)$"
COUPON_CODE_PATTERN = r"^[^\x00-\x1f\x7f]+(?!\n)$"
PLACE_PATTERN = r"^(\*|[A-Za-z0-9_.:\-]{1,64})(?!\n)$"
SHA_256_PATTERN = r"^[0-9a-f]{64}(?!\n)$"

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Text = Annotated[str, Meta(max_length=512)]
Zoned = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone; those of inputs lie within `times.CALENDAR_MS` (see `semantics`)."""
DurationMs = Annotated[int, Meta(ge=0, le=86_400_000 * 31)]
Category = Annotated[str, Meta(min_length=1, max_length=128)]
CouponText = Annotated[str, Meta(max_length=128)]
Digits = Annotated[str, Meta(pattern=DIGITS_PATTERN)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
FreeName = Annotated[str, Meta(max_length=256)]
FreeText = Annotated[str, Meta(max_length=4096)]
FreeNumber = Annotated[float, Meta(ge=-1e18, le=1e18)]
FreeInteger = Annotated[int, Meta(ge=1 - 2**63, le=2**63 - 1)]
FreeValue = FreeText | FreeInteger | FreeNumber | bool | None
FreeMap = dict[FreeName, FreeValue]
"""The sender's own names and values; how many there may be says `InputRules.properties_max`."""
Country = Annotated[str, Meta(pattern=COUNTRY_PATTERN)]

ChannelName = Literal["web", "app", "store", "email", "sms", "push", "call_center"]
SalesChannel = Literal["ec", "app", "store", "bopis"]
Purpose = Literal[
    "personalization",
    "profiling",
    "location_beacon",
    "marketing_push",
    "marketing_email",
    "marketing_sms",
    "model_training",
]
LanguageTag = Literal["en", "ja", "zh"]
LANGUAGES: Final[tuple[LanguageTag, ...]] = ("en", "ja", "zh")
ConsentState = Literal["granted", "denied", "unset"]
RiskBandName = Literal["low", "medium", "high"]
Stance = Literal["refused", "open"]
"""Whether somebody has refused the shop's marketing."""
LifecycleStage = Literal["new", "active", "at_risk", "lapsed"]
TrackName = Literal["first_purchase", "second_purchase"]
LinkMethod = Literal["login", "loyalty_scan", "receipt", "device", "manual"]


class Block(Struct, frozen=True, omit_defaults=True):
    """A part of an event: fields by name, unknown ones passed over, defaults not written."""


class HashedId(Block, frozen=True, kw_only=True):
    """A contact address that only its SHA-256 stands for."""

    type: Literal["email", "phone", "loyalty_card", "payment_card", "other"]
    value_hash: Annotated[str, Meta(pattern=SHA_256_PATTERN)]
    verified: bool = False


class Identity(Block, frozen=True, kw_only=True):
    """Who did it: at least one of the three ids is there (checked by `decode`)."""

    customer_id: Id | None = None
    anonymous_id: Id | None = None
    device_id: Id | None = None
    ids: Annotated[tuple[HashedId, ...], Meta(max_length=8)] = ()

    @property
    def key(self) -> str:
        """The record key: customer, else anonymous, else device id; empty where none is given."""
        return self.customer_id or self.anonymous_id or self.device_id or ""


class ConsentSignals(Block, frozen=True, kw_only=True):
    """Consent strings that travel with an event; `gpc` true means that the person objects."""

    tcf: Annotated[str, Meta(max_length=2048)] | None = None
    gpp: Annotated[str, Meta(max_length=2048)] | None = None
    gpc: bool | None = None


class Context(Block, frozen=True, kw_only=True):
    """Where and with what the event happened."""

    timezone: Annotated[str, Meta(max_length=64)] | None = None
    locale: Annotated[str, Meta(max_length=35)] | None = None
    country: Country | None = None
    app: FreeMap | None = None
    device: FreeMap | None = None
    campaign: FreeMap | None = None
    consent: ConsentSignals | None = None


class Product(Block, frozen=True, kw_only=True):
    """A product as an event names it; the price in `currency`, else in the shop's."""

    product_id: Id
    category: Category
    gtin: Digits | None = None
    name: Text | None = None
    brand: Text | None = None
    category_path: Annotated[tuple[Text, ...], Meta(max_length=8)] = ()
    variant: Text | None = None
    price: Price | None = None
    quantity: Count = 1
    position: Count | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Bring the price into its one form."""
        if type(self.price) is not float:
            keep_price(self, "price")


class LineItem(Product, frozen=True, kw_only=True):
    """A product on an order: what was paid for one, and what was taken off the line.

    `product_id` or `gtin` is there (checked by `decode`); what is not said is an empty text.
    """

    if TYPE_CHECKING:
        product_id: str = ""
        category: str = ""
    else:
        product_id: Id | None = ""
        category: Annotated[str, Meta(max_length=128)] | None = ""
    unit_price: Price
    quantity: Count
    discount: Price = 0.0

    def __post_init__(self) -> None:
        """Bring what is paid into its one form."""
        for name in ("price", "unit_price", "discount"):
            keep_price(self, name)
        for name in ("product_id", "category"):
            if getattr(self, name) is None:
                force_setattr(self, name, "")


class Cart(Block, frozen=True, kw_only=True):
    """A shopping cart as the shop shows it."""

    cart_id: Id
    value: Price = 0.0
    items: Annotated[tuple[Product, ...], Meta(max_length=200)] = field(default=())
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Bring the value into its one form."""
        keep_price(self, "value")
