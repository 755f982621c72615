"""When the trigger rules fired: of each rule the newest, and what a request that waits may ask."""

from collections.abc import Iterable

from streams.customer.row import ARMED_MAX, Armed


def newest_fires(fires: Iterable[Armed]) -> tuple[Armed, ...]:
    """Each fire once, the newest last; beyond `ARMED_MAX` the newest of each rule stay longest."""
    once = {(f.rule_id, f.fired_by or f.fired_at_ms): f for f in fires}
    ordered = sorted(once.values(), key=lambda f: f.fired_at_ms)
    if len(ordered) > ARMED_MAX:
        newest = {f.rule_id: f for f in ordered}
        earlier = [f for f in ordered if newest[f.rule_id] is not f]
        kept = [*earlier, *newest.values()][-ARMED_MAX:]
        ordered = sorted(kept, key=lambda f: f.fired_at_ms)
    return tuple(ordered)
