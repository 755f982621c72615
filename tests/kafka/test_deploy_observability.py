"""O1, O2: compose's Kafka, workers, learner, Prometheus and Alertmanager, run and looked at.

No container engine: `tests/support/composed.py` says what a native run has to change. Twelve weeks
of the demo's shop are played against the workers that compose starts; then every query of every
dashboard is asked of the Prometheus that scraped them, and alerts are provoked that have to arrive
at the Alertmanager.
"""

import json
import time
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from matplotlib.axes import Axes
from msgspec.structs import replace

from deploy.grafana.draw import Range, asker, board_of, drawn
from streams import topics
from streams.admin.reference import publish_reference
from streams.contracts.reference.structs import Reference
from streams.contracts.times import from_ms
from streams.demo.page.inbox import Inbox
from streams.settings import Settings
from streams.simulator.records import Sent
from streams.simulator.story import ARMS, story
from tests.support.apache_kafka import ROOT
from tests.support.composed import DELIVER, GATEWAY, METRICS_OF_GATEWAY, OPERATOR, Composed
from tests.support.receiver import SECRET, Got, Receiver, Reply
from tests.support.shop_days import ShopDays

SHOPPERS, DAYS = 480, 84
SHARES, HELD_OUT = (0.34, 0.33, 0.33), {"pet-10": 0.5, "garden-20": 0.5}
HALF_A_DAY_MS = 12 * 3_600_000
FORM = {"content-type": "application/x-www-form-urlencoded"}
PATIENCE_S = 300
AWAY_S = 4.0
BOARDS = ROOT / "deploy" / "grafana" / "dashboards"
# Grafana's own rule: four times the scrape interval that the data source names (5 s).
VARIABLES = {"$__rate_interval": "20s", "$__range": "15m"}
# Nothing above 0 is promised of these: in a run where all is well they are 0, few cases have a
# horizon that is over, and no weekly capacity is set, so no case waits.
MAY_STAY_ZERO = {
    "pipeline: Lag",
    "pipeline: Where does it fall behind?",
    "outcomes: How many alerts were right?",
    "outcomes: Were the first k of each week right?",
    "outcomes: Did as many leave as was said?",
    "outcomes: Do more buy who are contacted?",
    "outcomes: How early do alerts come?",
    "outcomes: Is a false alarm one?",
    "outcomes: How many cases wait for want of time?",
    "outcomes: How far off is the risk said?",  # one of its lines: corrected after two horizons
    # What waits for a second or two may be gone when it is scraped.
    "pipeline: What waits on the disk for Kafka?",
    "webhooks: How old is what waits?",
    "webhooks: How far behind is each?",
}
LOOPBACK_IN_HEX = ("0100007F", "0000000000000000FFFF00000100007F")
PROMETHEUS, ALERTMANAGER = "127.0.0.1:9090", "alertmanager:9093"
PICTURES = ROOT / ".cache" / "dashboards"
SCRAPE_S = 2.0  # as `Composed` sets it

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]


class Panel(NamedTuple):
    """One query of a dashboard."""

    name: str
    expression: str


def panels() -> list[Panel]:
    """Every query of every committed dashboard, its variables filled in."""
    found = []
    for board in sorted(BOARDS.glob("*.json")):
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"]
                for variable, value in VARIABLES.items():
                    expression = expression.replace(variable, value)
                assert "$" not in expression
                found.append(Panel(f"{board.stem}: {panel['title']}", expression))
    return found


class Crm:
    """The demo's inbox behind a server: its first message it refuses, then it is away a while."""

    def __init__(self) -> None:
        self.inbox = Inbox(SECRET)
        self._began_s = 0.0

    def answer(self, got: Got) -> Reply:
        """As a CRM that somebody has just set up."""
        if not self._began_s:
            self._began_s = time.monotonic()
            return Reply(HTTPStatus.UNPROCESSABLE_ENTITY)
        if time.monotonic() - self._began_s < AWAY_S:
            return Reply(HTTPStatus.BAD_GATEWAY)
        if not got.event["type"].startswith("churn_alert"):
            return Reply()  # what became of cases is for others
        return Reply() if self.inbox.take(got.headers, got.body) else Reply(HTTPStatus.BAD_REQUEST)


class Played(NamedTuple):
    """The services after the story, and when it began and ended."""

    composed: Composed
    shop: ShopDays
    crm: Crm
    began_s: float
    ended_s: float


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The whole of compose, and twelve weeks of its shop; halfway worker-2 is stopped."""
    soon = {
        "OFFERSTREAM_CLOCK": "event_time",  # as compose's own first lines say for simulated time
        "OFFERSTREAM_EPOCH_MS": "50",
        "OFFERSTREAM_SESSION_TIMEOUT_MS": "6000",
        "OFFERSTREAM_LEARNER_SNAPSHOT_EVERY_EXAMPLES": "25",
        "OFFERSTREAM_BREAKER_WINDOW_RECORDS": "100",
        "OFFERSTREAM_GATEWAY_ACK_TIMEOUT_S": "1",
    }
    home, crm = tmp_path_factory.mktemp("composed"), Crm()
    soon["OFFERSTREAM_GATEWAY_SPOOL_DIR"] = str(home / "spool")
    with Receiver(crm.answer) as receiver, Composed(home, **soon) as composed:
        assert "this is version 1" in composed.run("setup")
        services = ("worker-1", "worker-2", "learner", "treasury", "gateway")
        for service in services:
            composed.start(service)
        composed.deliver_to(receiver.url, SECRET)
        composed.start_alertmanager()
        composed.start_prometheus()
        for service in (*services, "deliver"):
            wait_until(partial(composed.is_ready, service), composed)
            assert composed.is_healthy(service)
        bootstrap = composed.kafka.host_bootstrap  # as from outside of the containers
        publish_reference(Settings(bootstrap=bootstrap), compared())  # as the demo profile does
        shop = ShopDays(bootstrap, "offerstream", compared(), shoppers=SHOPPERS, days=DAYS)
        still_running = alive(composed)
        began_s = time.time()
        over_http(composed, shop.now_ms, 10)
        shop.play(DAYS // 2, still_running)
        shop.send(unwelcome(shop.market.step(shop.now_ms + HALF_A_DAY_MS)))
        shop.wait(still_running)
        time.sleep(3)  # scraped before the worker that saw it is gone
        assert composed.stop("worker-2") == 0
        shop.play(DAYS - DAYS // 2, still_running)
        composed.kafka.stall()  # for less than a session: nobody is taken for gone
        over_http(composed, shop.now_ms, 2)
        composed.kafka.resume()
        time.sleep(5)  # the last figures are looked at every 4 s, and then scraped
        yield Played(composed, shop, crm, began_s, time.time())
        shop.close()


def compared() -> Reference:
    """The demo's shop, whose arms and offers can be compared: 100 people of each are needed.

    Each arm is a third of the people, and two offers that many get have a holdout of their own.
    """
    shop = story()
    offers = [replace(one, holdout_share=HELD_OUT.get(one.offer_id, 0.0)) for one in shop.offers]
    arms = tuple(replace(arm, share=share) for arm, share in zip(ARMS, SHARES, strict=True))
    experiment = replace(shop.policies.experiment, arms=arms)
    policies = replace(shop.policies, experiment=experiment)
    return replace(shop, policies=policies, offers=tuple(offers))


def unwelcome(records: list[Sent]) -> list[Sent]:
    """Good records, some of them twice or under a wrong key, and some that are none."""
    assert len(records) >= 20
    few = records[:20]
    wrong_key = [Sent(r.topic, b"somebody-else-%d" % n, r.value) for n, r in enumerate(few[:10])]
    bad = [Sent(topics.APP.name, b"k%d" % n, b"nonsense") for n in range(10)]
    return [*records, *few, *wrong_key, *bad]


def over_http(composed: Composed, now_ms: int, requests: int) -> None:
    """Views of a page, one of two bad, as a browser sends them to the gateway of compose."""
    view = {
        "event_name": "page_viewed",
        "occurred_at": from_ms(now_ms).isoformat(),
        "identity": {"anonymous_id": "from-http"},
        "channel": "web",
        "page": {"path": "/"},
    }
    keys = (composed.secrets / "write_keys").read_text().splitlines()
    key = keys[-1].partition("=")[2]
    for number in range(requests):  # the rate of a counter wants to see it grow
        event_id = f"http-{requests}-{number}"
        events = [{**view, "event_id": event_id}, {**view, "event_id": ""}]
        client = HTTPConnection(composed.addresses[GATEWAY], timeout=30)
        headers = {"authorization": f"Bearer {key}"}
        client.request("POST", "/v1/events", json.dumps(events), headers)
        assert client.getresponse().status == HTTPStatus.MULTI_STATUS
        client.close()
        time.sleep(0.5)


def wait_until(reached: Any, composed: Composed) -> None:
    """Poll; fail when a process has ended or time is up."""
    deadline, still_running = time.monotonic() + PATIENCE_S, alive(composed)
    while not reached():
        still_running()
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s"
        time.sleep(0.5)


def alive(composed: Composed) -> Any:
    """A check that every process that should run still does."""

    def check() -> None:
        for process in composed.processes.values():
            process.assert_running()

    return check


def firing(composed: Composed) -> dict[str, list[dict[str, str]]]:
    """The alerts that have reached the Alertmanager, by name."""
    found: dict[str, list[dict[str, str]]] = {}
    for alert in composed.ask(ALERTMANAGER, "/api/v2/alerts"):
        found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
    return found


def test_prometheus_scrapes_every_target_and_knows_the_alertmanager(played: Played) -> None:
    """All of compose and itself; the stopped worker is the only one that is down."""
    answer = played.composed.ask(PROMETHEUS, "/api/v1/targets")["data"]["activeTargets"]
    there = {here: name for name, here in played.composed.addresses.items()}
    health = {there[target["labels"]["instance"]]: target["health"] for target in answer}
    assert health == {
        "worker-1:9100": "up",
        "worker-2:9100": "down",
        "learner:9100": "up",
        "treasury:9100": "up",
        METRICS_OF_GATEWAY: "up",
        DELIVER: "up",
        PROMETHEUS: "up",
    }
    managers = played.composed.ask(PROMETHEUS, "/api/v1/alertmanagers")["data"]
    assert len(managers["activeAlertmanagers"]) == 1


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: f"{panel.name}")
def test_every_panel_shows_something(played: Played, panel: Panel) -> None:
    """The query parses and returns numbers, and they are not all 0.

    A line that is drawn once it is above 0 is asked for without that condition.
    """
    expression = panel.expression.removesuffix(" > 0")
    series = played.composed.query(expression, played.began_s, played.ended_s)
    values = [float(value) for one in series for _, value in one["values"]]
    numbers = [value for value in values if value == value]
    assert numbers, panel.expression
    assert panel.name in MAY_STAY_ZERO or any(numbers), panel.expression


@pytest.mark.parametrize("path", sorted(BOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_every_panel_is_drawn(played: Played, path: Path) -> None:
    """The dashboard as a picture, in `.cache/dashboards/`: a card a panel, none without data."""
    looked_at = Range(played.began_s, played.ended_s, SCRAPE_S)
    prometheus = f"http://{played.composed.addresses[PROMETHEUS]}"
    figure = drawn(board_of(path), asker(prometheus, looked_at), looked_at)
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURES / path.with_suffix(".png").name)
    cards = figure.get_axes()
    empty = {f"{path.stem}: {card.get_label()}" for card in cards if "No data" in words_of(card)}
    assert len(cards) == len([p for p in board_of(path).panels if p.type != "row"])
    assert empty == set()


def words_of(card: Axes) -> list[str]:
    """What is written in a card and in its plot."""
    return [text.get_text() for axes in (card, *card.child_axes) for text in axes.texts]


def test_every_rule_is_evaluated_without_an_error(played: Played) -> None:
    """Prometheus has read all rules that are committed, and their expressions work on real data."""
    groups = played.composed.ask(PROMETHEUS, "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 59
    assert [(r["name"], r["lastError"]) for r in rules if r["health"] != "ok"] == []


def test_only_what_is_wrong_fires(played: Played) -> None:
    """After weeks of a shop where all is well but a worker and a webhook: those two alerts.

    `OffersLate` compares with seconds of the wall clock: on a busy machine it is right as well.
    """
    composed, wrong = played.composed, {"WorkerDown", "WebhooksParked"}
    wait_until(lambda: wrong <= firing(composed).keys(), composed)
    assert firing(composed).keys() - {"OffersLate"} == wrong
    assert [a["instance"] for a in firing(composed)["WorkerDown"]] == [
        composed.addresses["worker-2:9100"]
    ]


def test_the_crm_has_every_alert_but_the_one_it_refused(played: Played) -> None:
    """Signed by the mounted secret, verified by the demo's inbox; none is lost while it is away."""
    assert played.crm.inbox.refused == 0
    assert played.crm.inbox.verified > 0


def test_an_open_breaker_reaches_the_alertmanager(played: Played) -> None:
    """Nothing but bad records: the last worker stops, says so, and its alert arrives."""
    composed, shop = played.composed, played.shop
    shop.send(Sent(topics.APP.name, b"k%d" % n, b"nonsense") for n in range(1_000))
    wait_until(lambda: "BreakerOpen" in firing(composed), composed)
    open_ = firing(composed)["BreakerOpen"]
    assert [(a["severity"], a["instance"]) for a in open_] == [
        ("page", composed.addresses["worker-1:9100"])
    ]
    assert not composed.is_healthy("worker-1")
    assert composed.stop("worker-1") == 1  # the slot ended with 78, not with 0


def test_the_page_of_compose_tells_its_operator_of_every_worker(played: Played) -> None:
    """Whoever has a token of the mounted file logs in; worker-2, which was stopped, is silent."""
    composed = played.composed
    client = HTTPConnection(composed.addresses[GATEWAY], timeout=30)
    client.request("POST", "/login", f"token={OPERATOR}", FORM)
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (HTTPStatus.SEE_OTHER, b"")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    client.request("GET", "/", headers={"cookie": cookie})
    page = client.getresponse().read().decode()
    client.close()
    for worker in ("worker-1:9100", "worker-2:9100", "learner:9100", "treasury:9100"):
        assert composed.addresses[worker] in page


def test_nothing_listens_beyond_this_machine(played: Played) -> None:
    """Every port of this run is bound to 127.0.0.1."""
    ports = {int(a.rpartition(":")[2]) for a in played.composed.addresses.values()}
    assert bound_elsewhere(ports) == []


def bound_elsewhere(ports: set[int]) -> list[str]:
    """The lines of the kernel's tables where one of these ports listens on another address."""
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
    ]
    listening = [fields[1] for fields in lines if fields[3] == "0A"]
    ours = [at for at in listening if int(at.rpartition(":")[2], 16) in ports]
    assert ours
    return [
        at for at in ours if not at.startswith(("0100007F", "0000000000000000FFFF00000100007F"))
    ]
