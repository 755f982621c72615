"""A replay in a few lines for a person."""

from collections import Counter
from collections.abc import Iterator

from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.evaluation.replay import Replay
from streams.leases import amount_text


def told(run: Replay) -> Iterator[str]:
    """A replay in lines for a person: what was read, what was rejected and why, what came out."""
    counts = run.counts
    taken = run.records - run.rejected
    yield f"read {run.records:,} records: {taken:,} taken, {run.rejected:,} rejected"
    for reason, many in sorted(counts.get("rejected", {}).items()):
        yield f"  rejected {many:,} {reason}, the first: {run.examples[reason]}"
    late, most_ms = run.driver.late
    if late:
        yield (
            f"out of order: {late:,} {'event' if late == 1 else 'events'} came after later ones, "
            f"by up to {_length(most_ms)}; "
            "what depends on their order may differ in a sorted file"
        )
    verdicts, effects = counts.get("verdicts", Counter()), counts.get("effects", Counter())
    alerts = sum(counts.get("alerts", {}).values())
    yield (
        f"came out: {effects['OfferDecided']:,} offers of {sum(verdicts.values()):,} decisions, "
        f"{alerts:,} alerts, {run.customers:,} customers"
    )
    yield from _budgets(run)


def _budgets(run: Replay) -> Iterator[str]:
    """What of each budget is left, and how often its offer was withheld for want of it."""
    for offer_id, state in sorted(run.driver.budgets().items()):
        withheld = run.out_of_budget[offer_id]
        times = f"{withheld:,} {'time' if withheld == 1 else 'times'}"
        over = f", overdrawn by {amount_text(state.overdrawn)}" if state.overdrawn else ""
        yield (
            f"budget of {offer_id}, {amount_text(state.amount)}: used {amount_text(state.used)}, "
            f"reserved {amount_text(state.reserved)}, free {amount_text(state.free)}{over}; "
            f"withheld for want of money {times}"
        )


def _length(ms: int) -> str:
    """A time that a person can judge.

    >>> _length(90_000), _length(3_600_000), _length(400_000_000)
    ('1.5 minutes', '1 hour', '4.63 days')
    """
    units = (("day", DAY_MS), ("hour", HOUR_MS), ("minute", MINUTE_MS), ("second", 1000))
    unit, length_ms = next(((u, each) for u, each in units if ms >= each), units[-1])
    told = f"{ms / length_ms:.3g}"
    return f"{told} {unit}" if told == "1" else f"{told} {unit}s"
