"""Interest in categories: in the moment's own, and over all; the offer's are in `offers`.

What is in favor of one category over another is the log of its score minus the log of the sum, so
a linear model over both sees the share.
"""

from streams.customer.interests import HALF_LIFE_MS
from streams.customer.moments import Moment
from streams.customer.row import Affinity, Customer
from streams.features.family import Family
from streams.features.scaling import log_scaled

TYPICAL_SCORE = 5.0
TYPICAL_TOTAL = 20.0


def interest(affinities: tuple[Affinity, ...], categories: tuple[str, ...], now_ms: int) -> float:
    """The sum of the scores of `categories`, faded to `now_ms`.

    >>> interest((Affinity("tea", 4.0, 0), Affinity("rice", 1.0, 0)), ("tea",), 0)
    4.0
    """
    return float(
        sum(
            a.score * 2.0 ** (min(a.at_ms - now_ms, 0) / HALF_LIFE_MS)
            for a in affinities
            if a.category in categories
        )
    )


def liking(person: Customer, moment: Moment, now_ms: int) -> tuple[float, ...]:
    """Interest in the moment's category (0 where it has none), and in everything."""
    every = interest(person.affinities, tuple(a.category for a in person.affinities), now_ms)
    own = 0.0
    if moment.category:
        own = log_scaled(interest(person.affinities, (moment.category,), now_ms), TYPICAL_SCORE)
    return own, log_scaled(every, TYPICAL_TOTAL)


LIKING = Family(("moment_interest", "total_interest"), liking)
