"""The usual Faust app: Record events, a RocksDB table of Records, eighteen fields updated a view.

Run by the benchmark as `python -m benchmarks.idiomatic_faust BOOTSTRAP DATA_DIR worker`.
"""

import sys

import faust


class Customer(faust.Record, serializer="json"):
    """Eighteen fields, about what offerstream's row keeps of a product view."""

    first_at: str = ""
    last_at: str = ""
    views: int = 0
    day: float = 0.0
    week: float = 0.0
    month: float = 0.0
    session_started_at: str = ""
    session_views: int = 0
    session_dwell_ms: int = 0
    dwell_ms: int = 0
    last_product: str = ""
    last_category: str = ""
    last_price: float = 0.0
    price_sum: float = 0.0
    price_max: float = 0.0
    categories: dict[str, float] = {}  # noqa: RUF012 - Faust copies defaults
    recent_products: list[str] = []  # noqa: RUF012
    recent_events: list[str] = []  # noqa: RUF012


def build_app(bootstrap: str, data_dir: str) -> faust.App:
    """The app with its one table and its one agent."""
    app = faust.App(
        "idiomatic",
        broker=f"kafka://{bootstrap}",
        store="rocksdb://?driver=rocksdict",
        datadir=data_dir,
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=4,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
    )
    views = app.topic("events.clickstream", value_type=bytes, value_serializer="json")
    customers = app.Table("customers", value_type=Customer, partitions=4)

    @app.agent(views)
    async def update(stream: faust.StreamT) -> None:
        async for event in stream:
            key = event["identity"]["customer_id"]
            customer = customers.get(key) or Customer()
            customers[key] = viewed(customer, event)

    return app


def viewed(customer: Customer, event: dict) -> Customer:  # type: ignore[type-arg]
    """The row after a product view."""
    product, page = event["product"], event["page"]
    categories = dict(customer.categories or {})
    categories[product["category"]] = categories.get(product["category"], 0.0) * 0.99 + 1.0
    return Customer(
        first_at=customer.first_at or event["occurred_at"],
        last_at=event["occurred_at"],
        views=customer.views + 1,
        day=customer.day * 0.9 + 1.0,
        week=customer.week * 0.99 + 1.0,
        month=customer.month * 0.999 + 1.0,
        session_started_at=customer.session_started_at or event["occurred_at"],
        session_views=customer.session_views + 1,
        session_dwell_ms=customer.session_dwell_ms + page["dwell_ms"],
        dwell_ms=customer.dwell_ms + page["dwell_ms"],
        last_product=product["product_id"],
        last_category=product["category"],
        last_price=product["price"],
        price_sum=customer.price_sum + product["price"],
        price_max=max(customer.price_max, product["price"]),
        categories=categories,
        recent_products=[*(customer.recent_products or []), product["product_id"]][-8:],
        recent_events=[*(customer.recent_events or []), event["event_id"]][-32:],
    )


if __name__ == "__main__":
    bootstrap, data_dir, *rest = sys.argv[1:]
    sys.argv[1:] = rest
    build_app(bootstrap, data_dir).main()
