"""Interest in categories: in the trigger event's own, and over all; the offer's are in `offers`.

What is in favor of one category over another is the log of its score minus the log of the sum, so
a linear model over both sees the share.
"""

from streams.contracts.sums import sum_of
from streams.customer.interests import HALF_LIFE_MS
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import log_scale

scaled_score = log_scale(5.0)
scaled_total = log_scale(20.0)


def interests(person: Customer, now_ms: int) -> dict[str, float]:
    """The scores of the person's categories, faded to `now_ms`.

    As `customer.interests.score_at` has them, without the calls: every decision asks for all.
    """
    return {
        a.category: a.score * 2.0 ** (-(now_ms - a.at_ms) / HALF_LIFE_MS)
        if now_ms > a.at_ms
        else a.score
        for a in person.affinities
    }


def affinity(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Interest in the trigger event's category (0 where it has none), and in everything."""
    scores = interests(person, now_ms)
    own = 0.0
    if trigger_event.category:
        own = scaled_score(scores.get(trigger_event.category, 0.0))
    return own, scaled_total(sum_of(scores.values()))


AFFINITY = Family(("trigger_affinity", "total_affinity"), affinity)
