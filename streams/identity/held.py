"""What is held of a person, as a receipt says it: pieces by category."""

from streams.customer.row import Customer


def held(row: Customer | None) -> dict[str, int]:
    """What is held of a person, in pieces by category; categories without pieces are left out."""
    if row is None:
        return {}
    pieces = {
        "linked_ids": len(row.linked_ids),
        "activity": len(row.channels) + len(row.counters) + int(row.session is not None),
        "cart_items": len(row.cart.items) if row.cart is not None else 0,
        "interests": len(row.affinities) + len(row.views),
        "orders": row.spend.orders if row.spend is not None else 0,
        "zone_visits": len(row.visits),
        "consents": len(row.consents),
        "offers": len(row.contacts)
        + len(row.redemptions)
        + len(row.open_decisions)
        + len(row.refusals)
        + len(row.coupons_out)
        + len(row.coupons_shown),
        "churn": len(row.signals) + int(row.churn.risk is not None),
        "traits": len(row.traits),
        "service": len(row.service_cases) + int(row.nps is not None),
    }
    return {category: count for category, count in pieces.items() if count}


def both_held(pieces: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """The pieces of two rows, by category.

    >>> both_held({"orders": 1}, {"orders": 2, "traits": 1})
    {'orders': 3, 'traits': 1}
    """
    return pieces | {name: pieces.get(name, 0) + count for name, count in more.items()}
