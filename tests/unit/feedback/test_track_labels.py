"""Each wait of a new customer ends in one label: made, with its time, or missed."""

from msgspec.structs import replace

from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, WEEK_MS
from streams.customer.rhythm import record_purchase
from streams.customer.row import Churn, Customer, Spend, Track
from streams.feedback import label_track_made, label_track_missed
from tests.support.decisions_open import T0, person

CHURN = ChurnDefinition(horizon_ticks=4)
LOOK = T0 + WEEK_MS


def waiting(training: str = "granted", look_ms: int | None = LOOK) -> Customer:
    """Bought once, at T0."""
    return person(
        training=training,
        rhythm=record_purchase(None, T0, 20.0),
        spend=Spend(T0, total=20.0, orders=1),
        churn=Churn(stage="new", track=Track("second_purchase", T0, look_ms)),
    )


def bought(row: Customer, at_ms: int) -> Customer:
    """One order more, as `apply` counts it."""
    assert row.spend is not None
    orders = row.spend.orders + 1
    rhythm = record_purchase(row.rhythm, at_ms, 20.0)
    return replace(row, rhythm=rhythm, spend=replace(row.spend, orders=orders))


def told(effects: tuple[OutcomeLabeled, ...]) -> list[tuple[float, float]]:
    """The labels, and the time in ticks."""
    return [(e.example.label, e.example.features["took_ticks"]) for e in effects]


def test_a_second_purchase_is_label_1_with_the_time_that_it_took() -> None:
    """Two weeks after the first one."""
    row = bought(waiting(), T0 + 2 * WEEK_MS)
    (labeled,) = label_track_made(row, T0 + 2 * WEEK_MS, CHURN)
    assert told((labeled,)) == [(1.0, 2.0)]
    assert (labeled.example.model, labeled.example.features["purchase"]) == ("tracks", 2.0)


def test_a_first_purchase_is_label_1_of_its_own_track() -> None:
    """A week after the member was first seen."""
    member = person(churn=Churn(stage="new", track=Track("first_purchase", T0, LOOK)))
    row = replace(
        member, rhythm=record_purchase(None, LOOK, 9.0), spend=Spend(LOOK, total=9.0, orders=1)
    )
    (labeled,) = label_track_made(row, LOOK, CHURN)
    assert (told((labeled,)), labeled.example.features["purchase"]) == ([(1.0, 1.0)], 1.0)


def test_what_is_no_second_visit_is_no_label() -> None:
    """An order of the same day, one after the horizon, one that came late, a third one."""
    same_day = bought(waiting(), T0 + 1)
    too_late = bought(waiting(), T0 + 4 * WEEK_MS + DAY_MS)
    told_late = bought(waiting(), T0 - 3 * DAY_MS)
    third = bought(bought(waiting(), T0 + WEEK_MS), T0 + 2 * WEEK_MS)
    for row in (same_day, too_late, told_late, third):
        assert label_track_made(row, row.last_at_ms, CHURN) == ()


def test_the_end_of_the_horizon_is_label_0_at_a_look() -> None:
    """Not before the horizon is over, not between two looks, and not where it was made."""
    over_ms = T0 + 4 * WEEK_MS + DAY_MS
    row = waiting(look_ms=over_ms)
    assert told(label_track_missed(row, over_ms, CHURN)) == [(0.0, 4.0 + 1 / 7)]
    assert label_track_missed(row, over_ms - 1, CHURN) == ()
    assert label_track_missed(waiting(), LOOK, CHURN) == ()
    assert label_track_missed(bought(row, over_ms), over_ms, CHURN) == ()


def test_a_wait_has_one_label_at_most() -> None:
    """After label 0 nobody looks any more, and a purchase is not label 1 of the same wait."""
    over = bought(waiting(look_ms=None), T0 + 3 * WEEK_MS)
    assert label_track_made(over, T0 + 3 * WEEK_MS, CHURN) == ()
    assert label_track_missed(waiting(look_ms=None), T0 + 9 * WEEK_MS, CHURN) == ()


def test_nothing_is_learned_without_consent() -> None:
    """`model_training` is asked as for every label."""
    row = bought(waiting("denied"), T0 + WEEK_MS)
    assert label_track_made(row, T0 + WEEK_MS, CHURN) == ()
    over_ms = T0 + 5 * WEEK_MS
    assert label_track_missed(waiting("denied", over_ms), over_ms, CHURN) == ()
