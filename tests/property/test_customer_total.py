"""Any valid event on any row: no exception, a bounded row, and time that never goes back."""

from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

import streams.contracts.inputs.events as ev
from streams.contracts.common import (
    Cart,
    ConsentSignals,
    Context,
    Identity,
    LineItem,
    Money,
    Product,
    Purpose,
)
from streams.contracts.inputs.beacon_addresses import EddystoneEid
from streams.contracts.reference.structs import BeaconPlace
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import (
    ROW_BYTES_MAX,
    Places,
    address_key,
    apply,
    decode_row,
    encode_row,
    new_customer,
)

T0 = 1_770_000_000_000
ADDRESS = EddystoneEid(eid="0011223344556677")
PLACE = BeaconPlace(beacon_ref="b", address=ADDRESS, store_id="s-1", zone=ev.Zone(id="z-1"))
PLACES = Places(beacons={address_key(ADDRESS): PLACE})

ids = st.sampled_from(["a", "b", "c", "D" * 64, "e:1"])
numbers = st.floats(-1e9, 1e9, allow_nan=False)
products = st.builds(
    Product,
    product_id=ids,
    category=st.sampled_from(["shoes", "bags", "x" * 128]),
    price=st.none() | numbers,
    quantity=st.integers(0, 1_000_000),
)
carts = st.builds(Cart, cart_id=ids, items=st.lists(products, max_size=30).map(tuple))
signals = st.builds(
    ConsentSignals,
    tcf=st.none() | st.text(max_size=60),
    gpp=st.none() | st.text(alphabet="CAPz~._-B0", max_size=60),
    gpc=st.none() | st.booleans(),
)
contexts = st.builds(
    Context,
    timezone=st.sampled_from(["UTC", "Asia/Tokyo", "../../etc/passwd", "", "a\0b"]),
    locale=st.sampled_from(["en", "ja", ""]),
    consent=st.none() | signals,
)
trait_values = st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=300)
traits = st.dictionaries(
    st.text(max_size=80), trait_values | st.lists(st.text(max_size=200)), max_size=40
)
states = st.sampled_from(["granted", "denied", "unset"])
purposes = st.dictionaries(st.sampled_from(get_args(Purpose)), states)


def common(kind: object) -> dict[str, Any]:
    """What every event needs."""
    return {
        "event_id": st.integers(0, 60).map(lambda n: f"e-{n}"),
        "occurred_at": st.integers(T0 - 800 * DAY_MS, T0 + 800 * DAY_MS).map(from_ms),
        "identity": st.just(Identity(customer_id="c-1")),
        "channel": st.sampled_from(["web", "app", "store", "email"]),
        "context": contexts,
        "event_name": st.sampled_from(ev.names_of(kind)),
    }


seen = {"product": st.none() | products, "cart": st.none() | carts}
queries = st.none() | st.builds(ev.Query, text=st.just("q"), results_count=st.none() | st.just(0))
pages = st.builds(ev.Page, path=st.just("/"), dwell_ms=st.none() | st.integers(0, 10**9))
events = st.one_of(
    st.builds(ev.Clickstream, page=pages, query=queries, **seen, **common(ev.ClickstreamName)),
    st.builds(
        ev.App,
        permission=st.none() | st.just(ev.Permission(kind="push", status="denied")),
        **seen,
        **common(ev.AppName),
    ),
    st.builds(
        ev.Beacon,
        beacon=st.just(ADDRESS),
        observation=st.sampled_from(["sighting", "enter", "exit", "dwell"]),
        rssi_dbm=st.none() | st.integers(-127, 20),
        dwell_ms=st.none() | st.integers(0, 10**9),
        **common(ev.BeaconName),
    ),
    st.builds(
        ev.Purchase,
        order_id=ids,
        total=st.decimals(-999, 999, places=2).map(lambda d: Money(amount=str(d), currency="EUR")),
        items=st.lists(
            st.builds(
                LineItem,
                product_id=ids,
                category=st.just("shoes"),
                unit_price=numbers,
                quantity=st.integers(0, 9),
                discount=numbers,
            ),
            max_size=3,
        ).map(tuple),
        original_order_id=st.none() | ids,
        **common(ev.PurchaseName),
    ),
    st.builds(ev.OfferFeedback, decision_id=ids, offer_id=ids, **common(ev.FeedbackName)),
    st.builds(
        ev.Profile,
        op=st.sampled_from(["set", "unset", "increment", "append"]),
        traits=st.none() | traits,
        purposes=st.none() | purposes,
        case=st.none() | st.builds(ev.ServiceCase, case_id=ids),
        survey=st.none() | st.builds(ev.Survey, nps=st.none() | st.integers(0, 10)),
        **common(ev.ProfileName),
    ),
    st.builds(
        ev.PrivacyRequest,
        request_id=ids,
        requested_at=st.just(from_ms(T0)),
        **common(ev.PrivacyName),
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=25))
def test_apply_is_total(stream: list[ev.InputEvent]) -> None:
    """Whatever comes, the row stays readable, bounded, and does not go back in time."""
    person = new_customer("c-1", T0)
    for event in stream:
        applied = apply(person, event, PLACES)
        assert applied.at_ms >= person.last_at_ms
        assert applied.person.last_at_ms >= person.last_at_ms
        assert all(trigger_event.at_ms == applied.at_ms for trigger_event in applied.trigger_events)
        person = applied.person
        data = encode_row(person)
        assert len(data) <= ROW_BYTES_MAX
        assert decode_row(data) == person


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=20))
def test_a_second_delivery_changes_nothing(stream: list[ev.InputEvent]) -> None:
    """Every event delivered twice leaves the row of every event delivered once."""
    once = twice = new_customer("c-1", T0)
    for event in stream:
        once = apply(once, event, PLACES).person
        twice = apply(apply(twice, event, PLACES).person, event, PLACES).person
    assert once == twice
