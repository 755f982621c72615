"""What the auditor tells anew: who is who, what is allowed, the cart, presence in a zone."""

from base64 import urlsafe_b64encode

import pytest

from streams.audit.arrivals import Arrival, arrivals_of
from streams.audit.carts import cart_of
from streams.audit.consent import may, may_by_channel
from streams.audit.people import People
from streams.audit.verdicts import Broken, Fine, Unknown
from streams.audit.zones import presence_of, spot_of
from streams.contracts.inputs.events import Beacon
from streams.contracts.reference.structs import ZoneRules
from streams.contracts.times import to_ms
from tests.support.told import (
    BEACON,
    BEGIN,
    Fields,
    at,
    came,
    consent,
    event,
    order,
    sighting,
    view,
)

NOON_MS = to_ms(BEGIN)
END = 1_000


def arrivals(*events: Fields) -> list[Arrival]:
    """The events as they came; all are good."""
    found, refused = arrivals_of(came(list(events)))
    assert refused == 0
    return found


def people(*events: Fields) -> People:
    """Who is who after these events."""
    made = People()
    for arrival in arrivals(*events):
        made.take(arrival)
    return made


def ids_under(found: People, id_: str) -> list[str]:
    """The ids of the events that belong to whoever stands behind an id in the end."""
    person = found.at(id_, END)
    return [] if person is None else [a.event_id for a in person.known_events(END)]


def seen(event_id: str, **identity: str) -> Fields:
    """A page view by these ids."""
    return event(event_id, "application_opened", int(event_id[1:]), identity=identity)


def link(event_id: str, name: str, from_: str, to: str, **identity: str) -> Fields:
    """Two ids said to be one person, or no longer."""
    said = {"from": from_, "to": to, "method": "loyalty_scan"}
    return event(event_id, name, int(event_id[1:]), identity=identity, link=said)


def test_a_login_brings_what_the_visitor_did() -> None:
    """Before the login there are two people, from then on one."""
    found = people(
        seen("e1", anonymous_id="x"),
        seen("e2", customer_id="c1"),
        seen("e3", customer_id="c1", anonymous_id="x"),
    )
    assert ids_under(found, "x") == ids_under(found, "c1") == ["e1", "e2", "e3"]
    before = found.at("c1", 2)
    assert before is not None
    assert [a.event_id for a in before.known_events(2)] == ["e2"]


def test_a_device_of_another_customer_stays_theirs_until_they_let_go() -> None:
    """The second person's login links the device only after the first has unlinked."""
    shared = [
        seen("e1", customer_id="c1", device_id="d"),
        seen("e2", customer_id="c2", device_id="d"),
    ]
    assert ids_under(people(*shared), "d") == ["e1"]
    gone = link("e3", "identity_unlinked", "d", "c1", customer_id="c1")
    again = seen("e4", customer_id="c2", device_id="d")
    found = people(*shared, gone, seen("e5", device_id="d"), again)
    assert ids_under(found, "d") == ["e2", "e5", "e4"]


def test_two_customers_become_one_only_where_somebody_says_so() -> None:
    """The smaller id stays."""
    known = [seen("e1", customer_id="c1"), seen("e2", customer_id="c2")]
    found = people(*known, link("e3", "identity_linked", "c2", "c1", customer_id="c2"))
    assert ids_under(found, "c2") == ["e1", "e2", "e3"]
    person = found.at("c2", END)
    assert person is not None
    assert person.id == "c1"


def test_a_placeholder_is_nobody() -> None:
    """The event goes by its next id."""
    found = people(seen("e1", customer_id="undefined", anonymous_id="x"))
    assert ids_under(found, "x") == ["e1"]
    assert found.at("undefined", END) is None


def test_after_an_erasure_everything_begins_anew() -> None:
    """What came before is gone, and what is older brings nothing back."""
    gone = event("e3", "erasure_requested", 10, request_id="r", requested_at=at(10))
    found = people(
        seen("e1", customer_id="c1", anonymous_id="x"), gone, seen("e5", customer_id="c1")
    )
    assert ids_under(found, "c1") == ids_under(found, "x") == []
    found = people(seen("e1", customer_id="c1"), gone, seen("e20", customer_id="c1"))
    assert ids_under(found, "c1") == ["e20"]


def erased(event_id: str, minute: float, **identity: str) -> Fields:
    """A request of that minute to erase whoever stands behind these ids."""
    fields = {"request_id": f"r-{event_id}", "requested_at": at(minute), "identity": identity}
    return event(event_id, "erasure_requested", minute, **fields)


BOTH = [seen("e1", customer_id="c2", device_id="d"), seen("e2", customer_id="c1")]


@pytest.mark.parametrize("ids", [{"customer_id": "c1", "device_id": "d"}, {"device_id": "d"}])
def test_an_erasure_reaches_whoever_stands_behind_a_named_id(ids: dict[str, str]) -> None:
    """Also another customer, and all ids of theirs; who is not named stays."""
    found = people(*BOTH, erased("e3", 3, **ids), seen("e5", customer_id="c2"))
    assert ids_under(found, "c2") == ["e5"]
    assert ids_under(found, "d") == []
    assert ids_under(found, "c1") == ([] if "customer_id" in ids else ["e2"])


def test_an_erasure_that_comes_again_is_done() -> None:
    """Whoever came back after it stays, also a visitor who has become a customer since."""
    gone = erased("e3", 3, anonymous_id="x")
    login = seen("e5", customer_id="c1", anonymous_id="x")
    found = people(seen("e1", anonymous_id="x"), gone, login, gone)
    assert ids_under(found, "c1") == ids_under(found, "x") == ["e5"]


def test_nothing_of_the_time_of_an_erasure_or_before_comes_back() -> None:
    """Under an erased id, by an id that has come to an erased person since, or as their link."""
    gone = erased("e3", 3, customer_id="c1")
    login = seen("e5", customer_id="c1", anonymous_id="x")
    late = [seen("e3", customer_id="c1"), seen("e2", anonymous_id="x")]
    told = link("e3", "identity_linked", "y", "c1", customer_id="c2")
    found = people(gone, seen("e4", customer_id="c2"), login, *late, told)
    assert ids_under(found, "c1") == ids_under(found, "x") == ["e5"]
    assert found.at("y", END) is None
    assert found.forgotten == {3, 4, 5}


def test_the_same_event_again_counts_once() -> None:
    """However many others lie between."""
    others = [seen(f"e{n}", customer_id="c1") for n in range(2, 42)]
    found = people(seen("e1", customer_id="c1"), *others, seen("e1", customer_id="c1"))
    assert len(ids_under(found, "c1")) == 41


def signal(event_id: str, minutes: float, browser: str = "b1", **signals: object) -> Fields:
    """A view with consent signals of a browser."""
    identity = {"customer_id": "c1"} | ({"anonymous_id": browser} if browser else {})
    return view(minutes, event_id, identity=identity, context={"consent": signals})


def tcf(*denied: int) -> str:
    """A consent string of version 2 that allows all but the bits `denied`."""
    bits = f"{2:06b}" + "1" * 234
    for bit in denied:
        bits = bits[:bit] + "0" + bits[bit + 1 :]
    raw = int(bits, 2).to_bytes(30, "big")
    return urlsafe_b64encode(raw).decode().rstrip("=")


VISITOR = {"anonymous_id": "x"}
NO = {"personalization": "denied"}
YES = {"personalization": "granted"}


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ([], Broken),
        ([consent(0)], Fine),
        ([consent(0), consent(1, "n", purposes=NO)], Broken),
        ([consent(0), consent(0, "n", purposes=NO)], Broken),
        ([consent(0, "n", purposes=NO), consent(1)], Fine),
        ([consent(1), consent(0, "n", purposes=NO)], Fine),
        ([consent(0, collected_at=at(9_000)), consent(1, "n", purposes=NO)], Broken),
        ([consent(0, "n", purposes=NO), consent(5, collected_at=at(-5))], Broken),
        ([consent(0, collected_at="1970-01-01T00:00:00Z")], Fine),
        ([consent(0), consent(1, "n", purposes={"Personalization": False})], Broken),
        ([consent(0), consent(1, "n", purposes={"personalization": "maybe"})], Broken),
        ([consent(0, purposes=NO), consent(1, "g", identity=VISITOR)], Broken),
        ([consent(0), consent(1, "n", identity=VISITOR, purposes=NO)], Broken),
        ([consent(0, identity=VISITOR)], Fine),
        ([consent(0), signal("s", 1, gpc=True)], Broken),
        ([consent(5), signal("s", 1, gpc=True)], Fine),
        ([consent(0), signal("s", 1, gpc=True), signal("t", 2, gpc=False)], Fine),
        ([consent(0), signal("s", 1, gpc=True), signal("t", 2, "b2", gpc=False)], Broken),
        ([consent(0), signal("s", 1, "", gpc=True), signal("t", 2, "", gpc=False)], Broken),
        ([consent(0), signal("s", 1, tcf=tcf(155))], Broken),
        ([consent(0), signal("s", 1, tcf=tcf(154))], Fine),
        ([consent(0), signal("s", 1, tcf=tcf(155)), signal("t", 2, tcf=tcf())], Fine),
        ([consent(2), signal("s", 1, tcf=tcf(155))], Fine),
        ([consent(0), signal("s", 1, gpp=f"DBAB~{tcf(155)}")], Broken),
        ([consent(0), signal("s", 1, gpp="DBAB~BVVVVVVVVVA.QA")], Unknown),
    ],
)
def test_the_latest_word_counts_and_the_strictest_on_ties(
    events: list[Fields], answer: type
) -> None:
    """Own words, strings and Global Privacy Control, in this order of arrival."""
    assert isinstance(may(arrivals(*events), "personalization"), answer)


def test_a_phone_that_refuses_push_outweighs_consent() -> None:
    """The newest permission counts, and it alone for a channel without a purpose."""
    refused = event("p", "permission_changed", 1, permission={"kind": "push", "status": "denied"})
    allowed = event("q", "permission_changed", 2, permission={"kind": "push", "status": "granted"})
    assert isinstance(may_by_channel(arrivals(consent(0), refused), "push"), Broken)
    assert isinstance(may_by_channel(arrivals(consent(0), refused, allowed), "push"), Fine)
    assert may_by_channel(arrivals(refused), "web") is None


TEA = {"product_id": "tea", "category": "tea", "gtin": "4006381333931"}
CUP = {"product_id": "cup", "category": "cups"}
PAID = {"category": "tea", "unit_price": 1.0, "quantity": 1}


NOTHING = {"amount": "0.00", "currency": "EUR"}


def added(minutes: float, product: Fields) -> Fields:
    """A product is put into the cart."""
    return event(f"add-{minutes}", "product_added", minutes, product=product)


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ([added(0, TEA), added(1, TEA), added(2, CUP)], {"tea": 2, "cup": 1}),
        ([added(0, TEA), event("r", "product_removed", 1, product=TEA)], {}),
        ([added(0, TEA), order(1, "o", items=[PAID | {"product_id": "tea"}])], {}),
        ([added(0, TEA), order(1, "o", items=[PAID | {"product_id": "bread"}])], {"tea": 1}),
        ([added(0, TEA), order(1, "o", items=[PAID | TEA | {"product_id": "till-7"}])], {}),
        ([added(0, TEA), added(2, CUP), order(1, "o", items=[])], {"cup": 1}),
        ([added(0, TEA | {"quantity": 2}), order(1, "o", items=[PAID | {"product_id": "tea"}]),
          order(2, "o", items=[PAID | {"product_id": "tea"}])], {"tea": 1}),
        ([added(0, TEA), added(0.5, CUP), order(1, "o", items=[PAID | {"product_id": "tea"}]),
          order(2, "u", order_id="o-o", event_name="order_updated",
                items=[PAID | {"product_id": "tea"}, PAID | {"product_id": "cup"}])], {}),
        ([added(0, TEA), order(2, "u", event_name="order_updated",
                               items=[PAID | {"product_id": "tea"}])], {"tea": 1}),
        ([added(0, TEA), order(1, "o", total=NOTHING, items=[PAID | {"product_id": "tea"}])], {}),
        ([added(0, TEA), order(1, "o", total=NOTHING)], {"tea": 1}),
        ([added(0, TEA), event("c", "cart_viewed", 1, cart={"cart_id": "k", "items": [CUP]})],
         {"cup": 1}),
    ],
)  # fmt: skip
def test_a_cart_is_lines_by_event_time(events: list[Fields], lines: dict[str, int]) -> None:
    """Put in, taken out, shown whole, bought by product id or GTIN, also when told late."""
    assert cart_of(arrivals(*events), NOON_MS + 600_000).lines == lines


OTHER_ENTER = sighting(1, "s8", "enter", beacon=BEACON | {"minor": 2})
OTHER_EXIT = sighting(9, "s9", "exit", beacon=BEACON | {"minor": 2})


@pytest.mark.parametrize(
    ("sightings", "there"),
    [
        ([sighting(0, "s1")], True),
        ([sighting(0, "s1"), sighting(5, "s2", "exit")], False),
        ([sighting(0, "s1"), sighting(5, "s2", "exit"), sighting(6, "s3", "enter")], True),
        ([sighting(5, "s2", "exit"), sighting(0, "s1")], False),
        ([sighting(0, "s1", rssi_dbm=0, proximity="unknown")], False),
        ([sighting(0, "s1", rssi_dbm=-85)], False),
        ([sighting(0, "s1"), sighting(4, "s2", rssi_dbm=-95)], True),
        ([sighting(-21, "s1")], False),
        ([sighting(0, "s1", "enter"), OTHER_ENTER, sighting(3, "s3", "exit")], True),
        ([OTHER_ENTER, sighting(3, "s3", "exit"), sighting(0, "s1", "enter")], True),
        ([sighting(0, "s1", "enter"), OTHER_ENTER, sighting(3, "s3", "exit"), OTHER_EXIT], False),
        ([sighting(0, "s1"), OTHER_EXIT], False),
    ],
)
def test_presence_is_what_the_sightings_say_by_event_time(
    sightings: list[Fields], there: bool
) -> None:
    """Ten seconds after noon, with silence of 30 seconds ending a visit."""
    known = arrivals(*sightings)
    sight = known[0].event
    assert isinstance(sight, Beacon)
    spot = spot_of(sight, {})
    assert spot is not None
    assert presence_of(known, spot, {}, ZoneRules(), NOON_MS + 10_000).there is there
