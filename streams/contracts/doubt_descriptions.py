"""What fields mean that say how sure a decision was, in one sentence; part of `descriptions`."""

from typing import Final

OF_DOUBT: Final[dict[str, str]] = {
    "incremental_orders": "Orders more than without an offer, over the time of a comparison.",
    "orders_error": "Standard error of that.",
    "incremental_margin": "Margin more than without an offer, in the shop's currency.",
    "margin_error": "Standard error of that.",
    "doubt": "How sure the model was of a decision that drew, where the policies explore by it.",
    "Doubt.shared": "Of what all offers share: by number of an offer's features, on both bases.",
    "Doubt.own": "Of what is each offer's own, of the candidates with terms, in their order.",
}
