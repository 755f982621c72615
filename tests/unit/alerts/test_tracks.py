"""New customers: which purchase is waited for, when it is due; and that nobody calls it churn."""

from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from streams.alerts import look_at_track, welcome
from streams.contracts.common import Identity, LineItem, TrackName
from streams.contracts.inputs.events import App, Purchase, Screen
from streams.contracts.internal.routing import Tick
from streams.contracts.money import Money
from streams.contracts.outputs.effects import (
    AlertRaised,
    DecisionLogged,
    Effect,
    OfferDecided,
    OutcomeLabeled,
    SegmentChanged,
)
from streams.contracts.outputs.payloads import SegmentChange
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, HOUR_MS, WEEK_MS, from_ms
from streams.customer import Customer, due_at_ms
from streams.customer.rhythm import record_purchase
from streams.customer.row import Consent, Row, Spend
from streams.models import initial_models
from streams.models.tracks import TrackModel
from streams.pipeline import World, process
from tests.unit.alerts.test_life_cycle import bought_on
from tests.unit.decisions.people import T0, offer, rule, shop, someone

CHURN = ChurnDefinition(control_share=0.0, horizon_ticks=6)
LEARNED = TrackModel("tracks-40", WEEK_MS, first_purchase=2.5, second_purchase=4.0)
RULES = (
    rule("second", kind="second_purchase_due", channel="app"),
    rule("first", kind="first_purchase_due", channel="app"),
    rule("leaving", kind="churn_band_entered", channel="app"),
)


def world(tracks: TrackModel = LEARNED, **churn: Any) -> World:
    """A shop that has rules for new customers."""
    policy = shop(offer("welcome"), rules=RULES, churn=replace(CHURN, **churn))
    return World(replace(initial_models(), tracks=tracks), policy)


def opened(number: int, at_ms: int) -> App:
    """A screen of the app."""
    return App(event_name="screen_viewed", screen=Screen(name="home"), **common(number, at_ms))


def order(number: int, at_ms: int) -> Purchase:
    """Ten euros."""
    return Purchase(
        event_name="order_completed",
        order_id=f"o-{number}",
        total=Money(amount="10.00", currency="EUR"),
        items=(LineItem(product_id="p-1", category="tea", unit_price=10.0, quantity=1),),
        **common(number, at_ms),
    )


def common(number: int, at_ms: int) -> dict[str, Any]:
    """What every event carries."""
    return {
        "event_id": f"e-{number}",
        "occurred_at": from_ms(at_ms),
        "identity": Identity(customer_id="c-1"),
        "channel": "app",
    }


def lived(
    row: Row | None, until_ms: int, *events: App | Purchase, in_: World | None = None
) -> tuple[Customer, list[Effect]]:
    """The row after these events and all that falls due, and what was said."""
    in_ = in_ or world()
    said: list[Effect] = []
    waiting = list(events)
    while True:
        due = due_at_ms(row)
        if waiting and (due is None or waiting[0].at_ms <= due):
            step = process(waiting.pop(0), row, in_)
        elif due is not None and due <= until_ms:
            step = process(Tick("c-1", due), row, in_)
        else:
            break
        row = step.row
        said.extend(step.effects)
    assert isinstance(row, Customer)
    return row, said


def changes(said: list[Effect]) -> list[tuple[str, str | None, bool]]:
    """Stage, track, and whether it is due, in the order in which they were said."""
    found = [e.change for e in said if isinstance(e, SegmentChanged)]
    return [(c.segment, c.track, c.track_due) for c in found]


def offered(said: list[Effect]) -> list[str]:
    """The kinds of trigger that led to an offer."""
    return [e.offer.trigger.kind for e in said if isinstance(e, OfferDecided)]


NEW = someone()
END = T0 + 20 * WEEK_MS


def test_a_member_without_a_purchase_is_new_and_due_once() -> None:
    """From the first event on; the offer goes out at the last look before the time is over."""
    row, said = lived(NEW, END, opened(1, T0 + 1))
    assert changes(said) == [("new", "first_purchase", False), ("new", "first_purchase", True)]
    assert offered(said) == ["first_purchase_due"]
    (due,) = [e.change for e in said if isinstance(e, SegmentChanged) and e.change.track_due]
    waited = (due.changed_at.timestamp() * 1000 - T0) / WEEK_MS
    assert 1.5 < waited <= 2.5
    assert due_at_ms(row) is None


def test_a_second_purchase_is_waited_for_after_the_first_and_due_once() -> None:
    """The first purchase begins the second wait; silence past the horizon ends it as lapsed."""
    _, said = lived(NEW, END, opened(1, T0 + 1), order(2, T0 + DAY_MS))
    assert changes(said) == [
        ("new", "first_purchase", False),
        ("new", "second_purchase", False),
        ("new", "second_purchase", True),
        ("lapsed", None, False),
    ]
    assert offered(said) == ["second_purchase_due"]
    assert not any(isinstance(e, AlertRaised) for e in said)


def test_a_second_order_of_the_same_day_is_no_second_purchase() -> None:
    """Two orders of one day: the wait goes on, is due once, and ends in one label of its time."""
    day = (opened(1, T0 + 1), order(2, T0 + DAY_MS), order(3, T0 + DAY_MS + HOUR_MS))
    _, said = lived(NEW, END, *day)
    assert [track for _, track, due in changes(said) if due] == ["second_purchase"]
    assert offered(said) == ["second_purchase_due"]
    assert {stage for stage, _, _ in changes(said)} == {"new", "lapsed"}
    _, said = lived(NEW, T0 + 5 * WEEK_MS, *day, order(4, T0 + 15 * DAY_MS))
    assert [stage for stage, _, _ in changes(said)] == ["new", "new", "active"]
    labels = [e.example for e in said if isinstance(e, OutcomeLabeled)]
    made = [(x.features["purchase"], x.label) for x in labels if x.model == "tracks"]
    assert made == [(1.0, 1.0), (2.0, 1.0)]


def test_who_buys_in_time_is_told_nothing() -> None:
    """Two purchases, each before it is due: active, and no offer of a track."""
    events = (opened(1, T0 + 1), order(2, T0 + DAY_MS), order(3, T0 + 9 * DAY_MS))
    _, said = lived(NEW, T0 + 5 * WEEK_MS, *events)
    assert changes(said)[:3] == [
        ("new", "first_purchase", False),
        ("new", "second_purchase", False),
        ("active", None, False),
    ]
    assert not {"first_purchase_due", "second_purchase_due"} & set(offered(said))


def test_before_own_data_tell_only_the_stage_is_said() -> None:
    """No time is taken from anywhere else: nobody is due, and no rule fires."""
    _, said = lived(NEW, END, opened(1, T0 + 1), order(2, T0 + DAY_MS), in_=world(TrackModel()))
    assert [c for c in changes(said) if c[2]] == []
    assert not any(isinstance(e, DecisionLogged) for e in said)


def test_each_wait_ends_in_one_label() -> None:
    """First purchase made after a day, second one missed when the horizon was over."""
    _, said = lived(NEW, END, opened(1, T0 + 1), order(2, T0 + DAY_MS))
    labels = [e.example for e in said if isinstance(e, OutcomeLabeled)]
    found = [(x.features["purchase"], x.label) for x in labels if x.model == "tracks"]
    assert found == [(1.0, 1.0), (2.0, 0.0)]


@pytest.mark.parametrize(
    "row",
    [
        someone(consents={}),
        someone(known=False),
        someone(spend=Spend(T0, total=10.0, orders=3), rhythm=bought_on(3)),
    ],
    ids=["no profiling", "a visitor", "a customer"],
)
def test_who_is_on_no_track(row: Customer) -> None:
    """Not without `profiling`, not as a visitor without an account, not with orders."""
    event = replace(opened(1, T0 + 1), identity=Identity(anonymous_id="c-1"))
    step = process(event if not row.known else opened(1, T0 + 1), row, world())
    assert not any(isinstance(e, SegmentChanged) for e in step.effects)


def test_a_shop_that_alerts_from_one_purchase_on_has_no_second_track() -> None:
    """With `min_purchases` 1 who has bought once is a customer like others."""
    _, said = lived(NEW, T0 + WEEK_MS, order(2, T0 + DAY_MS), in_=world(min_purchases=1))
    assert [track for _, track, _ in changes(said)] == [None]


def test_consent_that_is_withdrawn_ends_the_track() -> None:
    """Nothing is remembered of it, and nothing falls due."""
    row, _ = lived(NEW, T0 + 2, opened(1, T0 + 1))
    assert row.churn.track is not None
    denied = {**row.consents, "profiling": Consent("denied", T0 + 2)}
    row, said = lived(replace(row, consents=denied), END, opened(2, T0 + 3))
    assert (row.churn.track, changes(said), due_at_ms(row)) == (None, [], None)


class Times(Struct, frozen=True):
    """Everything is due at once."""

    def due_ticks(self, track: TrackName, tick_ms: int) -> float | None:
        """No time at all."""
        return 0.0


def test_a_wait_that_a_merge_ended_is_not_due() -> None:
    """Two people became one who has bought: the look finds it, and says the new track instead."""
    row, _ = welcome(NEW, T0, CHURN)
    track = row.churn.track
    assert track is not None
    assert track.look_ms is not None
    row = replace(
        row, spend=Spend(T0, total=10.0, orders=1), rhythm=record_purchase(None, T0, 10.0)
    )
    row, said, risen = look_at_track(row, track.look_ms, Times(), CHURN)
    assert (changes(list(said)), risen) == ([("new", "second_purchase", False)], ())


def test_ids_of_changes_differ() -> None:
    """Begun and due at one moment are two records."""
    row, (begun,) = welcome(NEW, T0, CHURN)
    assert row.churn.track is not None
    look = row.churn.track.look_ms
    assert look is not None
    _, (due,), (event,) = look_at_track(row, look, Times(), CHURN)
    assert isinstance(begun, SegmentChanged)
    assert isinstance(due, SegmentChanged)
    assert isinstance(due.change, SegmentChange)
    assert begun.change.change_id != due.change.change_id == event.event_id
