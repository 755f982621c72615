"""The input of every contender: one seeded stream of product views, the same bytes for all."""

from collections.abc import Iterator

import msgspec
import numpy as np

START_MS = 1_767_225_600_000
PURPOSES = ("personalization", "profiling", "model_training")
CATEGORIES = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")


def product_views(count: int, customers: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """`count` clickstream records as (key, value), a tenth of a second of event time apart."""
    rng = np.random.default_rng(seed)
    people = rng.integers(0, customers, count)
    products = rng.integers(0, 400, count)
    for i in range(count):
        customer = f"c{people[i]:07d}"
        yield customer.encode(), _view(i, customer, int(products[i]))


def consents(customers: int) -> Iterator[tuple[bytes, bytes]]:
    """Everybody grants everything before the first view, so that offers are really decided."""
    for number in range(customers):
        customer = f"c{number:07d}"
        event = {
            "event_id": f"consent-{number:07d}",
            "event_name": "consent_updated",
            "occurred_at": _rfc3339(START_MS - 1_000),
            "identity": {"customer_id": customer},
            "channel": "web",
            "purposes": dict.fromkeys(PURPOSES, "granted"),
        }
        yield customer.encode(), msgspec.json.encode(event)


def _view(number: int, customer: str, product: int) -> bytes:
    at_ms = START_MS + number * 100
    return msgspec.json.encode(
        {
            "event_id": f"e{number:09d}",
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
