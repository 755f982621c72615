"""From a rhythm and a moment to the 19 numbers that the churn models read.

All times inside are in ticks (a week for shops, a day for apps). Decay is applied here, when the
numbers are read, so silence changes the features although the stored rhythm stands still.
"""

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.ids import pseudonym
from streams.contracts.internal.learning import CUSTOMER_KEY, LearningExample
from streams.contracts.times import DAY_MS
from streams.customer.rhythm import HALF_LIVES_TICKS, Rhythm
from streams.customer.row import ScoringMoment

RHYTHM_FEATURES: tuple[str, ...] = (
    "log_silence",
    "log_age",
    "log_repeats",
    "one_timer",
    "log_mean_gap",
    "log_sd_gap",
    "log_silence_to_gap",
    "silence_z",
    "log_last_gap_to_mean",
    "log_count_2",
    "log_count_6",
    "log_count_18",
    "mean_amount",
    "last_amount_change",
    "log_rate",
    "sqrt_silence",
    "log_repeats_x_log_silence",
    "log_overdue",
    "log_overdue_twice",
)
SILENCE_Z_MAX = 5.0
COUNT_FLOOR = 0.1
OVERDUE_LEAN = 0.25  # of the population's weight: what is overdue is so by the own gaps
LN2 = math.log(2.0)


class Population(Struct, frozen=True):
    """What a customer's gaps are shrunk to: gaps of the whole population, in ticks.

    `weight` is how many gaps of the customer's own the population counts for.
    """

    mean_gap_ticks: float = 12.0
    sd_gap_ticks: float = 12.0
    weight: float = 1.0


POPULATION = Population()


class Habit(Struct, frozen=True):
    """A customer's own gap between purchases, shrunk to the population; in ticks."""

    mean_ticks: float
    sd_ticks: float
    last_ticks: float


def habit(rhythm: Rhythm, tick_ms: int, population: Population = POPULATION) -> Habit:
    """The customer's usual gap: own gaps and `population.weight` gaps of the population."""
    days = tick_ms / DAY_MS
    weight = rhythm.repeats + population.weight
    total = rhythm.gap_days_sum / days
    mean = (total + population.weight * population.mean_gap_ticks) / weight
    spread = population.weight * population.sd_gap_ticks**2
    last = mean
    if rhythm.repeats:
        spread += max(rhythm.gap_days_sq_sum / days**2 - total**2 / rhythm.repeats, 0.0)
        last = rhythm.last_gap_days / days
    return Habit(mean, math.sqrt(spread / weight), last)


def rhythm_features(
    rhythm: Rhythm, now_ms: int, tick_ms: int, population: Population = POPULATION
) -> NDArray[np.float64]:
    """The features at `now_ms`, shape `[19]` in the order of `RHYTHM_FEATURES`, all finite.

    >>> from streams.contracts.times import WEEK_MS
    >>> from streams.customer.rhythm import record_purchase
    >>> x = rhythm_features(record_purchase(None, 0, 20.0), 4 * WEEK_MS, WEEK_MS)
    >>> float(x[RHYTHM_FEATURES.index("sqrt_silence")])
    2.0
    """
    return silence_features(rhythm, now_ms, tick_ms, 1, population).reshape(-1)


def silence_features(
    rhythm: Rhythm,
    now_ms: int,
    tick_ms: int,
    ticks: int,
    population: Population = POPULATION,
) -> NDArray[np.float64]:
    """The features now and after 1, 2, ... ticks more of silence, shape `[ticks, 19]`.

    Returns become likelier until the usual gap is over and rarer afterwards, and a weight on the
    silence alone can only rise or fall: so `log_overdue` begins at one own gap of silence, and
    `log_overdue_twice` at two.
    """
    own = habit(rhythm, tick_ms, population)
    ahead = np.arange(ticks, dtype=np.float64)
    silence = ahead + max((now_ms - rhythm.last_ms) / tick_ms, 0.0)
    age = ahead + max((now_ms - rhythm.first_ms) / tick_ms, 0.0)
    log_silence = np.log(silence + 0.3)
    log_repeats = math.log1p(rhythm.repeats)
    out = np.empty((ticks, len(RHYTHM_FEATURES)))
    out[:, 0] = log_silence
    out[:, 1] = np.log(age + 0.5)
    out[:, 2] = log_repeats
    out[:, 3] = rhythm.repeats == 0
    out[:, 4] = math.log(own.mean_ticks + 0.1)
    out[:, 5] = math.log(own.sd_ticks + 0.1)
    out[:, 6] = log_silence - math.log(own.mean_ticks + 0.3)
    spread = (silence - own.mean_ticks) / (own.sd_ticks + 0.1)
    out[:, 7] = np.minimum(np.maximum(spread, -SILENCE_Z_MAX), SILENCE_Z_MAX)
    out[:, 8] = math.log((own.last_ticks + 0.3) / (own.mean_ticks + 0.3))
    counts = (rhythm.count_2, rhythm.count_6, rhythm.count_18)
    for column, (count, half_life) in enumerate(zip(counts, HALF_LIVES_TICKS, strict=True), 9):
        out[:, column] = np.log(count * np.exp(silence * (-LN2 / half_life)) + COUNT_FLOOR)
    out[:, 12] = rhythm.log_amount_mean
    out[:, 13] = rhythm.log_amount_last - rhythm.log_amount_mean
    out[:, 14] = np.log((rhythm.repeats + 0.5) / (age + 6.0))
    out[:, 15] = np.sqrt(silence)
    out[:, 16] = log_repeats * log_silence
    overdue = log_silence - math.log(_own_gap(rhythm, tick_ms, population) + 0.3)
    out[:, 17] = np.maximum(overdue, 0.0)
    out[:, 18] = np.maximum(overdue - LN2, 0.0)
    return out


def _own_gap(rhythm: Rhythm, tick_ms: int, population: Population) -> float:
    """The mean gap in ticks, nearly the customer's own as soon as there is one."""
    lean = OVERDUE_LEAN * population.weight
    total = rhythm.gap_days_sum * DAY_MS / tick_ms
    return (total + lean * population.mean_gap_ticks) / (rhythm.repeats + lean)


def churn_example_features(
    rhythm: Rhythm, scored_at_ms: int, tick_ms: int, customer_id: str = ""
) -> dict[str, float]:
    """What the churn learner reads of a scoring moment, by name.

    The 19 features; what BG/NBD is fitted on (`x`, `t_x_ticks`, `T_ticks`); the sum
    of squares of the gaps, in ticks; the tick's length; and
    `customer_key`, 53 bits of a hash that lets the learner keep one entry per customer (without a
    `customer_id`, the first purchase's time stands for the customer).
    """
    values = rhythm_features(rhythm, scored_at_ms, tick_ms)
    features: dict[str, float] = dict(zip(RHYTHM_FEATURES, values.tolist(), strict=True))
    x, t_x, age = purchase_history(rhythm, scored_at_ms, tick_ms)
    features["x"], features["t_x_ticks"], features["T_ticks"] = x, t_x, age
    features["gap_squares"] = rhythm.gap_days_sq_sum * (DAY_MS / tick_ms) ** 2
    features["tick_ms"] = float(tick_ms)
    features[CUSTOMER_KEY] = float(pseudonym(customer_id or str(rhythm.first_ms)))
    return features


def churn_example(
    example_id: str,
    scored: ScoringMoment,
    returned: bool,
    observed_at_ms: int,
    customer_id: str = "",
) -> LearningExample:
    """The labeled example of a scoring moment, once its tick is over."""
    at_ms = scored.scored_at_ms
    tick_ms = scored.label_due_at_ms - at_ms
    return LearningExample(
        example_id=example_id,
        model="churn",
        observed_at_ms=observed_at_ms,
        label=float(returned),
        features=churn_example_features(scored.rhythm, at_ms, tick_ms, customer_id),
    )


def horizon_example(
    example_id: str,
    scored: ScoringMoment,
    returned: bool,
    observed_at_ms: int,
    tick_ms: int,
    customer_id: str = "",
) -> LearningExample:
    """The labeled example of a scoring moment, once its horizon is over: `horizon_ticks` is set."""
    features = churn_example_features(scored.rhythm, scored.scored_at_ms, tick_ms, customer_id)
    horizon_ms = scored.label_due_at_ms - scored.scored_at_ms
    return LearningExample(
        example_id=example_id,
        model="churn",
        observed_at_ms=observed_at_ms,
        label=float(returned),
        features={**features, "horizon_ticks": horizon_ms / tick_ms},
    )


def purchase_history(rhythm: Rhythm, now_ms: int, tick_ms: int) -> tuple[float, float, float]:
    """BG/NBD's three numbers in ticks: repeats, first to last purchase, first purchase to now."""
    t_x = rhythm.gap_days_sum * DAY_MS / tick_ms
    age = max((now_ms - rhythm.first_ms) / tick_ms, t_x)
    return float(rhythm.repeats), t_x, age
