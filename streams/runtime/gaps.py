"""Offsets that Kafka deleted before they were read: how many of them are a loss."""

# A transaction ends with a record that nobody sees. It lies behind the last one that was read, so
# that a position stands before it; two, where an aborted transaction had nothing else there.
MARKERS_MAX = 2


def lost_of(position: int, low: int) -> int:
    """How many offsets were lost to who stands at `position`, where the oldest left is `low`.

    One or two may be the ends of transactions, of which all was read: that is no loss that
    anybody knows of. Retention that empties a partition leaves every position of it so far behind.

    >>> lost_of(100, 100), lost_of(100, 101), lost_of(100, 140)
    (0, 0, 40)
    """
    gone = low - position
    return gone if gone > MARKERS_MAX else 0
