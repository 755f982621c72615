"""`python -m benchmarks.contenders.faust.app BOOTSTRAP DATA_DIR GROUP INPUT OUTPUT worker -l warn`.

The app that Faust's documents teach: Record events, a RocksDB table of Records, one agent.
"""

import sys

import faust

from benchmarks.workload import CATEGORIES, PARTITIONS


class Page(faust.Record, serializer="json"):  # type: ignore[call-arg]
    """What was looked at."""

    path: str
    referrer: str
    dwell_ms: int


class Product(faust.Record, serializer="json"):  # type: ignore[call-arg]
    """The product that was looked at."""

    product_id: str
    category: str
    price: float
    currency: str


class View(faust.Record, serializer="json"):  # type: ignore[call-arg]
    """One event."""

    event_id: str
    event_name: str
    occurred_at: str
    customer_id: str
    channel: str
    timezone: str
    locale: str
    session_id: str
    asks: bool
    page: Page
    product: Product


class Answer(faust.Record, serializer="json"):  # type: ignore[call-arg]
    """What is said where an event asks."""

    customer_id: str
    event_id: str
    views: int
    price_sum: float


class Customer(faust.Record, serializer="json"):  # type: ignore[call-arg]
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


def build_app(bootstrap: str, data_dir: str, group: str, source: str, output: str) -> faust.App:
    """The app with its one table and its one agent."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="rocksdb://?driver=rocksdict",
        datadir=data_dir,
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=PARTITIONS,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
    )
    views = app.topic(source, key_type=bytes, value_type=View)
    answers = app.topic(output, key_type=str, value_type=Answer)
    customers = app.Table("customers", key_type=str, value_type=Customer, partitions=PARTITIONS)

    @app.agent(views)
    async def update(stream: faust.StreamT) -> None:
        async for view in stream:
            key = view.customer_id
            customer = customers.get(key) or new_customer(view)
            viewed(customer, view)
            customers[key] = customer
            if view.asks:
                said = Answer(key, view.event_id, customer.views, round(customer.price_sum, 2))
                await answers.send(key=key, value=said)

    return app


def new_customer(view: View) -> Customer:
    """The row before the first view."""
    at, product = view.occurred_at, view.product
    return Customer(
        at, at, 0, 0.0, 0.0, 0.0, at, 0, 0, 0, product.product_id, product.category, 0.0, 0.0, 0.0,
        dict.fromkeys(CATEGORIES, 0.0), ["p0000"] * 8, ["e000000000"] * 32,
    )  # fmt: skip


def viewed(customer: Customer, view: View) -> None:
    """The row after a view, in place."""
    product, dwell_ms = view.product, view.page.dwell_ms
    count, price, category = customer.views, product.price, product.category
    customer.last_at = view.occurred_at
    customer.views = count + 1
    customer.day = customer.day * 0.9 + 1.0
    customer.week = customer.week * 0.99 + 1.0
    customer.month = customer.month * 0.999 + 1.0
    customer.session_views += 1
    customer.session_dwell_ms += dwell_ms
    customer.dwell_ms += dwell_ms
    customer.last_product = product.product_id
    customer.last_category = category
    customer.last_price = price
    customer.price_sum += price
    customer.price_max = max(customer.price_max, price)
    customer.categories[category] = customer.categories[category] * 0.99 + 1.0
    customer.recent_products[count % 8] = product.product_id
    customer.recent_events[count % 32] = view.event_id


if __name__ == "__main__":
    bootstrap, data_dir, group, source, output, *rest = sys.argv[1:]
    sys.argv[1:] = rest
    build_app(bootstrap, data_dir, group, source, output).main()
