"""What became of an offer is an event that the worker reads; and when an offer may go out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import topics
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import OfferFeedback
from streams.contracts.inputs.rules import InputRules
from streams.delivery.destinations import Destination
from streams.delivery.feedback import Readiness, feedback_of, readiness_of
from streams.delivery.webhooks import Webhook

OFFER = Path(__file__).parents[3] / "schemas/examples/next_best_offer/valid/app_banner.json"
DECIDED_S = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC).timestamp()
NOW_MS = round(DECIDED_S * 1000) + 60_000


def webhook(topic: str = "next-best-offers") -> Webhook:
    """The example's offer, on its topic."""
    return Webhook(
        webhook_id="msg_1",
        topic=topic,
        place=(topic, 0),
        offset=0,
        at_ms=round(DECIDED_S * 1000),
        key=b"c-1001",
        value=OFFER.read_bytes(),
        headers=(),
        origin=(topic, 0, 0),
    )


@pytest.mark.parametrize("name", ["offer_delivered", "delivery_failed"])
def test_the_worker_reads_what_we_tell(name: Any) -> None:
    """Decoded by the worker's own reader: the decision, the offer, who reports; under its key."""
    message = feedback_of(webhook(), "crm", name)
    assert message is not None
    assert (message.topic, message.key) == ("events.offer-feedback", b"c-1001")
    event = decode(message.topic, message.value, (), InputRules(now_ms=NOW_MS))
    assert isinstance(event, OfferFeedback)
    assert (event.event_name, event.reporter, event.offer_id) == (name, "crm", "ten-off")
    assert event.decision_id == "d_5excaqjal6foab7exbzvmwem34"


def test_the_same_is_told_to_the_byte_the_same() -> None:
    """So a second telling after a crash is no conflict; other destinations and fates differ."""
    told = [
        feedback_of(webhook(), "crm", "offer_delivered"),
        feedback_of(webhook(), "crm", "offer_delivered"),
        feedback_of(webhook(), "mail", "offer_delivered"),
        feedback_of(webhook(), "crm", "delivery_failed"),
    ]
    assert told[0] == told[1]
    ids = {msgspec.json.decode(one.value or b"")["event_id"] for one in told if one is not None}
    assert len(ids) == 3


def test_an_alert_is_no_offer() -> None:
    """Nothing is told of what has no decision."""
    assert feedback_of(webhook(topics.CHURN_ALERTS.name), "crm", "offer_delivered") is None


CASES = [
    ({}, {}, 0.0, Readiness()),
    ({"max_age_s": 60.0}, {}, 61.0, Readiness(over=True)),
    ({"max_age_s": 60.0}, {}, 59.0, Readiness()),
    ({}, {"deliver_not_before": "2026-03-14T09:27:53.589Z"}, 0.0, Readiness(wait_s=60.0)),
    ({}, {"deliver_not_before": "2026-03-14T09:27:53.589Z"}, 61.0, Readiness()),
    ({}, {}, 3_601.0, Readiness()),
    ({"reports_delivery": True}, {}, 3_601.0, Readiness(over=True)),
    ({"reports_delivery": True}, {}, 3_599.0, Readiness()),
    ({}, {"deliver_not_before": "soon"}, 0.0, Readiness()),
]


@pytest.mark.parametrize(("wanted", "differs", "later_s", "ready"), CASES)
def test_an_offer_waits_for_its_hour_and_is_not_sent_when_it_is_over(
    wanted: dict[str, Any], differs: dict[str, Any], later_s: float, ready: Readiness
) -> None:
    """Quiet hours hold; what is over goes only where it is a copy."""
    to = Destination(url="https://crm.example/", topics=("next-best-offers",), **wanted)
    data = {**msgspec.json.decode(OFFER.read_bytes()), **differs}
    found = readiness_of(webhook(), data, to, DECIDED_S + later_s)
    assert found.over is ready.over
    assert found.wait_s == pytest.approx(ready.wait_s, abs=0.01)
