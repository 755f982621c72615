"""The rhythm of one customer's purchases in 11 numbers, and when to look at it again.

Purchases of one day count once. Returns and refunds are not purchases: the caller keeps them out.
Times are milliseconds since the epoch; gaps are days; counts decay with half-lives in ticks.
"""

import math

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.ids import stable_hash
from streams.contracts.sums import sum_of
from streams.contracts.times import DAY_MS, WEEK_MS

HALF_LIVES_TICKS = (2.0, 6.0, 18.0)
HORIZONS_WAITING_MAX = 4


class Rhythm(Struct, frozen=True, array_like=True):
    """Purchase days so far: how many, how far apart, how recent, how much.

    `repeats` is the number of purchase days after the first. `gap_days_sum` is the time from the
    first purchase day to the last one, 0 without repeats. The three counts of purchase days are
    decayed up to `last_ms`, with half-lives of 2, 6 and 18 ticks; whoever reads them later decays
    them further. Amounts are log(1 + what was spent on the day).
    """

    repeats: int
    first_ms: int
    last_ms: int
    gap_days_sum: float
    gap_days_sq_sum: float
    last_gap_days: float
    count_2: float
    count_6: float
    count_18: float
    log_amount_mean: float
    log_amount_last: float


def record_purchase(
    rhythm: Rhythm | None,
    at_ms: int,
    amount: float,
    zone_offset_ms: int = 0,
    *,
    tick_ms: int = WEEK_MS,
) -> Rhythm:
    """The rhythm after a purchase at `at_ms`, which may be late.

    `amount` is in the shop's currency (below 0 counts as 0); `zone_offset_ms` shifts UTC to the
    customer's clock, whose midnight separates days. A late purchase adds to the counts by its age
    and never moves `last_ms` back.

    >>> week = 7 * DAY_MS
    >>> record_purchase(record_purchase(None, 0, 9.0), 2 * week, 9.0).last_gap_days
    14.0
    """
    log_amount = math.log1p(max(amount, 0.0))
    if rhythm is None:
        return Rhythm(0, at_ms, at_ms, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, log_amount, log_amount)
    day = _day(at_ms, zone_offset_ms)
    if day == _day(rhythm.last_ms, zone_offset_ms):
        return _add_to_last_day(rhythm, at_ms, log_amount, tick_ms)
    if at_ms > rhythm.last_ms:
        return _append(rhythm, at_ms, log_amount, tick_ms)
    if day == _day(rhythm.first_ms, zone_offset_ms):
        return rhythm
    return _insert(rhythm, at_ms, log_amount, tick_ms)


def merge(
    a: Rhythm | None, b: Rhythm | None, zone_offset_ms: int = 0, *, tick_ms: int = WEEK_MS
) -> Rhythm | None:
    """The rhythm of two people who turn out to be one; the order of the two does not matter.

    Exact when one stopped buying before the other began. Where they overlap, the spread of the
    gaps is taken to be as wide, relative to their mean, as in the two parts; purchase days that
    both have between their ends count twice.
    """
    if a is None or b is None:
        return a or b
    older, newer = sorted((a, b), key=_order)
    days = [_day(at, zone_offset_ms) for at in (older.last_ms, newer.first_ms, newer.last_ms)]
    shared = 1 if days[0] in days[1:] else 0
    repeats = older.repeats + newer.repeats + 1 - shared
    first_ms = min(older.first_ms, newer.first_ms)
    total = (newer.last_ms - first_ms) / DAY_MS if repeats else 0.0
    weights = (older.repeats + 1, newer.repeats + 1)
    amounts = weights[0] * older.log_amount_mean + weights[1] * newer.log_amount_mean
    elapsed_ms = newer.last_ms - older.last_ms
    past = _decayed(_counts(older), elapsed_ms, tick_ms, less=shared)
    recent = _counts(newer)
    return Rhythm(
        repeats,
        first_ms,
        newer.last_ms,
        total,
        _merged_squares(older, newer, repeats, total),
        _merged_last_gap(older, newer, same_last_day=days[0] == days[2]),
        recent[0] + past[0],
        recent[1] + past[1],
        recent[2] + past[2],
        amounts / sum_of(weights),
        newer.log_amount_last,
    )


def move_last_back(
    rhythm: Rhythm, from_ms: int, to_ms: int, zone_offset_ms: int = 0, *, tick_ms: int = WEEK_MS
) -> Rhythm:
    """The rhythm when its last purchase, at `from_ms`, turns out to have been at `to_ms`.

    Exact where the purchase stays the last and on a day without another one; else nothing changes.
    """
    if from_ms != rhythm.last_ms or to_ms >= from_ms:
        return rhythm
    if not rhythm.repeats:
        return replace(rhythm, first_ms=min(rhythm.first_ms, to_ms), last_ms=to_ms)
    gap = rhythm.last_gap_days - (from_ms - to_ms) / DAY_MS
    before_ms = rhythm.last_ms - round(rhythm.last_gap_days * DAY_MS)
    if gap <= 0.0 or _day(before_ms, zone_offset_ms) == _day(to_ms, zone_offset_ms):
        return rhythm
    past = _decayed(_counts(rhythm), to_ms - from_ms, tick_ms, less=1)
    return replace(
        rhythm,
        last_ms=to_ms,
        gap_days_sum=rhythm.gap_days_sum + gap - rhythm.last_gap_days,
        gap_days_sq_sum=rhythm.gap_days_sq_sum + gap * gap - rhythm.last_gap_days**2,
        last_gap_days=gap,
        count_2=1.0 + past[0],
        count_6=1.0 + past[1],
        count_18=1.0 + past[2],
    )


def correct_last_amount(
    rhythm: Rhythm, at_ms: int, before: float, after: float, zone_offset_ms: int = 0
) -> Rhythm:
    """The rhythm when a purchase of its last day was of another amount; older days stay."""
    if before == after or _day(at_ms, zone_offset_ms) != _day(rhythm.last_ms, zone_offset_ms):
        return rhythm
    spent = math.log1p(max(math.expm1(rhythm.log_amount_last) + after - before, 0.0))
    mean = rhythm.log_amount_mean + (spent - rhythm.log_amount_last) / (rhythm.repeats + 1)
    return replace(rhythm, log_amount_mean=mean, log_amount_last=spent)


def next_tick_ms(customer_id: str, at_ms: int, tick_ms: int) -> int:
    """The customer's first tick after `at_ms`; customers are spread evenly over the tick.

    >>> next_tick_ms("c-1", 0, WEEK_MS) == next_tick_ms("c-1", 1000, WEEK_MS)
    True
    """
    phase = stable_hash(customer_id) % tick_ms
    return at_ms + tick_ms - (at_ms - phase) % tick_ms


def awaits_horizon(customer_id: str, at_ms: int, tick_ms: int, horizon_ms: int) -> bool:
    """Whether the label of a whole horizon is awaited for this tick: each fourth of a horizon.

    Customers take turns by hash, so that together they show silences of every length.
    """
    turn = at_ms // tick_ms + stable_hash(customer_id) // tick_ms
    return turn % -(-horizon_ms // (HORIZONS_WAITING_MAX * tick_ms)) == 0


def has_returned(rhythm: Rhythm, scored_at_ms: int) -> bool:
    """The label of a scoring moment, read when its tick is over: a purchase since then."""
    return rhythm.last_ms > scored_at_ms


def is_lapsed(rhythm: Rhythm, now_ms: int, horizon_ms: int) -> bool:
    """Silent for longer than the horizon: scoring stops until the next purchase."""
    return now_ms - rhythm.last_ms > horizon_ms


def _append(r: Rhythm, at_ms: int, log_amount: float, tick_ms: int) -> Rhythm:
    gap = (at_ms - r.last_ms) / DAY_MS
    past = _decayed(_counts(r), at_ms - r.last_ms, tick_ms)
    repeats = r.repeats + 1
    return Rhythm(
        repeats,
        r.first_ms,
        at_ms,
        r.gap_days_sum + gap,
        r.gap_days_sq_sum + gap * gap,
        gap,
        1.0 + past[0],
        1.0 + past[1],
        1.0 + past[2],
        r.log_amount_mean + (log_amount - r.log_amount_mean) / (repeats + 1),
        log_amount,
    )


def _add_to_last_day(r: Rhythm, at_ms: int, log_amount: float, tick_ms: int) -> Rhythm:
    """One more purchase of the last day: the day's amount grows, the day moves to its end."""
    spent = math.log1p(math.expm1(r.log_amount_last) + math.expm1(log_amount))
    moved_ms = max(at_ms - r.last_ms, 0)
    moved = moved_ms / DAY_MS if r.repeats else 0.0
    gap = r.last_gap_days + moved
    past = _decayed(_counts(r), moved_ms, tick_ms, less=1)
    return Rhythm(
        r.repeats,
        min(r.first_ms, at_ms),
        max(r.last_ms, at_ms),
        r.gap_days_sum + moved,
        r.gap_days_sq_sum + gap * gap - r.last_gap_days**2,
        gap,
        1.0 + past[0],
        1.0 + past[1],
        1.0 + past[2],
        r.log_amount_mean + (spent - r.log_amount_last) / (r.repeats + 1),
        spent,
    )


def _insert(r: Rhythm, at_ms: int, log_amount: float, tick_ms: int) -> Rhythm:
    """A late purchase on a day of its own, before the last one."""
    own = _decayed((1.0, 1.0, 1.0), r.last_ms - at_ms, tick_ms)
    total, squares, last_gap = _split_gaps(r, at_ms)
    repeats = r.repeats + 1
    return Rhythm(
        repeats,
        min(r.first_ms, at_ms),
        r.last_ms,
        total,
        squares,
        last_gap,
        r.count_2 + own[0],
        r.count_6 + own[1],
        r.count_18 + own[2],
        r.log_amount_mean + (log_amount - r.log_amount_mean) / (repeats + 1),
        r.log_amount_last,
    )


def _split_gaps(r: Rhythm, at_ms: int) -> tuple[float, float, float]:
    """Sum of gaps, sum of their squares, last gap, once a late purchase is put between.

    Exact before the first purchase and inside the last gap. In an older gap, whose ends are
    forgotten, the squares fall by what a random point takes from a gap of typical length.
    """
    if at_ms < r.first_ms:
        gap = (r.first_ms - at_ms) / DAY_MS
        if not r.repeats:
            gap = (r.last_ms - at_ms) / DAY_MS
        last_gap = r.last_gap_days if r.repeats else gap
        return r.gap_days_sum + gap, r.gap_days_sq_sum + gap * gap, last_gap
    after = (r.last_ms - at_ms) / DAY_MS
    before = r.last_gap_days - after
    if before > 0.0:
        return r.gap_days_sum, r.gap_days_sq_sum - 2.0 * before * after, after
    older_sum = r.gap_days_sum - r.last_gap_days
    older_sq = r.gap_days_sq_sum - r.last_gap_days**2
    typical = older_sq / older_sum if older_sum > 0.0 else 0.0
    least = older_sum**2 / max(r.repeats, 1)
    squares = max(older_sq - typical**2 / 3.0, min(least, older_sq))
    return r.gap_days_sum, squares + r.last_gap_days**2, r.last_gap_days


def _merged_squares(older: Rhythm, newer: Rhythm, repeats: int, total: float) -> float:
    if not repeats:
        return 0.0
    squares = older.gap_days_sq_sum + newer.gap_days_sq_sum
    between = (newer.first_ms - older.last_ms) / DAY_MS
    if between >= 0.0:
        return squares + between * between
    even = sum_of(r.gap_days_sum**2 / r.repeats for r in (older, newer) if r.repeats)
    spread = squares / even if even > 0.0 else 1.0
    return total * total / repeats * max(spread, 1.0)


def _merged_last_gap(older: Rhythm, newer: Rhythm, *, same_last_day: bool) -> float:
    gaps = [r.last_gap_days for r in (older, newer) if r.repeats and (same_last_day or r is newer)]
    if not same_last_day:
        gaps.append((newer.last_ms - older.last_ms) / DAY_MS)
    return min(gaps, default=0.0)


def _day(at_ms: int, zone_offset_ms: int) -> int:
    return (at_ms + zone_offset_ms) // DAY_MS


def _decayed(
    counts: tuple[float, float, float], elapsed_ms: int, tick_ms: int, *, less: int = 0
) -> tuple[float, float, float]:
    """The three counts, `less` purchases taken off, after `elapsed_ms`."""
    ticks = elapsed_ms / tick_ms
    fast, middle, slow = HALF_LIVES_TICKS
    return (
        float((counts[0] - less) * 2.0 ** (-ticks / fast)),
        float((counts[1] - less) * 2.0 ** (-ticks / middle)),
        float((counts[2] - less) * 2.0 ** (-ticks / slow)),
    )


def _counts(r: Rhythm) -> tuple[float, float, float]:
    return r.count_2, r.count_6, r.count_18


def _order(r: Rhythm) -> tuple[float, ...]:
    return (r.last_ms, *(getattr(r, name) for name in Rhythm.__struct_fields__))
