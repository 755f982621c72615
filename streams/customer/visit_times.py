"""What time makes of a visit to a zone: it counts, it dwells, it is over.

Each of these has a due moment (`ZoneVisit.due_ms`), and happens at that moment however late the
timer fires. docs/store.md has the table.
"""

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.outputs.effects import Effect, ZoneVisitChanged
from streams.contracts.outputs.payloads import ZoneVisitChange
from streams.contracts.times import MINUTE_MS, from_ms
from streams.customer.activity import counted, seen_on
from streams.customer.consents import is_granted
from streams.customer.places import Places
from streams.customer.row import Customer, ZoneVisit
from streams.customer.trigger_events import TriggerEvent

ENDED_CANDIDATE_KEPT_MS = 10 * MINUTE_MS


class Told(Struct, frozen=True):
    """A visit brought up to a moment, and what is to be said of it.

    `dwell_ms`: how long the person has been there, where that crosses a threshold; `before_ms`:
    the dwell of which it was said before.
    """

    visit: ZoneVisit
    entered: bool = False
    present: bool = False
    ended: bool = False
    dwell_ms: int = 0
    before_ms: int = 0

    def trigger_events(self, at_ms: int, traceparent: str | None) -> tuple[TriggerEvent, ...]:
        """`zone_entered` and `zone_dwelled`, while the person is there."""
        visit = self.visit
        if not self.present or not (self.entered or self.dwell_ms > self.before_ms):
            return ()
        entered = TriggerEvent(
            kind="zone_entered",
            at_ms=at_ms,
            event_id=visit.event_id,
            channel=visit.channel,
            dwell_ms=self.dwell_ms or at_ms - visit.first_seen_ms,
            store_id=visit.store_id,
            zone_id=visit.zone_id,
            zone_type=visit.zone_type,
            traceparent=traceparent or visit.traceparent,
        )
        dwelled = replace(entered, kind="zone_dwelled", dwell_before_ms=self.before_ms)
        return (*((entered,) if self.entered else ()), *((dwelled,) if self.dwell_ms else ()))

    def effects(self, customer_id: str) -> tuple[Effect, ...]:
        """The opened or closed visit, for `zone-visits`."""
        opened = (opened_of(self.visit, customer_id),) if self.entered else ()
        return (*opened, *((closed(self.visit, customer_id),) if self.ended else ()))


def elapse(
    person: Customer, at_ms: int, places: Places
) -> tuple[Customer, tuple[TriggerEvent, ...], tuple[Effect, ...]]:
    """What is due of the person's visits by `at_ms`."""
    if not any(v.due_ms is not None and v.due_ms <= at_ms for v in person.visits):
        return person, (), ()
    if not is_granted(person, "location_beacon"):
        return replace(person, visits=()), (), withdrawn(person.visits)
    visits: list[ZoneVisit] = []
    trigger_events: list[TriggerEvent] = []
    effects: list[Effect] = []
    for visit in person.visits:
        if visit.due_ms is None or visit.due_ms > at_ms:
            visits.append(visit)
            continue
        told = advanced(visit, at_ms, places)
        if told.visit.due_ms is None or told.visit.due_ms > at_ms:
            visits.append(told.visit)  # else a candidate that came to nothing
        person = taken_in(person, told)
        trigger_events.extend(told.trigger_events(at_ms, None))
        effects.extend(told.effects(person.customer_id))
    return replace(person, visits=tuple(visits)), tuple(trigger_events), tuple(effects)


def advanced(visit: ZoneVisit, now_ms: int, places: Places) -> Told:
    """The visit as of `now_ms`: left where it was silent, counted, its dwell told, or closed."""
    silent_ms = _silent_from_ms(visit, places)
    if visit.exited_at_ms is None and now_ms >= silent_ms:
        left_ms = max(visit.last_seen_ms, visit.entered_at_ms or 0)
        visit = replace(visit, exited_at_ms=left_ms, held=False, weak_ms=None)
    told = _left_visit(visit, now_ms, places) if visit.exited_at_ms is not None else None
    if told is None:
        told = _open_visit(visit, now_ms, places)
    return replace(told, visit=replace(told.visit, due_ms=_due_ms(told.visit, places)))


def taken_in(person: Customer, told: Told) -> Customer:
    """The person with a visit that has begun to count: the store as a channel, a counter."""
    if not told.entered or told.visit.entered_at_ms is None:
        return person
    at_ms = told.visit.entered_at_ms
    return replace(
        person,
        channels=seen_on(person.channels, "store", at_ms),
        counters=counted(person.counters, "zone_visits", at_ms),
    )


def _open_visit(visit: ZoneVisit, now_ms: int, places: Places) -> Told:
    dwell_ms = now_ms - visit.first_seen_ms
    if visit.weak_ms is not None or dwell_ms < places.rules.min_dwell_ms:
        return Told(visit)
    entered = visit.entered_at_ms is None
    before_ms = visit.spoken_ms
    crossed = any(before_ms < threshold <= dwell_ms for threshold in places.dwells_ms)
    visit = replace(
        visit,
        entered_at_ms=now_ms if entered else visit.entered_at_ms,
        spoken_ms=dwell_ms if crossed else before_ms,
    )
    return Told(visit, entered, True, False, dwell_ms if crossed else 0, before_ms)


def _left_visit(visit: ZoneVisit, now_ms: int, places: Places) -> Told:
    """Who left is gone for good after the cool-down; what was too short never was a visit."""
    exited_ms = visit.exited_at_ms or visit.last_seen_ms
    long_enough = exited_ms - visit.first_seen_ms >= places.rules.min_dwell_ms
    entered = visit.entered_at_ms is None and long_enough
    if entered:
        visit = replace(visit, entered_at_ms=visit.first_seen_ms + places.rules.min_dwell_ms)
    ended = was_told_of(visit) and now_ms >= _final_ms(visit, places)
    return Told(replace(visit, told=visit.told or ended), entered, False, ended)


def _silent_from_ms(visit: ZoneVisit, places: Places) -> int:
    """When silence ends the visit; one that the phone's system watches waits for its exit."""
    rules = places.rules
    wait_ms = rules.exit_lost_after_ms if visit.held else rules.exit_after_ms
    return visit.last_seen_ms + wait_ms + 1


def _final_ms(visit: ZoneVisit, places: Places) -> int:
    exited_ms = visit.exited_at_ms or visit.last_seen_ms
    return exited_ms + places.rules.reentry_cooldown_ms


def _due_ms(visit: ZoneVisit, places: Places) -> int | None:
    """When time will next make something of the visit."""
    if visit.exited_at_ms is not None:
        if visit.entered_at_ms is None:
            return visit.exited_at_ms + ENDED_CANDIDATE_KEPT_MS
        return None if visit.told else _final_ms(visit, places)
    dues = [_silent_from_ms(visit, places)]
    if visit.weak_ms is None:
        if visit.entered_at_ms is None:
            dues.append(visit.first_seen_ms + places.rules.min_dwell_ms)
        later = (t for t in places.dwells_ms if t > visit.spoken_ms)
        dues.extend(visit.first_seen_ms + t for t in (next(later, None),) if t is not None)
    return min(dues)


def withdrawn(visits: tuple[ZoneVisit, ...]) -> tuple[Effect, ...]:
    """The ends of visits that are forgotten because consent was taken back: without the person."""
    return tuple(closed(v, None) for v in visits if was_told_of(v))


def was_told_of(visit: ZoneVisit) -> bool:
    """Whether the visit was told as opened, and its end was not."""
    return visit.entered_at_ms is not None and not visit.told


def opened_of(visit: ZoneVisit, customer_id: str | None) -> ZoneVisitChanged:
    """A visit began to count."""
    return ZoneVisitChanged(_change(visit, "opened", customer_id))


def closed(visit: ZoneVisit, customer_id: str | None) -> ZoneVisitChanged:
    """A visit is over for good."""
    return ZoneVisitChanged(_change(visit, "closed", customer_id))


def _change(visit: ZoneVisit, kind: str, customer_id: str | None) -> ZoneVisitChange:
    left_ms = visit.last_seen_ms if visit.exited_at_ms is None else visit.exited_at_ms
    is_over = kind == "closed"
    return ZoneVisitChange(
        visit_id=visit.visit_id,
        kind="closed" if is_over else "opened",
        store_id=visit.store_id,
        zone_id=visit.zone_id,
        zone_type=visit.zone_type or None,
        entered_at=from_ms(visit.first_seen_ms),
        left_at=from_ms(left_ms) if is_over else None,
        dwell_ms=max(left_ms - visit.first_seen_ms, 0) if is_over else None,
        customer_id=customer_id,
    )
