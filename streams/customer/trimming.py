"""What goes first when a row is too large: what serves features, last what keeps promises.

Requests that wait (`reminders` but those about the cart) have room of their own,
`DEFERRED_BYTES_MAX`: the last step is for rows of earlier versions, which knew no such bound.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from streams.customer.case_alerts import known_alerts
from streams.customer.offer_counts import without_enrollments
from streams.customer.row import DEFERRED_MAX, Customer, Row

Trim = tuple[str, int]
STEPS: tuple[Trim, ...] = (
    ("views", 2),
    ("affinities", 8),
    ("visits", 2),
    ("cart", 10),
    ("traits", 8),
    ("signals", 1),
    ("counters", 24),
    ("orders", 8),
    ("loose_orders", 2),
    ("redemptions", 16),
    ("contacts", 16),
    ("refusals", 8),
    ("coupons_shown", 2),
    ("linked_ids", 8),
    ("coupons_out", 8),
    ("open_decisions", 4),
    ("service_cases", 2),
    ("fired", 8),
    ("recent_events", 16),
    ("said_of_cases", 2),
    ("affinities", 0),
    ("views", 0),
    ("visits", 0),
    ("traits", 0),
    ("cart", 0),
    ("counters", 4),
    ("orders", 4),
    ("order_digests", 640),
    ("older_events", 128),
    ("coupons_out", 0),
    ("coupons_shown", 0),
    ("unlinked", 2),
    ("said_linked", 4),
    ("loose_orders", 0),
    ("reminders", DEFERRED_MAX),
    ("signals", 0),
    ("horizons", 0),
    ("followed", 0),
    ("compared", 0),
    ("offer_enrollments", 0),
    ("orders", 2),
    ("counters", 1),
    ("redemptions", 8),
    ("fired", 4),
    ("redemptions", 4),
    ("answers", 0),
    ("reminders", 4),
)
_T = TypeVar("_T")


def trimmed(row: Row, fits: Callable[[Row], bool]) -> Row:
    """The row with its oldest list content dropped, step by step, until it fits.

    `signals` keep their newest evidence; `reminders` those that wait; counters their newest
    buckets; every other list its end.
    """
    for name, kept in STEPS:
        if not isinstance(row, Customer) or fits(row):
            return row
        row = CUTS.get(name, _cut)(row, name, kept)
    return row


def _without_wait(row: Customer, name: str, _: int) -> Customer:
    """Labels of a horizon, or outcomes of cases, are not waited for: lists of a part of the row."""
    return replace(row, churn=replace(row.churn, **{name: ()}))


def _without_said(row: Customer, _: str, kept: int) -> Customer:
    """The CRM's word on a case teaches nothing, and names its first alert or the newest ones."""
    followed = tuple(
        replace(case, said=None, alert_ids=known_alerts(case.alert_ids, newest=kept - 1))
        for case in row.churn.followed
    )
    return replace(row, churn=replace(row.churn, followed=followed))


def _without_comparison(row: Customer, name: str, _: int) -> Customer:
    """Nothing is learned of what is bought after the decisions that are compared."""
    return replace(row, compared=None)


def _without_offers(row: Customer, *_: object) -> Customer:
    """What offers bring is not waited for; a later draw is none the less not the first."""
    return without_enrollments(row)


def _cut(row: Customer, name: str, kept: int) -> Customer:
    value: Any = getattr(row, name)
    if not value:
        return row
    if name == "cart":
        value = replace(value, items=_end(value.items, kept))
    elif name == "reminders":
        waiting = sorted(value, key=lambda r: (bool(r.ref), -r.due_at_ms))
        value = _end(tuple(waiting), kept)
    elif name == "signals":
        value = tuple(replace(signal, event_ids=_end(signal.event_ids, kept)) for signal in value)
    elif name == "counters":
        value = {n: replace(c, buckets=_end(c.buckets, kept)) for n, c in value.items()}
    elif isinstance(value, dict):
        value = dict(_end(tuple(value.items()), kept))
    else:
        value = _end(value, kept)
    return replace(row, **{name: value})


def _end(values: tuple[_T, ...], kept: int) -> tuple[_T, ...]:
    return values[-kept:] if kept else ()


CUTS: dict[str, Callable[[Customer, str, int], Customer]] = {
    "said_of_cases": _without_said,
    "horizons": _without_wait,
    "followed": _without_wait,
    "compared": _without_comparison,
    "offer_enrollments": _without_offers,
}
