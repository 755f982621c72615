"""What events make of a row, concern by concern."""

import random
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from streams.contracts.catalogue import EVENT_NAMES
from streams.contracts.common import (
    Cart,
    ConsentSignals,
    Context,
    Identity,
    LineItem,
    Money,
    Product,
)
from streams.contracts.inputs import events as ev
from streams.contracts.inputs.beacon_addresses import EddystoneEid
from streams.contracts.inputs.events import (
    App,
    Beacon,
    Clickstream,
    InputEvent,
    Page,
    Permission,
    Profile,
    Purchase,
    Query,
    ServiceCase,
    Survey,
    Zone,
)
from streams.contracts.outputs.effects import EventIgnored, EventLate, TimeZoneUnknown
from streams.contracts.reference.structs import BeaconPlace, ProductInfo, Reference
from streams.contracts.times import DAY_MS, MINUTE_MS, from_ms
from streams.customer import (
    APPLIERS,
    Applied,
    Customer,
    Places,
    address_key,
    apply,
    encode_row,
    is_granted,
    new_customer,
)
from streams.customer.consents import is_push_refused
from streams.customer.counters import count
from streams.customer.merge import merge_customers
from streams.customer.places import places_of
from streams.customer.row import OpenDecision

T0 = 1_770_000_000_000
ADDRESS = EddystoneEid(eid="0011223344556677")
PLACE = BeaconPlace(
    beacon_ref="b", address=ADDRESS, store_id="s-1", zone=Zone(id="z-1", type="shoes")
)
PLACES = Places(beacons={address_key(ADDRESS): PLACE})
PERSON = new_customer("c-1", T0)
SHOE = Product(product_id="p-1", category="shoes", price=50.0)


def block(n: int, at_ms: int, channel: str) -> dict[str, Any]:
    """What every event of the person needs."""
    return {
        "event_id": f"e-{n}",
        "occurred_at": from_ms(at_ms),
        "identity": Identity(customer_id="c-1"),
        "channel": channel,
    }


def web(n: int, name: ev.ClickstreamName, at_ms: int = T0, **more: Any) -> Clickstream:
    """An event of the web shop."""
    page = more.pop("page", Page(path="/"))
    return Clickstream(event_name=name, page=page, **block(n, at_ms, "web"), **more)


def order(n: int, order_id: str, total: str, at_ms: int = T0, **more: Any) -> Purchase:
    """An event of an order."""
    name = more.pop("name", "order_completed")
    item = LineItem(product_id="p-1", category="shoes", unit_price=1.0, quantity=1, discount=2.0)
    return Purchase(
        event_name=name,
        order_id=order_id,
        total=Money(amount=total, currency="EUR"),
        items=(item,),
        **block(n, at_ms, "store"),
        **more,
    )


def profile(n: int, name: ev.ProfileName, at_ms: int = T0, **more: Any) -> Profile:
    """An event of the profile."""
    return Profile(event_name=name, **block(n, at_ms, "web"), **more)


def sighted(
    n: int, at_ms: int, rssi_dbm: int = -60, observation: Literal["sighting", "exit"] = "sighting"
) -> Beacon:
    """The beacon of zone z-1, seen by a phone."""
    return Beacon(
        event_name="beacon_sighted",
        beacon=ADDRESS,
        observation=observation,
        rssi_dbm=rssi_dbm,
        **block(n, at_ms, "app"),
    )


def after(*stream: InputEvent, person: Customer = PERSON) -> Applied:
    """What is left of a stream at its last event."""
    for event in stream[:-1]:
        person = apply(person, event, PLACES).person
    return apply(person, stream[-1], PLACES)


GRANTED = profile(900, "consent_updated", T0 - 1, purposes={"location_beacon": "granted"})


def test_every_event_name_has_an_applier() -> None:
    """A name of the contract without an applier would be ignored without a word."""
    assert set(EVENT_NAMES) - set(ev.names_of(ev.PrivacyName)) == set(APPLIERS)


def test_a_product_view_is_a_moment_with_its_dwell() -> None:
    """It carries product, category, price and dwell; the row an affinity and a view."""
    event = web(1, "product_viewed", product=SHOE, page=Page(path="/", dwell_ms=9_000))
    applied = after(event)
    (trigger_event,) = applied.trigger_events
    assert (trigger_event.kind, trigger_event.product_id, trigger_event.category) == (
        "product_viewed",
        "p-1",
        "shoes",
    )
    assert (trigger_event.price, trigger_event.dwell_ms) == (50.0, 9_000)
    assert applied.person.affinities[0].score == 1.0
    assert applied.person.views[0].product_id == "p-1"
    assert applied.person.session is not None
    assert applied.person.session.dwell_ms == 9_000


def test_the_same_id_with_other_content_is_a_conflict() -> None:
    """A second delivery is a duplicate, also with a new `sent_at`; other content is not."""
    event = web(1, "product_viewed", product=SHOE)
    again = replace(event, sent_at=from_ms(T0 + 5))
    other = replace(event, product=replace(SHOE, product_id="p-2"))
    assert after(event, again).effects == (EventIgnored("duplicate", "e-1"),)
    assert after(event, other).effects == (EventIgnored("id_conflict", "e-1"),)
    assert after(event, other).person == after(event).person


def test_a_late_event_counts_and_fires_nothing() -> None:
    """An event of yesterday corrects counts by its age, and time does not go back."""
    now = web(1, "product_viewed", T0, product=SHOE)
    late = web(2, "product_viewed", T0 - DAY_MS, product=SHOE)
    applied = after(now, late)
    assert applied.trigger_events == ()
    assert applied.effects == (EventLate("e-2", DAY_MS),)
    assert (applied.at_ms, applied.person.last_at_ms) == (T0, T0)
    assert applied.person.channels["web"].day == 1.5
    assert count(applied.person.counters["product_views"], T0, 7 * DAY_MS) == 2


def test_an_event_slightly_out_of_order_fires() -> None:
    """A minute of disorder is normal: the trigger event is at the row's time."""
    first = web(1, "page_viewed", T0)
    applied = after(first, web(2, "product_viewed", T0 - MINUTE_MS, product=SHOE))
    assert [trigger_event.at_ms for trigger_event in applied.trigger_events] == [T0]


def test_a_search_without_result_is_a_moment() -> None:
    """Zero results are a moment; some, or an unknown number, are not."""
    kinds = [
        [
            m.kind
            for m in after(web(1, "products_searched", query=Query(text="x", **n))).trigger_events
        ]
        for n in ({"results_count": 0}, {"results_count": 3}, {})
    ]
    assert kinds == [["search_without_result"], [], []]


def test_opening_the_app_is_a_moment() -> None:
    """`application_opened` asks for a decision."""
    event = App(event_name="application_opened", **block(1, T0, "app"))
    assert [trigger_event.kind for trigger_event in after(event).trigger_events] == [
        "application_opened"
    ]


def test_a_purchase_on_any_channel_takes_its_products_out_of_the_cart() -> None:
    """What it holds is gone, also where it arrives later; other things, and later ones, stay."""
    added = web(1, "product_added", T0, product=SHOE)
    bought = order(2, "o-1", "50.00", T0 + 10)
    bag = web(3, "product_added", T0 + 5, product=replace(SHOE, product_id="bag"))
    hat = web(4, "product_added", T0 + 20, product=replace(SHOE, product_id="hat"))
    cart = after(added, bought, bag, hat).person.cart
    assert cart is not None
    assert [item.product_id for item in cart.items] == ["bag", "hat"]
    late = after(bought, added).person.cart
    assert late == after(added, bought).person.cart
    assert late is not None
    assert late.items == ()


def test_the_cart_is_what_the_shop_shows() -> None:
    """A cart on the event replaces ours; an older picture does not."""
    shown = web(1, "cart_viewed", T0 + 5, cart=Cart(cart_id="k", items=(SHOE, SHOE)))
    older = web(2, "cart_viewed", T0, cart=Cart(cart_id="k"))
    cart = after(shown, older).person.cart
    assert cart is not None
    assert cart.value == 100.0
    assert after(web(3, "product_removed", T0 + 9, product=SHOE)).person.cart is not None


def test_an_order_counts_once_on_two_channels() -> None:
    """The till and the web shop report one order: one purchase, one trigger event."""
    applied = after(order(1, "o-1", "30.00"), order(2, "o-1", "30.00", T0 + 5))
    assert applied.ignored
    assert not applied.purchased
    assert applied.person.spend is not None
    assert (applied.person.spend.orders, applied.person.spend.total) == (1, 30.0)
    assert applied.person.spend.discount_total == 2.0


def test_a_refund_counts_whichever_sign_its_total_has() -> None:
    """Some tills write what was given back, some a negative total, as the example does."""
    bought = order(1, "o-1", "30.00", T0)
    for total in ("10.00", "-10.00"):
        back = order(2, "r-1", total, T0 + 5, name="order_refunded", original_order_id="o-1")
        spend = after(bought, back).person.spend
        assert spend is not None
        assert (spend.total, spend.refunds) == (20.0, 1)


def test_refunds_commute_with_their_order() -> None:
    """Refund before or after the completion: the sums are the same, never below zero."""
    bought = order(1, "o-1", "30.00", T0)
    back = order(2, "r-1", "10.00", T0 + 5, name="order_refunded", original_order_id="o-1")
    more = order(3, "r-2", "90.00", T0 + 6, name="order_refunded", original_order_id="o-1")
    for stream in ((bought, back), (back, bought)):
        spend = after(*stream).person.spend
        assert spend is not None
        assert (spend.total, spend.orders, spend.refunds) == (20.0, 1, 1)
    spend = after(bought, back, more).person.spend
    assert spend is not None
    assert spend.total == 0.0


def test_updates_and_cancellations_of_an_order() -> None:
    """An update changes the total; a cancellation takes all of it off; an update may come first."""
    bought = order(1, "o-1", "30.00")
    changed = order(2, "o-1", "45.00", T0 + 1, name="order_updated")
    gone = order(3, "o-1", "0", T0 + 2, name="order_cancelled")
    spends = [after(bought, changed).person.spend, after(bought, changed, gone).person.spend]
    assert [spend.total for spend in spends if spend] == [45.0, 0.0]
    early = after(changed).person
    assert (early.orders, early.spend, early.rhythm) == ((), None, None)
    assert after(changed, bought).person.spend == spends[0]


def test_a_visit_needs_consent_strength_and_time() -> None:
    """One trigger event a visit, after the minimum dwell; the cool-down makes no second one."""
    walk = [sighted(n, T0 + n * 1_000) for n in range(8)]
    person, kinds = apply(PERSON, GRANTED, PLACES).person, []
    back = [
        sighted(50, T0 + 20_000, -95),
        *(sighted(60 + n, T0 + 60_000 + n * 3_000) for n in range(4)),
    ]
    for event in (*walk, *back):
        applied = apply(person, event, PLACES)
        person = applied.person
        kinds += [(m.kind, m.zone_id, m.zone_type, m.dwell_ms) for m in applied.trigger_events]
    assert kinds == [("zone_entered", "z-1", "shoes", 5_000)]
    assert len(person.visits) == 1
    assert after(*walk).person.visits == ()


def test_a_weak_or_short_sighting_is_no_visit() -> None:
    """Passing by, and radio noise between the thresholds, enter nothing."""
    weak = [sighted(n, T0 + n * 2_000, -85) for n in range(9)]
    short = [sighted(n, T0 + n * 1_000) for n in range(3)]
    for stream in (weak, short):
        person = after(GRANTED, *stream).person
        assert [v for v in person.visits if v.entered_at_ms is not None] == []


def test_withdrawal_erases_visits_with_the_same_event() -> None:
    """The row that follows the withdrawal knows no visits, and none is kept from then on."""
    walk = [sighted(n, T0 + n * 1_000) for n in range(8)]
    no = profile(99, "consent_updated", T0 + 9_000, purposes={"location_beacon": "denied"})
    assert len(after(GRANTED, *walk).person.visits) == 1
    assert after(GRANTED, *walk, no).person.visits == ()
    assert after(GRANTED, *walk, no, sighted(200, T0 + 10_000)).person.visits == ()


def test_the_newest_consent_counts_and_denied_wins_a_draw() -> None:
    """An older answer that arrives later changes nothing; at one time the restrictive stands."""
    yes = profile(1, "consent_updated", T0 + 5, purposes={"personalization": "granted"})
    old_no = profile(2, "consent_updated", T0, purposes={"personalization": "denied"})
    same_no = profile(3, "consent_updated", T0 + 5, purposes={"personalization": "denied"})
    assert not is_granted(PERSON, "personalization")
    assert is_granted(after(yes, old_no).person, "personalization")
    assert not is_granted(after(yes, same_no).person, "personalization")


def tcf(*granted_bits: int) -> str:
    """A TCF core string with these bits granted."""
    from base64 import urlsafe_b64encode

    bits = ["0"] * 240
    bits[:6] = "000010"
    for bit in granted_bits:
        bits[bit] = "1"
    return urlsafe_b64encode(int("".join(bits), 2).to_bytes(30, "big")).decode().rstrip("=")


@pytest.mark.parametrize(
    ("signals", "granted"),
    [
        (ConsentSignals(gpc=True), False),
        (ConsentSignals(gpc=False), True),
        (ConsentSignals(tcf=tcf()), False),
        (ConsentSignals(tcf=tcf(140, 154, 155)), True),
        (ConsentSignals(gpp="DBABMA~" + tcf()), False),
        (ConsentSignals(gpp="DBABTA~1YYN"), False),
        (ConsentSignals(gpp="DBABTA~1YNN"), True),
        (ConsentSignals(gpp="DBABLA~BVQqAAAAAgA.YA"), False),
        (ConsentSignals(gpp="DBABLA~BVQqAAAAAgA.QA"), True),
        (ConsentSignals(tcf="garbage"), True),
    ],
)
def test_what_travels_with_an_event_can_only_deny(signals: ConsentSignals, granted: bool) -> None:
    """The most restrictive of our own purposes and the IAB's strings wins."""
    yes = profile(1, "consent_updated", T0, purposes={"personalization": "granted"})
    event = web(2, "page_viewed", T0 + 5, context=Context(consent=signals))
    assert is_granted(after(yes, event).person, "personalization") is granted


def test_traits_are_set_unset_increased_and_appended() -> None:
    """Four operations; contact data is never kept; time zone and language take effect."""
    told = {"tier": "gold", "email": "x@example.org", "note": "x@example.org"}
    told |= {"timezone": "Asia/Tokyo", "language": "ja"}
    person = after(
        profile(1, "profile_updated", traits=told),
        profile(2, "profile_updated", op="increment", traits={"points": 5}),
        profile(3, "profile_updated", op="increment", traits={"points": 7}),
        profile(4, "profile_updated", op="append", traits={"likes": ["a", "b"]}),
        profile(5, "profile_updated", op="append", traits={"likes": "a"}),
        profile(6, "profile_updated", op="unset", traits={"tier": None}),
    ).person
    assert person.traits == {
        "timezone": "Asia/Tokyo",
        "language": "ja",
        "points": 12,
        "likes": ("a", "b"),
    }
    assert (person.timezone, person.locale) == ("Asia/Tokyo", "ja")


def test_cases_surveys_and_permissions() -> None:
    """Open cases are listed, the newest score counts, a push permission is remembered."""
    case = ServiceCase(case_id="k-1")
    opened = profile(1, "service_case_opened", case=case)
    closed = profile(2, "service_case_closed", case=case)
    scored = profile(3, "survey_answered", survey=Survey(nps=3))
    denied = Permission(kind="push", status="denied")
    permission = App(event_name="permission_changed", permission=denied, **block(4, T0, "app"))
    assert after(opened).person.service_cases == ("k-1",)
    assert after(opened, closed).person.service_cases == ()
    assert after(scored).person.nps == 3
    assert is_push_refused(after(permission).person)


def test_a_session_ends_after_half_an_hour_of_silence() -> None:
    """29 minutes later it is the same visit, 31 minutes later another."""
    views = [web(n, "page_viewed", T0 + m * MINUTE_MS) for n, m in enumerate((0, 29, 61))]
    sessions = [after(*views[:2]).person.session, after(*views).person.session]
    assert [s.views for s in sessions if s] == [2, 1]


def stream_of(seed: int) -> list[InputEvent]:
    """A week of one person."""
    names: list[ev.ClickstreamName] = ["page_viewed", "product_viewed", "products_searched"]
    draw = random.Random(seed)
    stream: list[InputEvent] = []
    for n in range(60):
        at_ms = T0 + draw.randrange(7 * DAY_MS)
        if n % 10 == 0:
            stream.append(order(n, f"o-{n}", f"{draw.randrange(1, 90)}.50", at_ms))
        else:
            name = draw.choice(names)
            stream.append(web(n, name, at_ms, product=SHOE))
    return stream


@pytest.mark.parametrize("seed", range(20))
def test_disorder_and_duplicates_change_no_count(seed: int) -> None:
    """5 % duplicates and any disorder give the counts of a batch in order (float sums to 1e-9)."""
    draw = random.Random(seed)
    stream = stream_of(seed)
    ordered = sorted(stream, key=lambda event: event.at_ms)
    messy = sorted(stream, key=lambda event: event.at_ms + draw.randrange(2 * DAY_MS))
    for place in range(len(messy) - 1, 0, -1):
        if draw.random() < 0.05:
            messy.insert(place + draw.randrange(1, 3), messy[place])
    a, b = after(*ordered).person, after(*messy).person
    assert a.counters == b.counters
    assert a.last_at_ms == b.last_at_ms
    assert a.spend is not None
    assert b.spend is not None
    assert a.spend.orders == b.spend.orders
    assert a.spend.total == pytest.approx(b.spend.total)
    assert a.spend.week == pytest.approx(b.spend.week, rel=1e-9)
    for name, activity in a.channels.items():
        assert activity.month == pytest.approx(b.channels[name].month, rel=1e-9)
    assert a.affinities[0].score == pytest.approx(b.affinities[0].score, rel=1e-9)


def test_a_typical_row_is_small() -> None:
    """Thirty events of a week, three of them orders, one open decision: at most 1.7 KB."""
    person = after(GRANTED, *stream_of(1)[:30]).person
    waiting = OpenDecision(
        "d_" + "x" * 26, "offer-1", "policy", T0, T0, 0.5, 0.5, "r-1", 1, b"x" * 80, b"x" * 32
    )
    assert len(encode_row(replace(person, open_decisions=(waiting,)))) <= 1_700


def spoken(n: int, **context: Any) -> Clickstream:
    """A page that says in which language and zone it is read."""
    return web(n, "page_viewed", T0 + n, context=Context(**context))


def test_what_an_event_does_not_say_changes_nothing() -> None:
    """Language and zone stay; a page in English, or a clock on UTC, is said and counts."""
    abroad = spoken(1, locale="de", timezone="Europe/Berlin")
    person = after(abroad, spoken(2)).person
    assert (person.locale, person.timezone) == ("de", "Europe/Berlin")
    person = after(abroad, spoken(2, locale="en", timezone="UTC")).person
    assert (person.locale, person.timezone) == ("en", "UTC")


def test_a_chosen_language_stays_whatever_the_page_is_in() -> None:
    """Until the trait is taken back; after a merge too, where the other row never chose."""
    chosen = profile(1, "profile_updated", T0 + 1, traits={"language": "ja"})
    person = after(chosen, spoken(2, locale="de")).person
    assert person.locale == "ja"
    gone = profile(3, "profile_updated", T0 + 3, traits={"language": None}, op="unset")
    assert after(gone, spoken(4, locale="de"), person=person).person.locale == "de"
    english = after(profile(1, "profile_updated", T0 + 1, traits={"language": "en"})).person
    german = after(spoken(2, locale="de")).person
    assert merge_customers(english, german, T0).locale == "en"
    assert merge_customers(german, english, T0).locale == "en"


def test_a_zone_that_is_none_is_counted_and_the_last_known_stays() -> None:
    """No word of UTC: the clock that the person had goes on."""
    applied = after(spoken(1, timezone="Asia/Tokyo"), spoken(2, timezone="Mars/Olympus"))
    assert applied.person.timezone == "Asia/Tokyo"
    assert applied.effects == (TimeZoneUnknown("e-2"),)


def test_a_till_that_knows_gtins_takes_out_what_a_page_put_in_by_id() -> None:
    """The registry of products joins the two, for a cart without a price too; other lines stay."""
    shoe = ProductInfo(product_id="shoe", category="shoes", gtin="04006381333931")
    places = places_of(Reference(products=(shoe,)))
    held = (Product(product_id="shoe", category="shoes"), Product(product_id="tv", category="tv"))
    sold = LineItem(gtin="4006381333931", product_id="plu-7", unit_price=1.0, quantity=1)
    events = (
        web(1, "product_added", T0, product=held[0]),
        web(2, "product_added", T0 + 1, product=held[1]),
        replace(order(3, "o-1", "1.00", T0 + 2), items=(sold,)),
        web(4, "cart_viewed", T0 + 3, cart=Cart(cart_id="k", items=held)),
        replace(order(5, "o-2", "1.00", T0 + 4), items=(sold,)),
    )
    person, left = PERSON, []
    for event in events:
        person = apply(person, event, places).person
        left.append([item.product_id for item in person.cart.items] if person.cart else None)
    assert left == [["shoe"], ["shoe", "tv"], ["tv"], ["shoe", "tv"], ["tv"]]
