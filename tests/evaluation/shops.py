"""Made-up shops for the evaluation: buyers of whom many stop for good, sooner or later."""

import numpy as np

from streams.contracts.times import DAY_MS
from streams.evaluation.purchases import Purchase

SEED = 23
START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS
GAP_DAYS, STAYS_DAYS = 12.0, 120.0


def leaving_shop(customers: int = 240, weeks: int = 50, seed: int = SEED) -> list[Purchase]:
    """People come in over half of the time, buy at a rate of their own, and leave at one rate."""
    random = np.random.default_rng(seed)
    purchases = []
    for number in range(customers):
        at = float(random.uniform(0, 3.5 * weeks))
        leaves, gap = at + random.exponential(STAYS_DAYS), GAP_DAYS * random.gamma(4.0, 0.25)
        while at < min(7 * weeks, leaves):
            amount = round(float(random.uniform(20, 60)), 2)
            purchases.append(Purchase(f"c-{number:03}", START_MS + round(at * DAY_MS), amount))
            at += float(random.exponential(gap))
    print(f"shop of seed {seed}")
    return sorted(purchases, key=lambda purchase: purchase.at_ms)
