"""Counts over any window from a minute to a year, out of few buckets that widen with their age.

A bucket is a dyadic interval of 2^code minutes. An event lies in the widest interval whose end is
at least `SHARPNESS` times its width older than the newest event: yesterday is known to the hour
or so, last year to the month or so. Where a window cuts a bucket, its count is taken in
proportion. The error bound: `count(..., window_ms)` lies between the true counts of a window
shorter and a window longer by max(window / SHARPNESS, one minute).

The buckets are a function of the set of events alone, not of the order in which they came, so
late events and merged rows are exact in the same sense.

Source: the idea of exponential histograms, Datar, Gionis, Indyk, Motwani: Maintaining stream
statistics over sliding windows (SIAM J. Comput. 31(6), 2002), with widths bound to age instead of
to counts.
"""

from streams.contracts.times import DAY_MS, MINUTE_MS
from streams.customer.row import Counter

SHARPNESS = 4
SPAN_MINUTES = 366 * 24 * 60
WINDOW_MIN_MS = MINUTE_MS
WINDOW_MAX_MS = 365 * DAY_MS
BUCKETS_MAX = 100

Bucket = tuple[int, int, int]


def add(counter: Counter | None, at_ms: int, n: int = 1) -> Counter:
    """The counter after `n` more events at `at_ms`, which may be late.

    >>> week_old = add(add(None, 0), 7 * DAY_MS)
    >>> count(week_old, 7 * DAY_MS, DAY_MS), count(week_old, 7 * DAY_MS, 30 * DAY_MS)
    (1.0, 2.0)
    """
    minute = at_ms // MINUTE_MS
    if counter is None or not counter.buckets:
        return Counter(((minute, 0, n),))
    buckets = counter.buckets
    newest, _, held = buckets[-1]
    if minute == newest:
        return Counter((*buckets[:-1], (newest, 0, held + n)))
    if minute > newest:
        return Counter(_widened((*buckets, (minute, 0, n)), minute))
    return Counter(_widened(_by_age((*buckets, _fitting(minute, n, newest))), newest))


def removed(counter: Counter | None, at_ms: int) -> Counter:
    """The counter with one event fewer, in the bucket that holds `at_ms`; none where none does.

    >>> count(removed(add(add(None, 0), DAY_MS), DAY_MS), DAY_MS, 7 * DAY_MS)
    1.0
    """
    minute = at_ms // MINUTE_MS
    kept: list[Bucket] = []
    left = 1
    for index, code, n in counter.buckets if counter is not None else ():
        taken = left if minute >> code == index else 0
        left -= taken
        if n > taken:
            kept.append((index, code, n - taken))
    return Counter(tuple(kept))


def combined(a: Counter | None, b: Counter | None) -> Counter:
    """The counter of both sets of events; the order of the two does not matter."""
    buckets = _by_age((a.buckets if a else ()) + (b.buckets if b else ()))
    if not buckets:
        return Counter()
    return Counter(_widened(buckets, buckets[-1][0]))


def count(counter: Counter | None, now_ms: int, window_ms: int) -> float:
    """How many events in (now - window, now], within the bound that the module states.

    >>> count(None, 0, DAY_MS)
    0.0
    """
    if counter is None:
        return 0.0
    since = (now_ms - window_ms) / MINUTE_MS
    until = now_ms / MINUTE_MS
    total = 0.0
    for index, code, n in reversed(counter.buckets):
        start, end = index << code, (index + 1) << code
        if end <= since:
            break
        if start > until:
            continue
        inside = 1.0 if start >= since or code == 0 else (end - since) / (end - start)
        total += n * inside
    return total


def _fitting(minute: int, n: int, newest: int) -> Bucket:
    """A late event's own bucket: the widest that its age allows."""
    index, code = minute, 0
    while newest - (((index >> 1) + 1) << (code + 1)) >= SHARPNESS << (code + 1):
        index, code = index >> 1, code + 1
    return index, code, n


def _by_age(buckets: tuple[Bucket, ...]) -> tuple[Bucket, ...]:
    """Oldest first; of intervals with one start the wider is first, and it covers the rest."""
    return tuple(sorted(buckets, key=lambda b: (b[0] << b[1], -b[1])))


def _widened(buckets: tuple[Bucket, ...], newest: int) -> tuple[Bucket, ...]:
    """Every bucket as wide as its age allows, equal ones added up, those beyond a year dropped."""
    kept: list[Bucket] = []
    for bucket in buckets:
        index, code, n = bucket
        while newest - (((index >> 1) + 1) << (code + 1)) >= SHARPNESS << (code + 1):
            index, code = index >> 1, code + 1
        if newest - ((index + 1) << code) > SPAN_MINUTES:
            continue
        if kept and kept[-1][0] == index and kept[-1][1] == code:
            kept[-1] = (index, code, kept[-1][2] + n)
        else:
            kept.append((index, code, n))
    return tuple(kept)
