"""By which of its alerts a case is known: the first, of which a task was made, and the newest."""

from streams.customer.row import CASE_ALERTS_MAX


def known_alerts(alert_ids: tuple[str, ...], newest: int = CASE_ALERTS_MAX) -> tuple[str, ...]:
    """Of a case's alerts in their order those that it is known by: the first, and the newest.

    `newest`: how many of these, 1 or more.

    >>> known_alerts(("a-0", "a-1", "a-2", "a-3", "a-4", "a-5"))
    ('a-0', 'a-2', 'a-3', 'a-4', 'a-5')
    """
    return (*alert_ids[:1], *alert_ids[1:][-newest:])
