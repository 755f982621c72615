"""The product's input: one seeded stream of product views by customers who granted everything."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

START_MS = 1_767_225_600_000
EVENT_MS = 100
PURPOSES = ("personalization", "profiling", "model_training")
CATEGORIES = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")


def product_views(count: int, customers: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """`count` clickstream records as (key, value), a tenth of a second of event time apart."""
    for number, (customer, product) in enumerate(draws(count, customers, seed)):
        at_ms = START_MS + number * EVENT_MS
        yield customer.encode(), product_view(f"e{number:09d}", customer, product, at_ms)


def draws(count: int, customers: int, seed: int) -> Iterator[tuple[str, int]]:
    """Who looks at which product."""
    rng = np.random.default_rng(seed)
    return _looks(rng.integers(0, customers, count), rng)


def visits(count: int, present: int, views: int, seed: int) -> Iterator[tuple[str, int]]:
    """Who looks at which product, `present` at a time, each for `views` views on average."""
    rng = np.random.default_rng(seed)
    return _looks(np.arange(count) // views + rng.integers(0, present, count), rng)


def _looks(people: "np.ndarray[Any, Any]", rng: np.random.Generator) -> Iterator[tuple[str, int]]:
    products = rng.integers(0, 400, len(people)).tolist()
    return ((f"c{c:07d}", p) for c, p in zip(people.tolist(), products, strict=True))


def consents(customers: int, at_ms: int = START_MS - 1_000) -> Iterator[tuple[bytes, bytes]]:
    """Everybody grants everything before the first view, so that offers are really decided.

    Where timers follow the wall's time, `at_ms` is now: else the timers of every week since are due
    at once, for everybody.
    """
    for number in range(customers):
        customer = f"c{number:07d}"
        event = {
            "event_id": f"consent-{number:07d}",
            "event_name": "consent_updated",
            "occurred_at": _rfc3339(at_ms),
            "identity": {"customer_id": customer},
            "channel": "web",
            "purposes": dict.fromkeys(PURPOSES, "granted"),
        }
        yield customer.encode(), msgspec.json.encode(event)


def product_view(event_id: str, customer: str, product: int, at_ms: int) -> bytes:
    """One record's value."""
    return msgspec.json.encode(
        {
            "event_id": event_id,
            "event_name": "product_viewed",
            "occurred_at": _rfc3339(at_ms),
            "identity": {"customer_id": customer},
            "channel": "web",
            "context": {"timezone": "Europe/Berlin", "locale": "de-DE"},
            "page": {"path": f"/p/{product}", "dwell_ms": 1_000 + product * 40},
            "product": {
                "product_id": f"p{product:04d}",
                "category": CATEGORIES[product % len(CATEGORIES)],
                "price": 1.5 + product / 10,
            },
        }
    )


def _rfc3339(at_ms: int) -> str:
    return str(np.datetime64(at_ms, "ms")) + "Z"
