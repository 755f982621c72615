"""The client in a real browser that several people use, and where a page's token or gateway fails.

Property of all: what a person did or said is told as theirs and is not lost, whoever comes next.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import topics
from streams.demo.broker import EmbeddedBroker
from tests.support.browser import opened
from tests.support.client_build import STATIC
from tests.support.gateway_job import KEY
from tests.support.page_house import House, arrived, told_of
from tests.support.shop_page import ShopPages, shop_pages

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]
TOLD = """
const key = "%s";
const ours = (more = "") =>
  Object.keys(localStorage).filter((name) => name.startsWith("os." + more));
const sent = () => until(() => !ours("events").length && !ours("feedback").length);
const search = (shop, text) => shop.track("products_searched", { query: { text } });
const wait = (ms) => new Promise((soon) => setTimeout(soon, ms));
"""


@pytest.fixture(scope="module")
def pages() -> Iterator[ShopPages]:
    """The shop's own server, which has the client's file as well."""
    with shop_pages() as served:
        served.pages["/client.js"] = ("text/javascript", (STATIC / "offerstream.js").read_text())
        yield served


def test_the_id_of_a_browser_goes_from_a_customer_to_nobody_else(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """Who logs in keeps the id of before; whoever comes after a customer gets another one."""
    broker, house = alone
    script = f"""
    {TOLD % KEY}
    const page = (customer) => connect({{ key, customer, consent: true }});
    const tabs = [undefined, "alice", "alice", undefined, "bob", "alice", undefined];
    for (const customer of tabs) {{
      search(page(customer), customer ?? "nobody");
      await sent();
    }}
    const left = page("alice");
    search(left, "alice");
    await sent();
    search(page(), "nobody");
    await sent();
    search(left, "alice");
    await sent();
    await tell("sent");
    """
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == "sent"
        found = arrived(broker, topics.CLICKSTREAM, 10)
    people = [event["identity"] for event in found]
    ids = [person["anonymous_id"] for person in people]
    assert [person.get("customer_id", "nobody") for person in people] == [
        event["query"]["text"] for event in found
    ]
    assert [list(dict.fromkeys(ids)).index(browser) for browser in ids] == [
        *(0, 0, 0),  # nobody, who is alice
        *(1, 1),  # nobody, who is bob
        *(2, 3, 3),  # alice; nobody, who is alice again
        *(4, 3),  # nobody in a second tab; alice in the one that she left open
    ]


@pytest.mark.parametrize("customer", ["c-1", None])
def test_a_no_is_told_though_the_page_is_left_while_the_gateway_is_away(
    pages: ShopPages,
    alone: tuple[EmbeddedBroker, House],
    tmp_path: Path,
    customer: str | None,
) -> None:
    """It alone waits, without the browser's id beside it; the next page sends it, and only it."""
    broker, house = alone
    assert house.gateway.process.stop() == 0
    who = f'customer: "{customer}",' if customer else ""
    script = f"""
    {TOLD % KEY}
    const page = (consent) => connect({{ url: "{house.url}", key, {who} consent }});
    if (location.search) {{
      const shop = page(false);
      search(shop, "never told");
      await tell(ours().map((name) => JSON.parse(localStorage[name]).event_name));
      await until(() => !ours().length);
      await tell("empty");
    }} else {{
      const shop = page(true);
      search(shop, "not sent when the no came");
      await tell(JSON.parse(localStorage[ours("events")[0]]).identity);
      shop.consent({{ personalization: false, profiling: false }});
      await wait(1500);
      location.search = "?again";
    }}
    """
    with opened(pages.show(script, "/client.js"), tmp_path / "profile"):
        identity = pages.told()
        assert pages.told() == ["consent_updated"]
        house.start()
        assert pages.told() == "empty"
        [said] = arrived(broker, topics.PROFILE, 1)
    assert said["purposes"] == {"personalization": False, "profiling": False}
    assert said["identity"] == identity
    assert told_of(broker, topics.CLICKSTREAM) == []


def test_only_personalization_and_profiling_say_whether_a_page_tells(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """A no to e-mail forgets nothing, a yes to e-mail begins nothing; one of the two is enough."""
    broker, house = alone
    script = f"""
    {TOLD % KEY}
    const agreed = connect({{ key, customer: "c-1", consent: true }});
    search(agreed, "before a no to e-mail");
    agreed.consent({{ marketing_email: false }});
    search(agreed, "after it");
    agreed.consent({{ personalization: true, profiling: true }});
    agreed.consent({{ profiling: false }});
    search(agreed, "personalized");
    await sent();
    agreed.consent({{ personalization: false }});
    search(agreed, "never told");
    await sent();
    const refused = connect({{ key, customer: "c-2", consent: false }});
    refused.consent({{ marketing_email: true }});
    search(refused, "never told");
    const undecided = connect({{ key, customer: "c-3" }});
    undecided.consent({{ marketing_email: false }});
    search(undecided, "never told");
    await sent();
    await wait(1500);
    await tell(ours());
    """
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == []
        found = arrived(broker, topics.CLICKSTREAM, 3)
        said = arrived(broker, topics.PROFILE, 6)
    texts = ["before a no to e-mail", "after it", "personalized"]
    assert [event["query"]["text"] for event in found] == texts
    assert len({event["event_id"] for event in said}) == 6


@pytest.mark.parametrize("fails", ["() => { throw 1 }", "() => Promise.reject(1)"])
def test_events_need_no_token(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path, fails: str
) -> None:
    """They go by the key: a page whose tokens fail tells them, and has no error of ours."""
    _, house = alone
    script = f"""
    {TOLD % KEY}
    let asked = 0;
    const fails = {fails};
    const mine = () => (asked++, fails());
    const shop = connect({{ key, customer: "c-1", token: mine, consent: true }});
    search(shop, "tea");
    await sent();
    const before = asked;
    const {{ verdict, reason_codes }} = await shop.decide("banner");
    await tell([before, verdict, reason_codes[0]]);
    """
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == [0, "failed", "unreachable"]


def test_a_token_that_does_not_come_holds_up_no_answer(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """`decide` answers in its time; a token that was late serves the next question."""
    _, house = alone
    script = f"""
    {TOLD % KEY}
    let asked = 0;
    const tokens = [
      () => new Promise(() => {{}}),
      async () => (await wait(2500), token()),
    ];
    const mine = () => tokens[asked++]();
    const shop = connect({{ key, customer: "c-1", token: mine, consent: true }});
    const ask = async () => {{
      const {{ verdict, reason_codes }} = await shop.decide("banner", {{ timeout_ms: 200 }});
      return [verdict, ...reason_codes];
    }};
    const said = [await ask(), await ask()];
    await wait(3000);
    let last;
    await until(async () => (last = await ask())[0] == "timeout"); // nobody decides here
    await tell([...said, last[0], asked]);
    """
    late = ["failed", "unreachable"]
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == [late, late, "timeout", 2]


def test_feedback_waits_for_the_token_of_its_person(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """Alice's is kept while Bob is logged in and his own is sent; hers goes once she is back."""
    broker, house = alone
    script = f"""
    {TOLD % KEY}
    const offer = (decision_id) => ({{ decision_id, offer: {{ offer_id: "tea" }} }});
    const page = (customer, mine) => connect({{ key, customer, token: mine, consent: true }});
    if (!location.search) {{
      page("alice", () => Promise.reject(1)).feedback(offer("d_alice"), "used");
      await wait(500);
      location.search = "?bob";
    }} else if (location.search == "?bob") {{
      page("bob", token).feedback(offer("d_bob"), "seen");
      await until(() => ours("feedback").length == 1);
      await wait(1000);
      await tell(ours("feedback").map((name) => JSON.parse(localStorage[name]).person));
      await until(async () => (await (await fetch("/who")).text()) == "alice");
      location.search = "?alice";
    }} else {{
      page("alice", token);
      await sent();
      await tell("sent");
    }}
    """
    pages.person = "bob"
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == ["alice"]
        pages.person = "alice"
        assert pages.told() == "sent"
        found = arrived(broker, topics.OFFER_FEEDBACK, 2)
    told = [(one["identity"]["customer_id"], one["event_name"]) for one in found]
    assert told == [("alice", "offer_redeemed"), ("bob", "offer_viewed")]


@pytest.mark.parametrize(
    ("status", "left"), [(403, 1), (404, 1), (503, 1), (400, 0), (413, 0), (422, 0)]
)
def test_only_what_is_refused_for_what_it_says_is_given_up(
    pages: ShopPages, tmp_path: Path, status: int, left: int
) -> None:
    """What a proxy before the gateway answers loses no event."""
    script = f"""
    {TOLD % KEY}
    const shop = connect({{ key, customer: "c-1", consent: true }});
    search(shop, "tea");
    await until(async () => (await (await fetch("/asked")).text()) > 0);
    await wait(500);
    await tell(ours("events").length);
    """
    pages.refusal, pages.refused = status, 0
    with opened(pages.show(script, "/client.js"), tmp_path / "profile"):
        assert pages.told() == left
