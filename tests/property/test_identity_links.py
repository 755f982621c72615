"""Links in any order, with redelivery: one merge, no count lost, conflicts kept apart."""

import random
from collections import Counter as Tally
from collections import defaultdict
from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity, LinkMethod
from streams.contracts.inputs.events import (
    Clickstream,
    Link,
    Page,
    PrivacyRequest,
    Profile,
    ProfileName,
)
from streams.contracts.internal.routing import Message, Tick
from streams.contracts.outputs.effects import (
    EventIgnored,
    EventRouted,
    IdentityChanged,
    ReceiptIssued,
)
from streams.contracts.reference.structs import IdentityRules
from streams.contracts.times import MINUTE_MS, from_ms
from streams.customer import (
    Alias,
    Customer,
    Erased,
    PersonRow,
    Places,
    apply,
    decode_row,
    due_at_ms,
    encode_row,
    new_customer,
)
from streams.customer.counters import count
from streams.identity import key_of, resolve
from streams.leases import Lease

T0 = 1_770_000_000_000
SEEDS = range(150)


def person_row(data: bytes) -> PersonRow:
    """A stored row of a person."""
    row = decode_row(data)
    assert not isinstance(row, Lease)
    return row


class World:
    """Rows by key and messages under way; first in, first out between any two keys."""

    def __init__(self, seed: int, redelivered: float = 0.3) -> None:
        self.draw = random.Random(seed)
        self.redelivered = redelivered
        self.rows: dict[str, bytes] = {}
        self.lanes: dict[tuple[str, str], list[Message]] = defaultdict(list)
        self.changes: list[IdentityChanged] = []
        self.receipts: list[ReceiptIssued] = []
        self.ignored: list[EventIgnored] = []

    def send(self, message: Message, source: str = "world") -> None:
        """One more message under way, now and then twice."""
        copies = 2 if self.draw.random() < self.redelivered else 1
        self.lanes[source, key_of(message)].extend([message] * copies)

    def run(self) -> None:
        """Deliver everything, lanes in a random order."""
        for _ in range(10_000):
            busy = sorted(lane for lane, waiting in self.lanes.items() if waiting)
            if not busy:
                return
            lane = self.draw.choice(busy)
            self._deliver(self.lanes[lane].pop(0))
        raise AssertionError("messages go round in circles")

    def _deliver(self, message: Message) -> None:
        key = key_of(message)
        stored = self.rows.get(key)
        resolution = resolve(message, person_row(stored) if stored is not None else None)
        row, effects = resolution.row, list(resolution.effects)
        if resolution.person is not None:
            row = resolution.person
            if resolution.event is not None:
                applied = apply(resolution.person, resolution.event, Places())
                row, effects = applied.person, [*effects, *applied.effects]
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = encode_row(row)
        for effect in effects:
            self._note(effect, key)

    def _note(self, effect: object, key: str) -> None:
        if isinstance(effect, EventRouted):
            assert key_of(effect.message) == effect.key
            self.send(effect.message, key)
        elif isinstance(effect, IdentityChanged):
            self.changes.append(effect)
        elif isinstance(effect, ReceiptIssued):
            self.receipts.append(effect)
        elif isinstance(effect, EventIgnored):
            self.ignored.append(effect)

    def customers(self) -> dict[str, Customer]:
        """The rows that are people."""
        rows = {key: decode_row(data) for key, data in self.rows.items()}
        return {key: row for key, row in rows.items() if isinstance(row, Customer)}

    def address(self, key: str) -> str:
        """Where an id forwards to."""
        row = decode_row(self.rows[key])
        assert isinstance(row, Alias)
        return row.moved_to


def view(n: int, **identity: Any) -> Clickstream:
    """A page view number `n` under some ids."""
    return Clickstream(
        event_id=f"e-{n}",
        event_name="page_viewed",
        occurred_at=from_ms(T0 + n * MINUTE_MS),
        identity=Identity(**identity),
        channel="web",
        page=Page(path="/"),
    )


def linked(
    n: int,
    from_: str,
    to: str,
    method: LinkMethod = "manual",
    name: ProfileName = "identity_linked",
) -> Profile:
    """A word of somebody that two ids are one person (or are not)."""
    return Profile(
        event_id=f"l-{n}",
        event_name=name,
        occurred_at=from_ms(T0 + n * MINUTE_MS),
        identity=Identity(customer_id=to),
        channel="web",
        link=Link(from_=from_, to=to, method=method),
    )


def erasure(customer_id: str, at_ms: int) -> PrivacyRequest:
    """A request to erase a customer."""
    return PrivacyRequest(
        event_id=f"p-{customer_id}",
        event_name="erasure_requested",
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id=customer_id),
        channel="web",
        request_id=f"r-{customer_id}",
        requested_at=from_ms(at_ms),
    )


def views_of(person: Customer) -> float:
    """How many page views the person has."""
    return count(person.counters.get("page_views"), person.last_at_ms, 10**10)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_merge_and_no_lost_counts(seed: int) -> None:
    """Views under three ids, linked on the way, end as one person who has them all, once."""
    world = World(seed)
    for n in range(9):
        ids = [
            {"customer_id": "c-1"},
            {"anonymous_id": "a-1"},
            {"device_id": "d-1"},
            {"customer_id": "c-1", "anonymous_id": "a-1"},
            {"customer_id": "c-1", "device_id": "d-1"},
        ]
        world.send(view(n, **world.draw.choice(ids)))
    world.send(view(9, customer_id="c-1", anonymous_id="a-1", device_id="d-1"))
    world.run()
    people = world.customers()
    assert list(people) == ["c-1"]
    assert views_of(people["c-1"]) == 10
    assert world.address("a-1") == world.address("d-1") == "c-1"
    kinds = Tally((c.change.kind, c.change.other_id) for c in world.changes)
    assert kinds == {("linked", "a-1"): 1, ("linked", "d-1"): 1}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_conflict_never_merges(seed: int) -> None:
    """A device of two customers belongs to one of them; the other gets a conflict, no content."""
    world = World(seed)
    world.send(view(0, device_id="d-1"))
    world.send(view(1, customer_id="c-1", device_id="d-1"))
    world.send(view(2, customer_id="c-2", device_id="d-1"))
    world.run()
    people = world.customers()
    assert sorted(people) == ["c-1", "c-2"]
    assert sum(views_of(person) for person in people.values()) == 3
    kinds = sorted(c.change.kind for c in world.changes)
    assert kinds == ["conflict", "linked"]


@pytest.mark.parametrize("seed", SEEDS)
def test_links_in_a_ring_make_one_person(seed: int) -> None:
    """Three customers, each said to be the next, with aliases: one person, no circle."""
    world = World(seed)
    for n, customer in enumerate(["c-1", "c-2", "c-3"]):
        world.send(view(n, customer_id=customer, anonymous_id=f"a-{n}"))
    if world.draw.random() < 0.5:
        world.run()
    world.send(linked(10, "c-1", "c-2"))
    world.send(linked(11, "c-2", "c-3"))
    world.send(linked(12, "c-3", "c-1"))
    world.run()
    people = world.customers()
    assert sum(views_of(person) for person in people.values()) == 3
    assert len(people) == 1
    world.send(view(20, anonymous_id="a-2"))
    world.run()
    assert [views_of(person) for person in world.customers().values()] == [4]
    assert not [e for e in world.ignored if e.reason == "too_many_hops"]


@pytest.mark.parametrize("seed", SEEDS)
def test_linking_twice_changes_nothing(seed: int) -> None:
    """Saying again that two ids are one person merges nothing again."""
    world = World(seed)
    world.send(view(0, anonymous_id="a-1"))
    world.send(view(1, customer_id="c-1"))
    for n in (2, 3):
        world.send(linked(n, "a-1", "c-1", "login"))
    world.run()
    world.send(linked(4, "a-1", "c-1", "login"))
    world.run()
    assert views_of(world.customers()["c-1"]) == 2
    assert [c.change.kind for c in world.changes] == ["linked"]


@pytest.mark.parametrize("seed", SEEDS)
def test_erasure_leaves_nothing(seed: int) -> None:
    """After an erasure no row is left under any of the ids, whichever of them asked."""
    world = World(seed)
    for n in range(4):
        world.send(view(n, customer_id="c-1", anonymous_id=f"a-{n}", device_id="d-1"))
        world.send(view(10 + n, anonymous_id=f"a-{n}"))
    world.run()
    who = world.draw.choice([Identity(customer_id="c-1"), Identity(anonymous_id="a-2")])
    request = PrivacyRequest(
        event_id="p-1",
        event_name="erasure_requested",
        occurred_at=from_ms(T0),
        identity=who,
        channel="web",
        request_id="r-1",
        requested_at=from_ms(T0 + 100 * MINUTE_MS),
    )
    world.send(request)
    world.run()
    assert {type(decode_row(data)) for data in world.rows.values()} == {Erased}
    (receipt,) = world.receipts
    assert (receipt.receipt.request_id, receipt.receipt.rows_erased) == ("r-1", 6)
    before = dict(world.rows)
    world.send(view(50, customer_id="c-1", anonymous_id="a-1"))
    world.send(view(51, anonymous_id="a-3"))
    world.send(view(52, device_id="d-1"))
    world.run()
    assert world.rows == before
    world.send(view(200, anonymous_id="a-3"))
    world.run()
    assert [views_of(person) for person in world.customers().values()] == [1]
    for key, data in before.items():
        row = person_row(data)
        assert resolve(Tick(key, due_at_ms(row) or 0), row).row is None


@pytest.mark.parametrize("seed", SEEDS)
def test_an_erasure_of_many_ids_ends_in_one_receipt(seed: int) -> None:
    """A request that names ids of two people erases both, over all rows, with one receipt."""
    world = World(seed)
    for n in range(3):
        world.send(view(n, customer_id="c-1", anonymous_id=f"a-{n}"))
        world.send(view(10 + n, customer_id="c-2", device_id=f"d-{n}"))
    world.run()
    world.send(
        PrivacyRequest(
            event_id="p-1",
            event_name="erasure_requested",
            occurred_at=from_ms(T0),
            identity=Identity(customer_id="c-1", anonymous_id="a-1", device_id="d-2"),
            channel="web",
            request_id="r-1",
            requested_at=from_ms(T0 + 100 * MINUTE_MS),
        )
    )
    world.run()
    assert world.customers() == {}
    (receipt,) = world.receipts
    assert receipt.receipt.rows_erased == 8


@pytest.mark.parametrize("seed", SEEDS)
def test_an_erasure_asked_under_a_merged_id_reaches_those_named_beside(seed: int) -> None:
    """The request follows the forwarding address, and the visitor that it names goes too."""
    world = World(seed)
    world.send(view(0, customer_id="c-2"))
    world.send(view(1, anonymous_id="x"))
    world.send(linked(2, "c-2", "c-1"))
    world.run()
    asked = erasure("c-2", T0 + 5 * MINUTE_MS)
    world.send(replace(asked, identity=Identity(customer_id="c-2", anonymous_id="x")))
    world.run()
    assert world.customers() == {}
    (receipt,) = world.receipts
    assert receipt.receipt.rows_erased == 3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("how", ["unlinked", "erased"])
def test_who_asked_in_vain_gets_the_device_once_it_is_free(seed: int, how: str) -> None:
    """After a conflict the second person's next login links the device, and not before."""
    world = World(seed)
    world.send(view(0, device_id="d-1"))
    world.run()
    for n, customer in ((1, "c-1"), (2, "c-2"), (3, "c-2")):
        world.send(view(n, customer_id=customer, device_id="d-1"))
        world.run()
    assert [c.change.kind for c in world.changes] == ["linked", "conflict"]
    assert world.customers()["c-2"].linked_ids == ()
    world.send(linked(4, "d-1", "c-2", name="identity_unlinked"))
    world.run()
    assert world.address("d-1") == "c-1"
    if how == "unlinked":
        world.send(linked(5, "d-1", "c-1", name="identity_unlinked"))
    else:
        world.send(erasure("c-1", T0 + 5 * MINUTE_MS))
    world.run()
    world.send(view(7, customer_id="c-2", device_id="d-1"))
    world.run()
    assert world.address("d-1") == "c-2"
    world.send(view(8, device_id="d-1"))
    world.run()
    assert views_of(world.customers()["c-2"]) == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_device_of_many_is_nobodys(seed: int) -> None:
    """The sixth person within a month makes a device shared: reported once, linked no more."""
    world = World(seed)
    world.send(view(0, device_id="d-1"))
    for n in range(1, 9):
        world.send(view(n, customer_id=f"c-{n}", device_id="d-1"))
        world.run()
    device = world.customers()["d-1"]
    assert device.shared
    assert all("d-1" not in person.linked_ids for person in world.customers().values())
    kinds = Tally(c.change.kind for c in world.changes)
    assert (kinds["linked"], kinds["shared_device"]) == (1, 1)
    world.send(view(20, device_id="d-1"))
    world.run()
    assert views_of(world.customers()["d-1"]) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_device_of_many_who_unlink_in_turn_is_nobodys(seed: int) -> None:
    """Who logs out has met the device too: the sixth person within a month makes it shared."""
    world = World(seed)
    for n in range(1, 9):
        world.send(view(2 * n, customer_id=f"c-{n}", device_id="d-1"))
        world.run()
        world.send(linked(2 * n + 1, "d-1", f"c-{n}", name="identity_unlinked"))
        world.run()
    assert world.customers()["d-1"].shared
    assert all("d-1" not in person.linked_ids for person in world.customers().values())
    kinds = Tally(c.change.kind for c in world.changes)
    assert (kinds["linked"], kinds["unlinked"], kinds["shared_device"]) == (5, 5, 1)


def test_too_many_links_a_day_are_reported_once() -> None:
    """Beyond the limit no id is asked for until the next day, and that is said once."""
    rules = IdentityRules(links_per_day_max=2)
    person: Customer = new_customer("c-1", T0, known=True)
    asked, said = [], []
    for n in range(6):
        event = view(n, customer_id="c-1", anonymous_id=f"a-{n}")
        resolution = resolve(event, person, rules)
        assert resolution.person is not None
        person = resolution.person
        asked += [e.key for e in resolution.effects if isinstance(e, EventRouted)]
        said += [e.change.kind for e in resolution.effects if isinstance(e, IdentityChanged)]
    assert (asked, said) == (["a-0", "a-1"], ["limit_reached"])
    tomorrow = view(24 * 60, customer_id="c-1", anonymous_id="a-9")
    assert len(resolve(tomorrow, person, rules).effects) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_unlinking_holds_from_now_on(seed: int) -> None:
    """An unlinked id lives a life of its own; what it did before stays with the person."""
    world = World(seed)
    world.send(view(0, customer_id="c-1", anonymous_id="a-1"))
    world.send(view(1, anonymous_id="a-1"))
    world.run()
    world.send(linked(2, "a-1", "c-1", name="identity_unlinked"))
    world.run()
    world.send(view(3, anonymous_id="a-1"))
    world.run()
    people = world.customers()
    assert views_of(people["c-1"]) == 2
    assert views_of(people["a-1"]) == 1
    assert [c.change.kind for c in world.changes] == ["linked", "unlinked"]


@pytest.mark.parametrize("seed", range(20))
def test_more_ids_than_there_is_room_for(seed: int) -> None:
    """Forty ids of one person: every view counts, the newest ids stay linked, no others."""
    world = World(seed)
    for n in range(40):
        world.send(view(n, customer_id="c-1", anonymous_id=f"a-{n}"))
    world.run()
    people = world.customers()
    assert views_of(people["c-1"]) == 40
    assert len(people["c-1"].linked_ids) == 16
    assert sorted(world.rows) == sorted([*people["c-1"].linked_ids, "c-1"])
