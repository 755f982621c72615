"""The blocks that an event needs because of its name, beyond what its topic's struct requires."""

from typing import Final

from streams.contracts.common import Block

REQUIRED_BY_NAME: Final[dict[str, str]] = {
    "products_searched": "query",
    "product_viewed": "product",
    "product_added": "product",
    "product_removed": "product",
    "promotion_viewed": "promotion",
    "promotion_clicked": "promotion",
    "screen_viewed": "screen",
    "push_received": "push",
    "push_opened": "push",
    "push_dismissed": "push",
    "permission_changed": "permission",
    "profile_updated": "traits",
    "identity_linked": "link",
    "identity_unlinked": "link",
    "consent_updated": "purposes",
    "service_case_opened": "case",
    "service_case_closed": "case",
    "survey_answered": "survey",
    "retention_outcome": "outcome",
    "offer_requested": "placement",
}


def missing_block(event: Block, name: str) -> str | None:
    """The block that an event of this name needs and does not have."""
    block = REQUIRED_BY_NAME.get(name)
    return block if block is not None and getattr(event, block) is None else None
