"""Interest in categories: in the trigger event's own, and over all; the offer's are in `offers`.

What is in favor of one category over another is the log of its score minus the log of the sum, so
a linear model over both sees the share.
"""

from streams.customer.interests import HALF_LIFE_MS
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import log_scale

scaled_score = log_scale(5.0)
scaled_total = log_scale(20.0)


def affinity(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Interest in the trigger event's category (0 where it has none), and in everything.

    Scores fade as `customer.interests.score_at` has them, without the calls.
    """
    wanted, own, total = trigger_event.category, 0.0, 0.0
    for a in person.affinities:
        score, age_ms = a.score, now_ms - a.at_ms
        if age_ms > 0:
            score *= 2.0 ** (-age_ms / HALF_LIFE_MS)
        total += score
        if a.category == wanted:
            own = score
    return scaled_score(own) if wanted else 0.0, scaled_total(total)


AFFINITY = Family(("trigger_affinity", "total_affinity"), affinity)
