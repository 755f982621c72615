"""Labels of tracks: how long new customers took to buy, and who did not within the horizon.

Each wait of a new customer ends in one label: 1 with the time that it took, when the purchase
comes; 0 when the horizon is over. So those who never buy are counted, and not only left out.
"""

from streams.contracts.common import TrackName
from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.reference.structs import ChurnDefinition
from streams.customer.purchase_days import purchase_days
from streams.customer.row import Customer, Track
from streams.feedback.labels import may_train

PURCHASE: dict[TrackName, int] = {"first_purchase": 1, "second_purchase": 2}


def label_track_made(
    person: Customer, at_ms: int, churn: ChurnDefinition
) -> tuple[OutcomeLabeled, ...]:
    """Label 1: this order is the purchase that was waited for, on a day of its own.

    Asked right after an order was counted, while the person is still on the old track.
    """
    track = _waiting(person)
    if track is None or person.rhythm is None:
        return ()
    took_ms = person.rhythm.last_ms - track.since_ms
    if purchase_days(person) != PURCHASE[track.name] or not 0 < took_ms <= churn.horizon_ms:
        return ()
    return (_labeled(person, track, at_ms, churn, took_ms=took_ms, label=1.0),)


def label_track_missed(
    person: Customer, at_ms: int, churn: ChurnDefinition
) -> tuple[OutcomeLabeled, ...]:
    """Label 0: the horizon is over at this look, and the purchase was not made."""
    track = _waiting(person)
    if track is None or track.look_ms is None or track.look_ms > at_ms:
        return ()
    waited_ms = at_ms - track.since_ms
    if waited_ms <= churn.horizon_ms or purchase_days(person) != PURCHASE[track.name] - 1:
        return ()
    return (_labeled(person, track, at_ms, churn, took_ms=waited_ms, label=0.0),)


def _waiting(person: Customer) -> Track | None:
    """The track, while its label is to come and may be learned."""
    track = person.churn.track
    if track is None or track.look_ms is None or not may_train(person):
        return None
    return track


def _labeled(
    person: Customer,
    track: Track,
    at_ms: int,
    churn: ChurnDefinition,
    *,
    took_ms: int,
    label: float,
) -> OutcomeLabeled:
    return OutcomeLabeled(
        LearningExample(
            example_id=derive_id("x", person.customer_id, track.name, str(track.since_ms)),
            model="tracks",
            observed_at_ms=at_ms,
            label=label,
            features={
                "purchase": float(PURCHASE[track.name]),
                "took_ticks": took_ms / churn.tick_ms,
                "tick_ms": float(churn.tick_ms),
            },
        )
    )
