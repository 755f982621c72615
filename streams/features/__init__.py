"""From a row and a moment to the numbers that the models read; bounded, float32, no state.

`registry` lists the families in their order; each family is one file with its names and its
function. Offers have a family of their own (`offers`), and so has the rhythm of purchases that the
churn models read (`rhythm`). How to add a feature: `docs/features.md`.
"""

from streams.features.coming import FitTable, fits_of, ordered_anyway
from streams.features.expected import expected_rates
from streams.features.liking import About, abouts_of
from streams.features.offer_table import OfferTable, table_of
from streams.features.offers import OfferCard, Taste, cards_of, taste_of
from streams.features.packing import pack, unpack
from streams.features.registry import (
    ARM_FREE_FEATURES,
    CONTEXT_FEATURES,
    FEATURES_VERSION,
    OFFER_FEATURES,
    context_vector,
    offer_matrix,
)
from streams.features.rhythm import RHYTHM_FEATURES, churn_example_features, rhythm_features
from streams.features.scaling import prior_log_odds

__all__ = [
    "ARM_FREE_FEATURES",
    "CONTEXT_FEATURES",
    "FEATURES_VERSION",
    "OFFER_FEATURES",
    "RHYTHM_FEATURES",
    "About",
    "FitTable",
    "OfferCard",
    "OfferTable",
    "Taste",
    "abouts_of",
    "cards_of",
    "churn_example_features",
    "context_vector",
    "expected_rates",
    "fits_of",
    "offer_matrix",
    "ordered_anyway",
    "pack",
    "prior_log_odds",
    "rhythm_features",
    "table_of",
    "taste_of",
    "unpack",
]
