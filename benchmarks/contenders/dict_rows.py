"""The state pipeline's row as a dictionary, for Quix Streams and Bytewax."""

from typing import Any

CATEGORIES = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")


def new_row(view: dict[str, Any]) -> dict[str, Any]:
    """The row before the first view, at its full size."""
    at, product = view["occurred_at"], view["product"]
    return {
        "first_at": at,
        "last_at": at,
        "views": 0,
        "day": 0.0,
        "week": 0.0,
        "month": 0.0,
        "session_started_at": at,
        "session_views": 0,
        "session_dwell_ms": 0,
        "dwell_ms": 0,
        "last_product": product["product_id"],
        "last_category": product["category"],
        "last_price": 0.0,
        "price_sum": 0.0,
        "price_max": 0.0,
        "categories": dict.fromkeys(CATEGORIES, 0.0),
        "recent_products": ["p0000"] * 8,
        "recent_events": ["e000000000"] * 32,
    }


def viewed(row: dict[str, Any], view: dict[str, Any]) -> None:
    """The row after a view, in place."""
    product, dwell_ms = view["product"], view["page"]["dwell_ms"]
    count, price, category = row["views"], product["price"], product["category"]
    row["last_at"] = view["occurred_at"]
    row["views"] = count + 1
    row["day"] = row["day"] * 0.9 + 1.0
    row["week"] = row["week"] * 0.99 + 1.0
    row["month"] = row["month"] * 0.999 + 1.0
    row["session_views"] += 1
    row["session_dwell_ms"] += dwell_ms
    row["dwell_ms"] += dwell_ms
    row["last_product"] = product["product_id"]
    row["last_category"] = category
    row["last_price"] = price
    row["price_sum"] += price
    row["price_max"] = max(row["price_max"], price)
    row["categories"][category] = row["categories"][category] * 0.99 + 1.0
    row["recent_products"][count % 8] = product["product_id"]
    row["recent_events"][count % 32] = view["event_id"]


def answer(row: dict[str, Any], view: dict[str, Any]) -> dict[str, Any]:
    """What is said where an event asks."""
    return {
        "customer_id": view["customer_id"],
        "event_id": view["event_id"],
        "views": row["views"],
        "price_sum": round(row["price_sum"], 2),
    }
