"""Stages and tracks: who is a new customer, which purchase is waited for, and when it is due.

A member without any purchase is on the track `first_purchase`, who has bought on one day only on
`second_purchase`: two orders of one day are no return. Neither is called churn: no case opens, and
what is said goes to `segment-changes` and, once, to the trigger rules.
"""

from typing import Protocol

from msgspec.structs import replace

from streams.contracts.common import LifecycleStage, TrackName
from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import Effect, SegmentChanged
from streams.contracts.outputs.payloads import SegmentChange
from streams.contracts.reference.structs import ChurnDefinition, TriggerKind
from streams.contracts.times import from_ms
from streams.customer import Customer, TriggerEvent
from streams.customer.purchase_days import purchase_days
from streams.customer.rhythm import next_tick_ms
from streams.customer.row import Track

Effects = tuple[Effect, ...]
DUE_KINDS: dict[TrackName, TriggerKind] = {
    "first_purchase": "first_purchase_due",
    "second_purchase": "second_purchase_due",
}


class TrackTimes(Protocol):
    """What this shop's own data say of the tracks; `models.TrackModel` is one."""

    def due_ticks(self, track: TrackName, tick_ms: int) -> float | None:
        """Within how many ticks people make this purchase; None while own data do not tell."""


def staged(
    person: Customer, stage: LifecycleStage, now_ms: int, definition: ChurnDefinition
) -> tuple[Customer, Effects]:
    """The person in this stage, on the track that goes with it; a change of either is said."""
    churn = person.churn
    track = _track(person, stage, now_ms, definition)
    if stage == churn.stage and track == churn.track:
        return person, ()
    change = _change(person, stage, track, now_ms)
    return replace(person, churn=replace(churn, stage=stage, track=track)), (change,)


def welcome(person: Customer, now_ms: int, definition: ChurnDefinition) -> tuple[Customer, Effects]:
    """A member without any purchase is a new customer from their first event on."""
    if not person.known or person.spend is not None or person.churn.stage is not None:
        return person, ()
    return staged(person, "new", now_ms, definition)


def look_at_track(
    person: Customer, now_ms: int, times: TrackTimes, definition: ChurnDefinition
) -> tuple[Customer, Effects, tuple[TriggerEvent, ...]]:
    """One look at the purchase that is waited for, each tick until the horizon is over.

    It is due at the last look before the time in which people of this shop make it is over, and
    that is said once.

    Returns:
        The person, what goes to `segment-changes`, and the trigger event where it is due.
    """
    track = person.churn.track
    if track is None or track.look_ms is None or track.look_ms > now_ms:
        return person, (), ()
    stage = person.churn.stage or "new"
    person, moved = staged(person, stage, now_ms, definition)
    if moved:  # two people became one, and had bought between them
        return person, moved, ()
    goes_on = now_ms - track.since_ms <= definition.horizon_ms
    due = goes_on and not track.told and _is_due(track, now_ms, times, definition)
    look_ms = next_tick_ms(person.customer_id, now_ms, definition.tick_ms) if goes_on else None
    track = replace(track, look_ms=look_ms, told=track.told or due)
    person = replace(person, churn=replace(person.churn, track=track))
    if not due:
        return person, (), ()
    said = _change(person, stage, track, now_ms, due=True)
    event = TriggerEvent(
        kind=DUE_KINDS[track.name], at_ms=now_ms, event_id=said.change.change_id, channel="push"
    )
    return person, (said,), (event,)


def _is_due(track: Track, now_ms: int, times: TrackTimes, definition: ChurnDefinition) -> bool:
    ticks = times.due_ticks(track.name, definition.tick_ms)
    waited = (now_ms - track.since_ms) / definition.tick_ms
    return ticks is not None and waited + 1.0 > ticks


def _track(
    person: Customer, stage: LifecycleStage, now_ms: int, definition: ChurnDefinition
) -> Track | None:
    """The track that the person is on; the one before goes on where it is the same purchase."""
    name = _awaited(person, definition) if stage == "new" else None
    old = person.churn.track
    if name is None or (old is not None and old.name == name):
        return old if name is not None else None
    since_ms = now_ms
    if name == "second_purchase" and person.rhythm is not None:
        since_ms = person.rhythm.first_ms
    return Track(name, since_ms, next_tick_ms(person.customer_id, now_ms, definition.tick_ms))


def _awaited(person: Customer, definition: ChurnDefinition) -> TrackName | None:
    days = purchase_days(person)
    if days == 0:
        return "first_purchase" if person.known else None
    return "second_purchase" if days == 1 and definition.min_purchases > 1 else None


def _change(
    person: Customer,
    stage: LifecycleStage,
    track: Track | None,
    now_ms: int,
    *,
    due: bool = False,
) -> SegmentChanged:
    name = None if track is None else track.name
    of_track = () if name is None else (name, "due" if due else "")
    return SegmentChanged(
        SegmentChange(
            change_id=derive_id("s", person.customer_id, stage, str(now_ms), *of_track),
            customer_id=person.customer_id,
            changed_at=from_ms(now_ms),
            segment=stage,
            previous=person.churn.stage,
            track=name,
            track_due=due,
        )
    )
