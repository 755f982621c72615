"""Visits to zones: one for one stay, told while the person is there, whatever the timers do."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.common import Identity
from streams.contracts.inputs.beacon_addresses import IBeacon
from streams.contracts.inputs.events import Beacon, Profile, Zone
from streams.contracts.internal.routing import Tick
from streams.contracts.outputs.effects import DecisionLogged, Effect, ZoneVisitChanged
from streams.contracts.outputs.payloads import ZoneVisitChange
from streams.contracts.reference.structs import BeaconPlace, Policies, Reference, TriggerRule
from streams.contracts.times import from_ms, to_ms
from streams.customer import Customer, Row, due_at_ms
from streams.customer.row import ZoneVisit
from streams.decisions import compile_policy
from streams.models import initial_models
from streams.pipeline import World, process

T0 = to_ms(datetime(2026, 3, 1, 12, tzinfo=UTC))
UUID = "f7826da6-4fa2-4e98-8024-bc5b71e0893e"
Seen = tuple[int, str, int | None]


def place(minor: int, zone: str) -> BeaconPlace:
    """A beacon of the shop."""
    address = IBeacon(uuid=UUID, major=1, minor=minor)
    return BeaconPlace(beacon_ref=f"b{minor}", address=address, store_id="s", zone=Zone(id=zone))


def rule(
    name: str, kind: Literal["zone_entered", "zone_dwelled"], dwell_ms: int = 0
) -> TriggerRule:
    """A rule on visits, which may fire at once again."""
    return TriggerRule(
        rule_id=name, kind=kind, channel="app", placement="p", rearm_ms=0, min_dwell_ms=dwell_ms
    )


RULES = (
    rule("in", "zone_entered"),
    rule("d20", "zone_dwelled", 20_000),
    rule("d0", "zone_dwelled"),
)
WORLD = World(
    initial_models(),
    compile_policy(
        Reference(
            beacons=(place(1, "zA"), place(2, "zA"), place(3, "zB")),
            policies=Policies(triggers=RULES),
        )
    ),
)


def consent(state: Literal["granted", "denied"], at_ms: int) -> Profile:
    """A word on `location_beacon`."""
    return Profile(
        event_id=f"consent-{at_ms}",
        event_name="consent_updated",
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id="c"),
        channel="app",
        purposes={"location_beacon": state},
    )


def beacon(n: int, second: float, what: str, rssi_dbm: int | None = -60, **fields: Any) -> Beacon:
    """`sighting`, `enter`, `exit` or `dwell` of a beacon of zone A, `second` after the start."""
    names = {"enter": "zone_entered", "exit": "zone_exited", "dwell": "zone_dwelled"}
    made: dict[str, Any] = {
        "event_id": f"e-{n}",
        "event_name": names.get(what, "beacon_sighted"),
        "occurred_at": from_ms(T0 + round(second * 1000)),
        "identity": Identity(customer_id="c"),
        "channel": "app",
        "beacon": IBeacon(uuid=UUID, major=1, minor=1),
        "observation": what,
        "rssi_dbm": rssi_dbm,
    }
    return Beacon(**{**made, **fields})


class Outcome:
    """The row, what was told of visits, and what asked for a decision, as (second, rule)."""

    def __init__(self) -> None:
        self.row: Row | None = process(consent("granted", T0 - 3_600_000), None, WORLD).row
        self.told: list[ZoneVisitChange] = []
        self.asked: list[tuple[float, str]] = []
        self.effects: list[Effect] = []

    def take(self, message: Any) -> None:
        """One message."""
        step = process(message, self.row, WORLD)
        self.row = step.row
        self.effects.extend(step.effects)
        for effect in step.effects:
            if isinstance(effect, ZoneVisitChanged):
                self.told.append(effect.change)
            elif isinstance(effect, DecisionLogged):
                at = (to_ms(effect.entry.decided_at) - T0) / 1000
                self.asked.append((at, effect.entry.trigger.rule_id))

    def tick(self, until_ms: int) -> None:
        """A timer that is never late."""
        while (due := due_at_ms(self.row)) is not None and due <= until_ms:
            self.take(Tick("c", due))

    @property
    def visits(self) -> list[ZoneVisit]:
        """What counts as a visit."""
        assert isinstance(self.row, Customer)
        return [v for v in self.row.visits if v.entered_at_ms is not None]


def outcome(events: list[Any], *, end_s: float = 0.0, ticks: bool = True) -> Outcome:
    """The events in this order of arrival, timers on time or as late as can be, then silence."""
    made = Outcome()
    for event in events:
        if ticks:
            made.tick(event.at_ms)
        made.take(event)
    if end_s:
        made.tick(T0 + round(end_s * 1000))
    return made


def swings(seconds: int) -> list[Beacon]:
    """A signal that swings by 20 dB every two seconds."""
    return [beacon(n, 2 * n, "sighting", -75 if n % 2 == 0 else -95) for n in range(seconds // 2)]


ONE = [
    ("enter and nothing else", [beacon(1, 0, "enter", None)], 5.0),
    ("enter and exit", [beacon(1, 0, "enter", None), beacon(2, 1200, "exit", None)], 5.0),
    ("once a minute", [beacon(n, 60 * n, "sighting") for n in range(9)], 5.0),
    ("swings", swings(60), 5.0),
    (
        "the system flaps",
        [beacon(n, s, w) for n, (s, w) in enumerate(
            [(0, "enter"), (9, "exit"), (10, "enter"), (40, "exit"), (41, "enter"), (90, "exit")]
        )],
        5.0,
    ),
    (
        "two beacons",
        [beacon(n, 2 * n, "sighting", beacon=IBeacon(uuid=UUID, major=1, minor=1 + n % 2))
         for n in range(9)],
        5.0,
    ),
    ("weak early", [beacon(n, s, "sighting", r) for n, (s, r) in enumerate(
        [(0, -60), (3, -95), (6, -60), (12, -60)])], 6.0),
    ("the phone has dwelled", [beacon(1, 60, "dwell", None, dwell_ms=60_000)], 60.0),
    ("no signal but near", [beacon(1, 0, "sighting", None, proximity="near")], 5.0),
]  # fmt: skip


@pytest.mark.parametrize(("events", "said_s"), [c[1:] for c in ONE], ids=[c[0] for c in ONE])
def test_one_stay_is_one_visit_with_one_moment(events: list[Beacon], said_s: float) -> None:
    """One visit, opened and closed once; `zone_entered` once, when it has lasted long enough."""
    made = outcome(events, end_s=20_000)
    assert [at for at, name in made.asked if name == "in"] == [said_s]
    assert [t.kind for t in made.told] == ["opened", "closed"]
    assert len(made.visits) == 1


def region(n: int, second: float, what: str, minor: int) -> Beacon:
    """What a phone's system says of one beacon; the first two hang in zone A."""
    return beacon(n, second, what, None, beacon=IBeacon(uuid=UUID, major=1, minor=minor))


REGIONS = [
    region(1, 0, "enter", 1),
    region(2, 1, "enter", 2),
    region(3, 3, "exit", 1),
    region(4, 1200, "exit", 2),
]


def test_two_regions_of_a_zone_are_one_visit() -> None:
    """From the first enter to the last exit; its moment at the least dwell, in between."""
    made = outcome(list(REGIONS), end_s=20_000)
    assert [t.kind for t in made.told] == ["opened", "closed"]
    assert made.told[1].dwell_ms == 1_200_000
    assert [at for at, name in made.asked if name == "in"] == [5.0]


@pytest.mark.parametrize("events", [*permutations([*REGIONS[:3], region(4, 500, "exit", 2)])])
def test_two_regions_are_one_visit_in_every_order(events: tuple[Beacon, ...]) -> None:
    """From 0 to 500 s, whatever arrives first while what came to nothing is still remembered."""
    made = outcome(list(events), end_s=20_000)
    (visit,) = made.visits
    assert (visit.first_seen_ms - T0, (visit.exited_at_ms or 0) - T0) == (0, 500_000)
    assert [t.kind for t in made.told] == ["opened", "closed"]


NEAR_3 = IBeacon(uuid=UUID, major=1, minor=9)
IN_ZONE_A: dict[str, Any] = {"beacon": NEAR_3, "store_id": "s", "zone": Zone(id="zA")}
HELD = [
    ("an exit of one never entered", [REGIONS[0], region(5, 9, "exit", 2)]),
    ("the exit of the last one is lost", REGIONS[:3]),
    ("re-entered", [*REGIONS[:3], region(5, 60, "enter", 1), region(6, 90, "exit", 2)]),
    ("a third is sighted", [*REGIONS[:2], beacon(5, 2, "sighting", **IN_ZONE_A), REGIONS[2]]),
]


@pytest.mark.parametrize("events", [c[1] for c in HELD], ids=[c[0] for c in HELD])
def test_a_beacon_that_was_not_left_holds_the_visit(events: list[Beacon]) -> None:
    """One visit, still open an hour later, closed by timer after four hours of silence."""
    an_hour = outcome(events, end_s=3_600)
    assert [t.kind for t in an_hour.told] == ["opened"]
    made = outcome(events, end_s=30_000)
    assert [t.kind for t in made.told] == ["opened", "closed"]
    assert [at for at, name in made.asked if name == "in"] == [5.0]


def test_sightings_hold_nothing() -> None:
    """A visit of sightings ends by an exit, also by that of a beacon that was never entered."""
    made = outcome([*STAY[:-1], region(9, 40, "exit", 2)], end_s=20_000)
    assert made.told[1].dwell_ms == 40_000


def test_a_beacon_of_two_zones_holds_each_by_itself() -> None:
    """The shop's events name the zone: each visit ends by the exit from its own zone."""
    named = [
        beacon(n, s, w, None, beacon=NEAR_3, store_id="s", zone=Zone(id=z))
        for n, (s, w, z) in enumerate([(0, "enter", "zX"), (0, "enter", "zY"), (60, "exit", "zX"),
                                       (90, "exit", "zY")])
    ]  # fmt: skip
    told = outcome(named, end_s=20_000).told
    assert [(t.zone_id, t.dwell_ms) for t in told if t.kind == "closed"] == [
        ("zX", 60_000),
        ("zY", 90_000),
    ]


def test_a_visit_of_an_earlier_row_ends_by_any_exit() -> None:
    """A row that remembers no beacons, only that the visit is held, decodes and goes on."""
    made = outcome([REGIONS[0]])
    assert isinstance(made.row, Customer)
    visits = tuple(replace(v, beacons=()) for v in made.row.visits)
    made.row = replace(made.row, visits=visits)
    made.take(region(5, 60, "exit", 2))
    made.tick(T0 + 20_000_000)
    assert made.told[1].dwell_ms == 60_000


NONE = [
    ("storm", [beacon(n, n, "enter" if n % 2 == 0 else "exit") for n in range(120)]),
    ("signal 0", [beacon(n, 6 * n, "sighting", 0) for n in range(4)]),
    ("no signal", [beacon(n, 6 * n, "sighting", None) for n in range(4)]),
    ("signal 127", [beacon(n, 6 * n, "sighting", 127) for n in range(4)]),
    ("accuracy -1", [beacon(n, 6 * n, "sighting", -60, distance_m=-1.0) for n in range(4)]),
    ("between the thresholds", [beacon(n, 2 * n, "sighting", -85) for n in range(9)]),
    ("far", [beacon(n, 2 * n, "sighting", None, proximity="far") for n in range(9)]),
    ("an exit alone", [beacon(1, 0, "exit")]),
]


@pytest.mark.parametrize("events", [c[1] for c in NONE], ids=[c[0] for c in NONE])
def test_what_is_no_stay_is_no_visit(events: list[Beacon]) -> None:
    """Nothing begins by what was not measured, is too weak or too short; the row forgets it."""
    made = outcome(events, end_s=20_000)
    assert (made.asked, made.told) == ([], [])
    assert isinstance(made.row, Customer)
    assert made.row.visits == ()


STAY = [*(beacon(n, 10 * n, "sighting") for n in range(4)), beacon(9, 40, "exit")]
ENTER = [beacon(1, 0, "enter", None), beacon(2, 40, "exit", None)]


@pytest.mark.parametrize("events", [*permutations(STAY), *permutations(ENTER)])
def test_a_stay_is_the_same_in_every_order_of_arrival(events: tuple[Beacon, ...]) -> None:
    """0 to 40 s, closed, counted once, at most one moment; an exit first is remembered."""
    made = outcome(list(events), end_s=20_000)
    (visit,) = made.visits
    assert (visit.first_seen_ms - T0, (visit.exited_at_ms or 0) - T0) == (0, 40_000)
    assert [t.kind for t in made.told] == ["opened", "closed"]
    assert (made.told[1].dwell_ms, made.told[1].customer_id) == (40_000, "c")
    assert [name for _, name in made.asked].count("in") <= 1
    assert isinstance(made.row, Customer)
    assert sum(n for _, _, n in made.row.counters["zone_visits"].buckets) == 1


def test_nobody_is_spoken_to_who_has_left() -> None:
    """The exit arrives before the enter: a visit, and no moment."""
    assert outcome(list(reversed(ENTER)), end_s=20_000).asked == []


def test_each_rule_on_dwell_speaks_once_a_visit_by_timer() -> None:
    """A rule of no dwell at 5 s, one of 20 s at 20 s; a sighting later says nothing new."""
    made = outcome([beacon(1, 0, "enter"), beacon(2, 300, "sighting")], end_s=20_000)
    assert sorted(made.asked) == [(5.0, "d0"), (5.0, "in"), (20.0, "d20")]


def test_the_phones_own_dwell_speaks_before_our_timer() -> None:
    """`zone_dwelled` of a minute fires both rules on dwell once; our timer adds nothing."""
    made = outcome([beacon(1, 3, "dwell", None, dwell_ms=60_000)], end_s=20_000)
    assert sorted(made.asked) == [(3.0, "d0"), (3.0, "d20"), (3.0, "in")]


def test_who_takes_consent_back_leaves_without_a_name() -> None:
    """The visit is closed at once, without the person's id, and the row knows none."""
    made = outcome([beacon(1, 0, "enter"), consent("denied", T0 + 60_000)], end_s=20_000)
    assert [(t.kind, t.customer_id) for t in made.told] == [("opened", "c"), ("closed", None)]
    assert made.visits == []
    assert outcome([consent("denied", T0 - 1), beacon(1, 0, "enter")], end_s=20_000).told == []


def test_a_rolling_eid_is_known_by_what_it_was_resolved_to() -> None:
    """Another EID each time, one resolved id: one visit."""
    from streams.contracts.inputs.beacon_addresses import EddystoneEid

    events = [
        beacon(n, 4 * n, "sighting", beacon=EddystoneEid(eid=f"{n:016x}", resolved_id="b9"))
        for n in range(4)
    ]
    assert outcome(events, end_s=900).told == []
    hung = BeaconPlace(
        beacon_ref="b9", address=EddystoneEid(eid="f" * 16), store_id="s", zone=Zone(id="zC")
    )
    places = compile_policy(Reference(beacons=(hung,))).places
    assert places.find(events[0].beacon) is hung
    resolver = replace(hung, beacon_ref="b10", eids=("00AA00AA00AA00AA",))
    places = compile_policy(Reference(beacons=(resolver,))).places
    assert places.find(EddystoneEid(eid="00aa00aa00aa00aa")) is resolver
    assert places.find(EddystoneEid(eid="00aa00aa00aa00aa", resolved_id="nowhere")) is resolver
    assert places.find(EddystoneEid(eid="01aa00aa00aa00aa")) is None


walks = st.lists(
    st.tuples(
        st.floats(0.0, 45.0),
        st.sampled_from(["sighting", "sighting", "sighting", "enter", "exit", "dwell"]),
        st.sampled_from([-60, -60, -85, -95, 0, None]),
        st.sampled_from([1, 2, 3]),
        st.sampled_from([0, 0, 0, 20, 90]),
    ),
    min_size=1,
    max_size=14,
)


def walk_of(steps: list[tuple[float, str, int | None, int, int]]) -> list[Beacon]:
    """Events at growing times, some of which arrive late."""
    at, events = 0.0, []
    for n, (gap, what, rssi, minor, late) in enumerate(steps):
        at += gap
        address = IBeacon(uuid=UUID, major=1, minor=minor)
        events.append(beacon(n, max(at - late, 0.0), what, rssi, beacon=address))
    return events


@settings(max_examples=150, deadline=None)
@given(walks)
def test_a_late_timer_tells_the_same(steps: list[tuple[float, str, int | None, int, int]]) -> None:
    """Timers on time, and timers that fire with the next event only: the same row and effects."""
    events = walk_of(steps)
    on_time, late = outcome(events, end_s=5_000), outcome(events, end_s=5_000, ticks=False)
    assert on_time.effects == late.effects
    assert on_time.row == late.row


@settings(max_examples=150, deadline=None)
@given(walks)
def test_every_visit_opens_and_closes_once(
    steps: list[tuple[float, str, int | None, int, int]],
) -> None:
    """However somebody walks: one opened and one closed a visit, each rule at most once a visit."""
    made = outcome(walk_of(steps), end_s=50_000)
    opened = [t.visit_id for t in made.told if t.kind == "opened"]
    assert len(set(opened)) == len(opened)
    assert sorted(opened) == sorted(t.visit_id for t in made.told if t.kind == "closed")
    for name in ("in", "d0", "d20"):
        assert [asked for _, asked in made.asked].count(name) <= len(opened)
    for change in made.told:
        if change.kind == "closed":
            assert change.left_at is not None
            assert change.left_at >= change.entered_at
    assert due_at_ms(made.row) is None
