"""The client in a real browser, against the running gateway; with a worker, on the embedded broker.

Property of all: what a page tells arrives, once, and what is decided for its person is shown, once.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import topics
from streams.contracts.reference.structs import Arm, Experiment, Policies, Reference
from streams.demo.broker import EmbeddedBroker
from streams.demo.stage import Stage
from tests.support.browser import opened
from tests.support.client_build import STATIC
from tests.support.gateway_job import KEY, SERVER_KEY
from tests.support.page_house import House, arrived, told_of
from tests.support.shop_page import ShopPages, shop_pages
from tests.support.worker_job import wait_until
from tests.unit.decisions.people import FREE, offer, rule

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]
CHANNELS = ("web",)
SHOP = Reference(
    policies=Policies(
        triggers=(rule("banner", kind="offer_requested", placement="banner", channel="web"),),
        contact=FREE,
        experiment=Experiment(arms=(Arm(name="uniform", share=1.0, chooser="uniform"),)),
    ),
    offers=(offer("tea", channels=CHANNELS), offer("cake", channels=CHANNELS)),
)
CONNECT = """
const shop = connect({ key: "%s", customer: "c-1", token, consent: true });
"""


@pytest.fixture(scope="module")
def pages() -> Iterator[ShopPages]:
    """The shop's own server."""
    with shop_pages() as served:
        yield served


def test_what_is_told_offline_outlives_the_page_and_is_sent_once(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """Told while the gateway is away, over a reload; each id once on the topic, in its order."""
    broker, house = alone
    assert house.gateway.process.stop() == 0
    pages.pages["/client.js"] = ("text/javascript", (STATIC / "offerstream.js").read_text())
    script = f"""
    const shop = connect({{ url: "{house.url}", key: "{KEY}", customer: "c-1", consent: true }});
    const waiting = () => Object.keys(localStorage).filter((name) => name.startsWith("os.events"));
    if (location.search) {{
      await tell({{ afterReload: waiting().length }});
      await until(() => !waiting().length);
      await tell("empty");
    }} else {{
      for (const id of ["s-1", "s-2", "s-3"])
        shop.track("product_viewed", {{ product: {{ product_id: id, category: "tea" }} }});
      await new Promise((soon) => setTimeout(soon, 1500));
      location.search = "?again";
    }}
    """
    with opened(pages.show(script, "/client.js"), tmp_path / "profile"):
        assert pages.told() == {"afterReload": 3}
        house.start()
        assert pages.told() == "empty"
        found = arrived(broker, topics.CLICKSTREAM, 3)
        time.sleep(2)
    assert [event["product"]["product_id"] for event in found] == ["s-1", "s-2", "s-3"]
    assert len({event["event_id"] for event in found}) == 3
    assert told_of(broker, topics.CLICKSTREAM) == found
    assert {event["identity"]["customer_id"] for event in found} == {"c-1"}
    assert len({event["identity"]["anonymous_id"] for event in found}) == 1


def test_the_queue_is_bounded_and_keeps_the_newest(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """Of 130 events 100 wait; a disk that is full loses none of them; a wrong key none either."""
    _, house = alone
    script = f"""
    const shop = connect({{ key: "{KEY}-wrong", consent: true }});
    const waiting = () => Object.keys(localStorage).filter((name) => name.startsWith("os.events"));
    for (let n = 0; n < 130; n++)
      shop.track("products_searched", {{ query: {{ text: String(n) }} }});
    const texts = waiting().sort().map((name) => JSON.parse(localStorage[name]).query.text);
    await new Promise((soon) => setTimeout(soon, 1500));
    await tell([texts.length, texts[0], texts[99], waiting().length]);
    """
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == [100, "30", "129", 100]


def test_consent_and_global_privacy_control(
    pages: ShopPages, alone: tuple[EmbeddedBroker, House], tmp_path: Path
) -> None:
    """Without a yes nothing is sent or stored; a no forgets; an objection goes with each event."""
    broker, house = alone
    script = f"""
    const ours = () => Object.keys(localStorage).filter((name) => name.startsWith("os.")).length;
    const search = (shop, text) => shop.track("products_searched", {{ query: {{ text }} }});
    const undecided = connect({{ key: "{KEY}" }});
    const kept = [];
    search(undecided, "never told");
    kept.push(ours());
    undecided.consent({{ personalization: true, profiling: true }});
    search(undecided, "not sent when the no came");
    kept.push(ours());
    undecided.consent({{ personalization: false, profiling: false }});
    search(undecided, "never told");
    kept.push(ours());
    await until(() => !ours());
    Object.defineProperty(navigator, "globalPrivacyControl", {{ value: true }});
    const objecting = connect({{ key: "{KEY}", customer: "c-1", consent: true }});
    search(objecting, "objected");
    kept.push(ours());
    await tell(kept);
    """
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        assert pages.told() == [0, 3, 1, 0]  # the one is the no, until it is sent
        said = arrived(broker, topics.PROFILE, 1)
        found = arrived(broker, topics.CLICKSTREAM, 1)
        time.sleep(2)
    assert said == told_of(broker, topics.PROFILE)
    assert [event["purposes"] for event in said] == [{"personalization": False, "profiling": False}]
    assert found == told_of(broker, topics.CLICKSTREAM)
    [event] = found
    assert (event["query"]["text"], event["context"]["consent"]) == ("objected", {"gpc": True})
    assert event["identity"] == {"customer_id": "c-1"}


@pytest.fixture
def whole(pages: ShopPages, tmp_path: Path) -> Iterator[tuple[Stage, House]]:
    """A gateway, a worker and a shop with two offers."""
    with Stage(SHOP, round(time.time() * 1000), None) as stage:
        assert stage.wait_until_ready(lambda: False)
        house = House(stage.settings, tmp_path, pages)
        yield stage, house
        assert house.gateway.process.stop() == 0


def contacts(house: House) -> list[str]:
    """What the worker has counted of each offer that the customer got."""
    headers = {"authorization": f"Bearer {SERVER_KEY}"}
    status, body, _ = house.gateway.ask("GET", "/v1/customers/c-1", headers=headers)
    told = json.loads(body)
    if status != 200 or told["verdict"] != "told":
        return []
    sent = told["customer"]["contacts"]
    return ["seen" if one["viewed_at"] else str(one["status"]) for one in sent]


def test_a_page_asks_listens_and_says_what_became_of_it(
    pages: ShopPages, whole: tuple[Stage, House], tmp_path: Path
) -> None:
    """Decided, heard of by the stream, used; heard of again, once, behind a gateway's restart."""
    stage, house = whole
    script = f"""
    {CONNECT % KEY}
    const heard = [];
    shop.consent({{ personalization: true, profiling: true }});
    shop.track("product_viewed", {{ product: {{ product_id: "s-1", category: "tea" }} }});
    shop.onOffer((offer) => heard.push(offer));
    const ask = () => shop.decide("banner", {{ timeout_ms: 5000 }});
    const offered = async () => {{
      let said;
      await until(async () => (said = await ask()).verdict == "offer");
      await until(() => heard.some((offer) => offer.decision_id == said.decision_id));
      return said.offer;
    }};
    const first = await offered();
    shop.feedback(first, "seen");
    await tell({{ first, heard }});
    await until(() => fetch("{house.url}/healthz").then(() => false, () => true));
    await tell("the gateway is away");
    const second = await offered();
    shop.feedback(second, "used");
    await new Promise((soon) => setTimeout(soon, 2000));
    await tell({{ second, heard }});
    """
    with opened(pages.show(script, house.client), tmp_path / "profile"):
        said = pages.told()
        assert said["first"] in said["heard"]
        wait_until(lambda: "seen" in contacts(house), house.gateway.process, 60)
        house.gateway.process.kill9()
        assert pages.told() == "the gateway is away"
        house.start()
        last = pages.told()
        wait_until(lambda: contacts(house).count("used") == 1, house.gateway.process, 60)
    assert said["first"] in last["heard"]
    assert last["second"] in last["heard"]
    assert len({one["decision_id"] for one in last["heard"]}) == len(last["heard"])
    [view] = arrived(stage.settings, topics.CLICKSTREAM, 1)
    assert view["product"]["product_id"] == "s-1"
