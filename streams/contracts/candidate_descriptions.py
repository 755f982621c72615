"""What is said of a decision's offers, by column and in terms; `descriptions` has it with all."""

from typing import Final

OF_CANDIDATES: Final[dict[str, str]] = {
    "candidates": "Every offer that was looked at, by column; in version 1 each offer by itself.",
    "Candidates.offer_ids": "All offers, in the order of the catalog.",
    "Candidates.why_not": "Of each offer why it was not sent; empty: nothing stood against any.",
    "Candidates.places": "Which were weighed, from 0 on; what follows is of them. Null: all.",
    "Candidates.terms": "Their terms; null where none was weighed.",
    "Candidates.probabilities": "Probability with which each of them was drawn.",
    "Candidates.features": "What the model saw of each: float32, little-endian; base64.",
    "TermColumns.ordered_anyway": "P(an order that it fits comes anyway); empty: an older record.",
    "TermColumns.lever": "What the owner adds to each by hand; empty: nothing to any.",
    "TermColumns.channel": "The channel chosen for each; empty: there was no choice.",
    "TermColumns.reach": "How far less each is answered there than on the best; empty: no choice.",
    "ordered_anyway": "Probability that an order which the offer fits comes anyway.",
    "order_size": "What the person spends on an order against the mean; null: not known.",
}
