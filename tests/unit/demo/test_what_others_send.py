"""Whatever a gateway takes, and whatever is published, the demo goes on and counts it."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import DAY_MS
from streams.decisions import compile_policy
from streams.demo.pace import Pace
from streams.demo.page.seen import Seen
from streams.demo.play import Play
from streams.demo.reader import Arrived
from streams.demo.scoreboard import Scoreboard
from streams.settings import Settings
from streams.simulator.market import Market
from streams.simulator.scoring import true_rates
from streams.simulator.stories import Received
from streams.simulator.story import story

START_MS = 1_735_689_600_000
INPUT_NAMES = [topic.name for topic in topics.INPUTS]
EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
EDDYSTONE = {
    "standard": "eddystone_uid",
    "namespace": "00112233445566778899",
    "instance": "001122334455",
}


PRODUCT = {"product_id": "p", "category": "tea"}


class Came:
    """A reader to whom this has come."""

    lag = processed = 0

    def __init__(self, *records: Arrived) -> None:
        self._records = records

    def arrived(self) -> tuple[Arrived, ...]:
        """All of it."""
        return self._records


def event(name: str, channel: str, **more: Any) -> dict[str, Any]:
    """An event of the story's second day."""
    return {
        "event_id": f"e-{name}",
        "event_name": name,
        "occurred_at": "2025-01-02T00:00:00Z",
        "identity": {"customer_id": "visitor-x"},
        "channel": channel,
        **more,
    }


def sighted(beacon: dict[str, Any]) -> bytes:
    """A phone has heard a beacon."""
    return msgspec.json.encode(
        event("beacon_sighted", "app", beacon=beacon, observation="sighting")
    )


def market() -> Market:
    """A small one."""
    return Market(story(), 3, 10.0, START_MS, seed=1)


def played(*records: Arrived) -> tuple[Play, Seen]:
    """A play to which the records came, and what was seen of them."""
    seen, pace = Seen(compile_policy(story())), Pace(START_MS, START_MS + 10 * DAY_MS, 60.0)
    reader: Any = Came(*records)
    play = Play(market(), Settings(), reader, Scoreboard(), pace)
    play.watch = seen.take
    play._take_in()
    return play, seen


@pytest.mark.parametrize("key", [b"visitor-x", b"s00001"])
@pytest.mark.parametrize("value", [sighted(EDDYSTONE), b"{", b"[]", b'{"event_id": 7}'])
def test_any_beacon_and_any_bad_event_is_counted(key: bytes, value: bytes) -> None:
    """A beacon without `major`, or no event at all: kept for the auditor, told of to nobody."""
    play, seen = played(Arrived(topics.BEACON.name, key, value, 0.0))
    assert (play.board.sent, play.board.from_others, len(play.came)) == (1, 1, 1)
    assert (seen.dots(), list(seen.visit("visitor-x").told)) == ([], [])


def test_a_cloud_event_of_either_kind_is_told_of() -> None:
    """As it stands in its envelope; the auditor gets it as it came, with its headers."""
    consent = event("consent_updated", "web", purposes={"profiling": True})
    viewed = event("product_viewed", "web", page={"path": "/"}, product=PRODUCT)
    about = {"id": "ce-1", "source": "/shop", "type": "product_viewed", "specversion": "1.0"}
    headers = (("content-type", b"application/cloudevents+json"),)
    came = [
        Arrived(topics.PROFILE.name, b"visitor-x", msgspec.json.encode(consent), 0.0, (), 1),
        Arrived(
            topics.CLICKSTREAM.name,
            b"visitor-x",
            msgspec.json.encode({**about, "data": viewed}),
            0.0,
            headers,
            2,
        ),
    ]
    play, seen = played(*came)
    told = seen.visit("visitor-x").told
    assert [(one.what, one.products) for one in told] == [
        ("consent_updated", ()),
        ("product_viewed", ("p",)),
    ]
    assert [(one.value, one.headers) for one in play.came] == [(r.value, r.headers) for r in came]


def test_the_auditor_gets_inputs_in_the_order_in_which_they_were_sent() -> None:
    """A reader is handed the topics in any order: a question came before the denial behind it."""
    asked = Arrived(topics.QUESTIONS.name, b"x", b"asked", 0.0, (), 1_000)
    denied = Arrived(topics.PROFILE.name, b"x", b"denied", 0.0, (), 1_003)
    again = Arrived(topics.QUESTIONS.name, b"x", b"again", 0.0, (), 1_003)
    expected = sorted([denied, again], key=lambda one: INPUT_NAMES.index(one.topic))
    for order in permutations([asked, denied]):
        play, _ = played(*order, again)
        assert [one.value for one in play.came] == [one.value for one in (asked, *expected)]


def test_an_offer_that_was_published_since_is_answered_by_nobody() -> None:
    """And the truth about a decision where it was possible is not known."""
    people = market()
    customer = people.customer_ids[0]
    people.receive(
        Received("d-1", customer, "new-offer", datetime(2026, 1, 1, tzinfo=UTC), "policy"),
        START_MS + DAY_MS,
    )
    assert people.answers == []
    paths = sorted((EXAMPLES / "decision_log" / "valid").glob("*.json"))
    entries = [msgspec.json.decode(path.read_bytes(), type=DecisionLog) for path in paths]
    entry = next(one for one in entries if one.verdict == "offer")
    assert true_rates(replace(entry, customer_id=customer), people) is None
