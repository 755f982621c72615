"""The parts of the demo's page, each by itself: who is let in, webhooks, what is told, texts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from streams import topics
from streams.contracts.common import LANGUAGES, LanguageTag
from streams.contracts.inputs.events import InputEvent, names_of
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer
from streams.contracts.reference.structs import Conditions, Reference
from streams.contracts.times import DAY_MS, MINUTE_MS
from streams.customer import new_customer
from streams.customer.codec import encode_row
from streams.customer.parts import Cart, CartItem
from streams.customer.row import Reminder
from streams.decisions import compile_policy
from streams.demo.clock import StoryClock
from streams.demo.doors import HOOK, Doors, Keys
from streams.demo.pace import Pace
from streams.demo.page import view as view_module
from streams.demo.page.app import build_app
from streams.demo.page.guests import AWAY_S, PAGES_MAX, RELOAD_S, Guests
from streams.demo.page.inbox import Inbox
from streams.demo.page.seen import Seen
from streams.demo.page.shop import Shop, discount_of
from streams.demo.page.view import PARTS, POSSIBLE, View
from streams.demo.reader import Arrived
from streams.demo.visiting import for_visitors
from streams.gateway.page.texts import texts_in
from streams.settings import Settings
from streams.simulator.story import story

START_MS = 1_735_689_600_000
EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
ALERT = EXAMPLES / "churn_alert" / "valid" / "entered.json"
DUE_MS = START_MS + 30 * MINUTE_MS
CART = Cart("cart-1", START_MS, (CartItem("p001", "coffee", 1, 15.9),))
CART_REMINDER = Reminder("cart_abandoned", DUE_MS, "cart-left", "e")
SECRET = "whsec_" + "b2ZmZXJzdHJlYW0tdGVzdHMtb25seS1zZWNyZXQh"
TEXTS = view_module.HERE / "texts"
TEXTS_OF = {language: texts_in(TEXTS, language) for language in LANGUAGES}
FIELDS = re.compile(r"\{(\w+)\}")


@pytest.fixture
def view(tmp_path: Path) -> Iterator[View]:
    """A page of which nothing is started."""
    clock = StoryClock(tmp_path / "clock", START_MS)
    doors = Doors(Settings(), tmp_path, clock, 20_005)
    pace = Pace(START_MS, START_MS + 40 * DAY_MS, 60.0, clock.set)
    shop = Shop(doors, pace, for_visitors(story()))
    yield View(shop, Seen(compile_policy(shop.reference)), Inbox(SECRET), 300, lambda: None)
    clock.close()


def signed(body: bytes, webhook_id: str, secret: str = SECRET) -> dict[str, str]:
    """The headers of a webhook."""
    at = datetime.now(UTC)
    signature = Webhook(secret).sign(webhook_id, at, body.decode())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def test_the_demo_s_policies_have_a_name_of_their_own() -> None:
    """A record of the demo cannot be taken for one of another shop, nor of the demo unvisited."""
    shops = (Reference(), story(), for_visitors(story()))
    assert len({compile_policy(shop).named.version for shop in shops}) == 3


def test_it_answers_its_own_page_on_this_machine_alone(view: View) -> None:
    """Not under another name that points here, not to another site's page or form."""
    with TestClient(build_app(view, Guests()), base_url=view.shop.doors.page_url) as client:
        assert client.get("/").status_code == 200
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        assert client.get("/live", headers={"origin": "http://evil.example"}).status_code == 403
        as_image = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
        assert client.get("/live?page=x", headers=as_image).status_code == 403
        by_link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert client.get("/", headers=by_link).status_code == 200
        as_form = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/skip", content="{}", headers=as_form).status_code == 403
        assert client.post("/token", json={"customer": "s00001"}).status_code == 404
        assert client.post("/till", json={"customer": "s00001"}).status_code == 404
        assert client.post("/till", json={"customer": 7}).status_code == 400
        assert client.post("/cases", json={"alert_id": "<b>"}).status_code == 404


def test_each_answer_names_its_kind_once(view: View) -> None:
    """The page and its files: text in UTF-8."""
    with TestClient(build_app(view, Guests()), base_url=view.shop.doors.page_url) as client:
        paths = ("/", "/colors.css", "/demo.css", "/demo.js")
        kinds = [client.get(path).headers["content-type"] for path in paths]
    told = ("html", "css", "css", "javascript")
    assert kinds == [f"text/{kind}; charset=utf-8" for kind in told]


def test_the_till_refuses_what_the_shop_does_not_sell(view: View) -> None:
    """With the place of it; a cart is sold whole or not at all."""
    view.shop._visitors.add("visitor-1")
    known = view.shop.shelves[0].product_id
    with TestClient(build_app(view, Guests()), base_url=view.shop.doors.page_url) as client:
        cart = {"customer": "visitor-1", "product_ids": [known, "unicorn"]}
        answer = client.post("/till", json=cart)
        assert client.post("/till", json={"customer": "visitor-1"}).json() == {}
    assert answer.status_code == 422
    assert answer.json() == {"error": "$.product_ids[1]: there is no such product"}


def test_the_operators_page_is_named_once_it_is_there(view: View) -> None:
    """Before the gateway listens no link leads there, in the first page and in what changes."""
    for html in (view.page("en"), view.parts("visitor-1", "en")["operators"]):
        assert "It opens in some seconds." in html
        assert view.shop.doors.keys.operator not in html
        assert f'href="{view.shop.doors.url}' not in html


def test_the_last_step_is_done_when_a_decision_was_in_view(view: View) -> None:
    """The page tells that; before it the step waits."""
    done = {read: view.parts("visitor-1", "en", read=read)["steps"] for read in (False, True)}
    assert 'class="done"' not in done[False]
    assert re.findall(r'<li class="done">(.*?)</li>', done[True]) == [
        "Read below what was decided, and why"
    ]


def test_the_page_holds_no_key_but_that_of_pages_and_operators(view: View) -> None:
    """The till's, the tokens' and the webhooks' stay with the backend, in every language."""
    keys = view.shop.doors.keys
    for language in LANGUAGES:
        html = view.page(language) + "".join(view.parts("visitor-1", language).values())
        for secret in (keys.till, keys.tokens, keys.webhooks):
            assert secret not in html
    assert repr(keys) == "Keys(...)"


def test_a_webhook_counts_once_and_only_with_a_right_signature(view: View) -> None:
    """Of what is refused nothing is kept."""
    alert = msgspec.json.decode(ALERT.read_bytes())
    body = msgspec.json.encode({"id": "1", "data": alert})
    other = signed(body, "w1", "whsec_" + "b3RoZXItdGVzdHMtb25seS1zZWNyZXQhISEhISEh")
    with TestClient(build_app(view, Guests()), base_url=view.shop.doors.page_url) as client:
        assert client.post(HOOK, content=body, headers=other).status_code == 400
        assert (view.inbox.verified, view.inbox.refused, view.inbox.count) == (0, 1, 0)
        for _ in range(2):
            answer = client.post(HOOK, content=body, headers=signed(body, "w1"))
            assert answer.status_code == 204
    assert (view.inbox.verified, view.inbox.count) == (1, 1)
    (case,) = view.inbox.newest(alert["customer_id"], 5)
    assert (case.is_open, case.reported, len(case.alerts)) == (True, False, 1)
    view.inbox.report(case)
    assert [c.reported for c in view.inbox.newest("", 5)] == [True]


def test_hostile_words_stay_words(view: View) -> None:
    """What a customer could fill in is escaped wherever it is shown."""
    hostile = "<img src=x onerror=alert(1)>"
    event = {"event_name": hostile, "occurred_at": "2025-01-02T00:00:00Z"}
    consent = {"event_name": "consent_updated", "occurred_at": "2025-01-02T00:00:00Z"}
    viewed = {**event, "event_name": "product_viewed", "product": {"product_id": hostile}}
    for one in (consent, event, viewed):
        value = msgspec.json.encode(one)
        view.seen.take(Arrived(topics.CLICKSTREAM.name, b"visitor-x", value, 0.0))
    told = view.parts("visitor-x", "en")["told"]
    assert "<img" not in told
    assert told.count("&lt;img") == 2


@pytest.mark.parametrize("name", ["columns", "offer"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_why_is_told_of_a_decision(view: View, name: str, language: LanguageTag) -> None:
    """Of records of both versions: how many offers there were, and what each is worth."""
    consent = {"event_name": "consent_updated", "occurred_at": "2026-03-14T00:00:00Z"}
    yes = Arrived(topics.CLICKSTREAM.name, b"visitor-x", msgspec.json.encode(consent), 0.0)
    record = (EXAMPLES / "decision_log" / "valid" / f"{name}.json").read_bytes()
    entry = msgspec.json.decode(record, type=DecisionLog)
    view.seen.take(yes)
    view.seen.take(Arrived(topics.DECISION_LOG.name, b"visitor-x", record, 0.0))
    told = view.parts("visitor-x", language)["told"]
    possible = [one for one in entry.offers if one.why_not is None]
    said = TEXTS_OF[language]["told.possible"]
    assert said.format(count=len(possible), all=len(entry.offers)) in told
    assert all(one.offer_id in told for one in possible[:POSSIBLE])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_is_told_in_words(view: View, language: LanguageTag) -> None:
    """Whoever sends it; questions about somebody are no doings of theirs, and are not told."""
    kinds = [kind.__annotations__["event_name"] for kind in get_args(InputEvent)]
    names = [name for kind in kinds for name in names_of(kind) if name != "consent_updated"]
    for number, name in enumerate(names):
        for one in ("consent_updated", name):
            event = {"event_name": one, "occurred_at": "2025-01-02T00:00:00Z"}
            value = msgspec.json.encode(event)
            key = f"visitor-{number}".encode()
            view.seen.take(Arrived(topics.PROFILE.name, key, value, 0.0))
        told = view.parts(f"visitor-{number}", language)["told"]
        assert name not in told
        assert name not in ("customer_requested", "offer_requested") or told.count("<li") == 1


def test_a_demo_waits_for_whoever_has_its_page_open() -> None:
    """A page in the background is asked for once a minute; one that was closed is gone soon."""
    now_s = [0.0]
    guests = Guests(lambda: now_s[0])
    assert not guests.any()
    guests.here("a")
    now_s[0] = AWAY_S - 1
    assert guests.any()
    guests.gone("a")
    guests.gone("never-there")
    now_s[0] += RELOAD_S - 0.5
    assert guests.any()
    now_s[0] += 1.0
    assert not guests.any()


def test_pages_that_are_long_gone_make_room() -> None:
    """However often a page was loaded, the newest keeps the demo going."""
    now_s = [0.0]
    guests = Guests(lambda: now_s[0])
    for number in range(PAGES_MAX + 1):
        guests.here(f"page-{number}")
    now_s[0] = AWAY_S + 1
    assert not guests.any()
    guests.here("new")
    assert guests.any()


def test_what_is_of_before_the_consent_is_not_told(view: View) -> None:
    """By its time, whenever it arrives."""
    at = {"before": "2025-01-02T00:00:00Z", "yes": "2025-01-03T00:00:00Z"}
    for name, when in (("consent_updated", "yes"), ("order_completed", "before")):
        value = msgspec.json.encode({"event_name": name, "occurred_at": at[when]})
        view.seen.take(Arrived(topics.PURCHASE.name, b"visitor-x", value, 0.0))
    visit = view.seen.visit("visitor-x")
    assert ([one.what for one in visit.told], visit.did) == (
        ["consent_updated"],
        {"consent_updated"},
    )


@pytest.mark.parametrize("no", [False, "Denied", "withdrawn", "opt_out", "nonsense"])
def test_who_says_no_is_told_what_stops(view: View, no: str | bool) -> None:
    """However it is said, and that a reminder which still waits is not sent; a yes ends that."""
    customer = new_customer("visitor-x", START_MS)
    waiting = replace(customer, cart=CART, reminders=(CART_REMINDER,))
    topic, row = topics.CUSTOMERS_CHANGELOG.name, encode_row(waiting)
    for day, answer in ((2, True), (3, no), (4, "Granted")):
        said = {
            "event_name": "consent_updated",
            "occurred_at": f"2025-01-0{day}T00:00:00Z",
            "purposes": {"personalization": answer},
        }
        value = msgspec.json.encode(said)
        view.seen.take(Arrived(topics.PROFILE.name, b"visitor-x", value, 0.0))
        view.seen.take(Arrived(topic, b"visitor-x", row, 0.0))
        parts = view.parts("visitor-x", "en")
        assert ("is not sent: you have said no" in parts["cart"]) is (answer == no)
        assert ("A reminder will go" in parts["cart"]) is (answer != no)
    assert [
        one.what for one in view.seen.visit("visitor-x").told if one.what != "reminder_set"
    ] == [
        "consent_updated",
        "consent_withdrawn",
        "consent_updated",
    ]
    assert "You said no to offers" in parts["told"]
    assert 'class="done">Say yes to offers' in parts["steps"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_every_language(language: LanguageTag) -> None:
    """The same keys with the same places to fill in, none empty, none left in English."""
    english, own = texts_in(TEXTS, "en"), texts_in(TEXTS, language)
    assert set(own) == set(english)
    for key, text in english.items():
        assert own[key].strip()
        assert sorted(FIELDS.findall(own[key])) == sorted(FIELDS.findall(text)), key
        assert language == "en" or own[key] != text, key


def test_every_text_is_used(view: View) -> None:
    """By its key, or by the first word of its family; each product of the shelf has its name."""
    sources = [p.read_text("utf-8") for p in (view_module.HERE / "templates").glob("*.html")]
    used = {key for text in sources for key in re.findall(r"""\bt\(['"]([a-z_.]+)""", text)}
    families = tuple(key for key in used if key.endswith("."))
    known = set(texts_in(TEXTS, "en"))
    assert {key for key in used if not key.endswith(".")} <= known
    products = {f"product.{product.product_id}" for product in view.shop.shelves}
    assert {key for key in known - used if not key.startswith(families)} == products


@pytest.mark.parametrize(
    ("kind", "value", "category", "off"),
    [
        ("percent", 20, "coffee", 3.18),
        ("amount", 3, "coffee", 3.0),
        ("amount", 30, "", 20.1),
        ("bogo", 1, "", 4.2),
        ("bogo", 1, "coffee", 0.0),
        ("points", 2, "", 0.0),
    ],
)
def test_the_till_takes_off_what_the_coupon_says(
    view: View, kind: str, value: float, category: str, off: float
) -> None:
    """Of espresso beans for 15.90 and a sourdough loaf for 4.20."""
    example = EXAMPLES / "next_best_offer" / "valid"
    offer = msgspec.json.decode(next(example.iterdir()).read_bytes(), type=NextBestOffer).offer
    conditions = Conditions(categories=(category,) if category else ())
    told = replace(offer, kind=kind, value=value, conditions=conditions)
    assert discount_of(told, view.shop.shelves[:2]) == pytest.approx(off)


def test_all_parts_are_on_the_page_and_the_demo_is_its_own_shop(view: View) -> None:
    """Each part has its place, and a visitor's reminder comes within a minute of theirs."""
    html = view.page("en")
    assert [part for part in PARTS if f'data-part="{part}"' not in html] == []
    rules = {rule.kind: rule for rule in view.shop.reference.policies.triggers}
    assert rules["cart_abandoned"].after_ms == 30 * 60_000
    assert isinstance(view.shop.doors.keys, Keys)


def test_a_reminder_is_told_of_a_cart_that_is_worth_one(view: View) -> None:
    """Not of a smaller one, though it waits in the row, too; nor as to come once it is due."""
    customer = new_customer("visitor-x", START_MS)
    small = replace(CART, items=(CartItem("p002", "bakery", 1, 4.2),))
    for cart, said in ((small, "below 15 euros"), (CART, "A reminder will go to your phone at")):
        row = replace(customer, cart=cart, reminders=(CART_REMINDER,))
        record = Arrived(topics.CUSTOMERS_CHANGELOG.name, b"visitor-x", encode_row(row), 0.0)
        view.seen.take(record)
        assert said in view.parts("visitor-x", "en")["cart"]
    assert [one.due_ms for one in view.seen.visit("visitor-x").told] == [DUE_MS]
    view.shop.pace.go_on(60.0)
    assert "goes out within moments" in view.parts("visitor-x", "en")["cart"]
