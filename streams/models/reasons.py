"""Reasons for a churn score in words that are true of the customer, at most two.

A reason must hold as a fact (an overdue customer really is overdue) and, once the hazard has
learned, must push the risk up: its group's contribution -w * z is above zero.
"""

import numpy as np
from numpy.typing import NDArray

from streams.contracts.sums import sum_of
from streams.customer.rhythm import Rhythm
from streams.features.rhythm import RHYTHM_FEATURES, Habit

REASONS_MAX = 2
GROUPS: dict[str, tuple[str, ...]] = {
    "SILENCE_VS_HABIT": (
        "log_silence_to_gap",
        "silence_z",
        "log_overdue",
        "log_overdue_twice",
    ),
    "LONG_SILENCE": ("log_silence", "sqrt_silence", "log_repeats_x_log_silence"),
    "ONE_TIME_BUYER": ("one_timer",),
    "LOW_FREQUENCY": ("log_repeats", "log_mean_gap", "log_rate"),
    "SLOWING_DOWN": ("log_last_gap_to_mean", "log_count_2", "log_count_6", "log_count_18"),
    "SPEND_DROP": ("mean_amount", "last_amount_change"),
    "IRREGULAR": ("log_sd_gap",),
    "NEW_CUSTOMER": ("log_age",),
}
LONG_SILENCE_TICKS = 4.0
LOW_RATE_PER_TICK = 0.1
NEW_CUSTOMER_TICKS = 4.0


def reasons(
    rhythm: Rhythm,
    now_ms: int,
    tick_ms: int,
    own: Habit,
    contributions: NDArray[np.float64] | None,
) -> tuple[str, ...]:
    """The top two reason codes; `contributions` to the risk, `[19]`, are None before learning."""
    true = facts(rhythm, now_ms, tick_ms, own)
    codes = [code for code in GROUPS if true[code]]
    if contributions is not None:
        by_name = dict(zip(RHYTHM_FEATURES, contributions.tolist(), strict=True))
        pushes = {code: sum_of(by_name[name] for name in GROUPS[code]) for code in codes}
        codes = sorted((c for c in codes if pushes[c] > 0.0), key=lambda c: (-pushes[c], c))
    return tuple(codes[:REASONS_MAX])


def facts(rhythm: Rhythm, now_ms: int, tick_ms: int, own: Habit) -> dict[str, bool]:
    """Which reasons may be said of this customer at all."""
    silence = (now_ms - rhythm.last_ms) / tick_ms
    age = (now_ms - rhythm.first_ms) / tick_ms
    return {
        "SILENCE_VS_HABIT": rhythm.repeats > 0 and silence > own.mean_ticks,
        "LONG_SILENCE": silence >= LONG_SILENCE_TICKS,
        "ONE_TIME_BUYER": rhythm.repeats == 0,
        "LOW_FREQUENCY": rhythm.repeats > 0 and rhythm.repeats / (age + 1) < LOW_RATE_PER_TICK,
        "SLOWING_DOWN": rhythm.repeats > 1 and own.last_ticks > own.mean_ticks,
        "SPEND_DROP": rhythm.repeats > 0 and rhythm.log_amount_last < rhythm.log_amount_mean,
        "IRREGULAR": rhythm.repeats > 1 and own.sd_ticks > own.mean_ticks,
        "NEW_CUSTOMER": age < NEW_CUSTOMER_TICKS,
    }
