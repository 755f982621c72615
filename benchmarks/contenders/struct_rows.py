"""The state pipeline's row as a msgspec struct, for offerstream's runtime and the written loop."""

import msgspec
from msgspec import Struct

CATEGORIES = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")
EMPTY_EVENT, EMPTY_PRODUCT = "e000000000", "p0000"


class Page(Struct, frozen=True, gc=False):
    """What was looked at."""

    dwell_ms: int


class Product(Struct, frozen=True, gc=False):
    """The product that was looked at."""

    product_id: str
    category: str
    price: float


class View(Struct, frozen=True, gc=False):
    """The part of an event that the pipeline reads; all of its JSON is parsed and checked."""

    event_id: str
    occurred_at: str
    customer_id: str
    asks: bool
    page: Page
    product: Product


class Row(Struct, gc=False):
    """Eighteen fields, at their full size from the first event on."""

    first_at: str
    last_at: str
    views: int
    day: float
    week: float
    month: float
    session_started_at: str
    session_views: int
    session_dwell_ms: int
    dwell_ms: int
    last_product: str
    last_category: str
    last_price: float
    price_sum: float
    price_max: float
    categories: dict[str, float]
    recent_products: list[str]
    recent_events: list[str]


def new_row(view: View) -> Row:
    """The row before the first view."""
    at, product = view.occurred_at, view.product
    return Row(
        at, at, 0, 0.0, 0.0, 0.0, at, 0, 0, 0, product.product_id, product.category, 0.0, 0.0, 0.0,
        dict.fromkeys(CATEGORIES, 0.0), [EMPTY_PRODUCT] * 8, [EMPTY_EVENT] * 32,
    )  # fmt: skip


def viewed(row: Row, view: View) -> None:
    """The row after a view, in place."""
    product, dwell_ms = view.product, view.page.dwell_ms
    count, price, category = row.views, product.price, product.category
    row.last_at = view.occurred_at
    row.views = count + 1
    row.day = row.day * 0.9 + 1.0
    row.week = row.week * 0.99 + 1.0
    row.month = row.month * 0.999 + 1.0
    row.session_views += 1
    row.session_dwell_ms += dwell_ms
    row.dwell_ms += dwell_ms
    row.last_product = product.product_id
    row.last_category = category
    row.last_price = price
    row.price_sum += price
    row.price_max = max(row.price_max, price)
    row.categories[category] = row.categories[category] * 0.99 + 1.0
    row.recent_products[count % 8] = product.product_id
    row.recent_events[count % 32] = view.event_id


def answer(row: Row, view: View) -> bytes:
    """What is said where an event asks."""
    return b'{"customer_id":"%b","event_id":"%b","views":%d,"price_sum":%.2f}' % (
        view.customer_id.encode(),
        view.event_id.encode(),
        row.views,
        row.price_sum,
    )


decode_view = msgspec.json.Decoder(View).decode
encode_row = msgspec.msgpack.Encoder().encode
decode_row = msgspec.msgpack.Decoder(Row).decode
