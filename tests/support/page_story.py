"""A shop in the middle of a day, for the page to show: decided by `process`, counted by a meter."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from streams import topics
from streams.admin.catalogue import Change
from streams.admin.dead_letters import Letter
from streams.contracts.common import Purpose
from streams.contracts.internal.budgets import BudgetTold
from streams.contracts.money import Money
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import ChurnAlert, DeadLetter
from streams.contracts.reference.records import encode_reference_record
from streams.contracts.reference.structs import Offer, Policies
from streams.contracts.times import from_ms
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from tests.support.archived import Sent, archive_of
from tests.support.page_door import WORKERS, PageDoor
from tests.unit.decisions.people import offer, rule, shop

EXAMPLE = (
    Path(__file__).parents[2] / "schemas" / "examples" / "churn_alert" / "valid" / "entered.json"
)
OFFERS = (
    offer("tea-ten-off", value=10.0, margin=5.0, budget=2_000.0),
    offer("breakfast-bundle", margin=3.2, discount=0.4),
    offer("double-points", margin=2.4, discount=0.2, expected_rate=0.16),
    offer("winter-sale", paused=True, expected_rate=0.3),
    offer("store-tasting", channels=("store",)),
)
MONEY = BudgetTold(
    offer_id="tea-ten-off",
    amount="2000.00",
    used="812.50",
    reserved="96.00",
    free="1091.50",
    overdrawn="0.00",
)
TEA_SHOP = shop(*OFFERS, rules=(rule("banner", kind="offer_requested", placement="banner"),))
REASONS = (
    ("bad_timestamp", "$.occurred_at", "has no time zone"),
    ("missing_field", "$.page", "is required"),
    ("bad_timestamp", "$.occurred_at", "is no time"),
)
PEOPLE = ("c-1", "c-2", "c-3", "c-4")
EVENTS = {
    "events.clickstream": "product_viewed",
    "events.app": "screen_viewed",
    "events.purchase": "order_completed",
}
STEPS = 302  # of two seconds each
VERDICTS = {"offer": 4, "nothing_eligible": 9, "min_gap": 3, "no_offer": 2, "holdout": 1}


def a_day(page: PageDoor, steps: int = STEPS) -> None:
    """Ten minutes of events, decisions and offers; a customer's way; churn cases.

    `steps`: for how many of its moments workers told their figures, as only charts ask.
    """
    work(page, steps)
    ask_for_offers(page)
    page.alert(*CASES)
    page.letters = [letter(n) for n in range(7)]
    publish(page, *OFFERS)
    page.shelf.budgets = {MONEY.offer_id: MONEY}


def archive_of_the_day(page: PageDoor, root: Path) -> None:
    """What an archive keeps of these events, and of an earlier consent to them."""
    engine = page.door.engine
    agreed = [(engine.now_ms - 86_400_000, "key", consent_of(who)) for who in (*PEOPLE, "c-1")]
    sent = {topic.name: list[Sent]() for topic in topics.INPUTS}
    for number, record in enumerate(engine.records):
        if record.topic in sent and record.value:
            sent[record.topic].append((engine.now_ms + number, "key", record.value))
    sent[topics.PROFILE.name][:0] = agreed
    archive_of(root, {topic: sent[topic.name] for topic in topics.INPUTS})


def consent_of(person: str) -> bytes:
    """Somebody agrees to everything."""
    purposes = dict.fromkeys(get_args(Purpose), "granted")
    said = {
        "event_id": f"consent-{person}",
        "event_name": "consent_updated",
        "occurred_at": "2026-05-30T08:00:00+00:00",
        "identity": {"customer_id": person},
        "channel": "web",
        "purposes": purposes,
    }
    return msgspec.json.encode(said)


def euros(amount: str) -> Money:
    """An amount."""
    return Money(amount=amount, currency="EUR")


def told_case(number: int, **fields: Any) -> ChurnAlert:
    """An alert that enters a case."""
    made = msgspec.json.decode(EXAMPLE.read_bytes(), type=ChurnAlert)
    at = made.raised_at + timedelta(days=79, hours=number)
    texts = {
        "en": "Usually buys every 19 days, and did not for 40.",
        "ja": "通常19日ごとに購入しますが、40日間購入がありません。",
        "zh": "通常每19天购买一次，已有40天未购买。",
    }
    named = {"alert_id": f"a-{number}", "case_id": f"case-{number}", "text": texts}
    return replace(made, **{**named, "customer_id": f"c-{number}", "raised_at": at, **fields})


CASES = (
    told_case(1, risk=0.82, risk_band="high", value_at_risk=euros("214.00")),
    told_case(2, risk=0.62, value_at_risk=euros("380.50")),
    told_case(2, alert_id="a-2b", transition="escalated", risk=0.78, risk_band="high",
              raised_at=told_case(30).raised_at, value_at_risk=euros("372.00")),
    told_case(3, risk=0.57, recommended=None, value_at_risk=euros("96.20")),
    told_case(4),
    told_case(4, alert_id="a-4b", transition="resolved", resolved_by="bought",
              raised_at=told_case(40).raised_at, recommended=None),
)  # fmt: skip


def publish(page: PageDoor, *offers: Offer) -> None:
    """Offers, and the rule that asks for them, each a version."""
    policies = Policies(triggers=(rule("banner", kind="offer_requested", placement="banner"),))
    records: list[Offer | Policies] = [policies, *offers]
    for record in records:
        topic, key, value = encode_reference_record(record)
        before = page.shelf.there.get(topic, {}).get(key.decode())
        change = Change(topic, key.decode(), before, value)
        page.shelf.commit([change], f"published shop/ ({change.key})")


def letter(number: int) -> Letter:
    """A record that could not be read."""
    reason, path, detail = REASONS[number % len(REASONS)]
    facts = DeadLetter(
        reason=reason,
        path=path,
        detail=detail,
        source_topic=topics.CLICKSTREAM.name if number % 2 else topics.PURCHASE.name,
        source_partition=number % 4,
        source_offset=4_000 + number,
        attempt=1,
    )
    value = b'{"event_name":"product_viewed","occurred_at":"yesterday","secret":"jane@example.com"}'
    return Letter(f"{number % 4}@{17 + number}", 1_780_315_200_000 + number, facts, b"k", value, [])


def hostile_letter(hostile: str) -> Letter:
    """One whose field names, and the value that was refused, somebody chose."""
    facts = replace(letter(0).facts, path=f"$.{hostile}", detail=f"is no {hostile}")
    return replace(letter(0), letter_id="9@99", facts=facts)


def hostile_records(person: str, hostile: str) -> list[OutputMessage]:
    """What stands on the topics also where a worker refuses it: markup in every field."""
    told = {
        "event_id": f"{person}-hostile",
        "occurred_at": "2026-06-01T10:00:00+00:00",
        "event_name": hostile,
        "product": {"product_id": hostile, "name": hostile},
        "query": {"text": hostile},
        "page": {"path": hostile},
        "traits": {hostile: hostile},
        "order_id": hostile,
        "offer_id": hostile,
        "store_id": hostile,
        "identity": {"customer_id": person},
    }
    wanted = (topics.CLICKSTREAM, topics.APP, topics.PURCHASE, topics.PROFILE)
    return [OutputMessage(topic.name, None, msgspec.json.encode(told)) for topic in wanted]


def walk(page: PageDoor, person: str, hostile: str = "") -> None:
    """A customer looks at things, searches, buys; `hostile` goes wherever they can write."""
    engine = page.door.engine
    engine.now_ms += 60_000
    at = from_ms(engine.now_ms).isoformat()
    common = {
        "occurred_at": at,
        "identity": {"customer_id": person, "anonymous_id": f"{person}-web"},
    }
    product = {
        "product_id": "sku-7",
        "category": "tea",
        "name": f"Darjeeling First Flush {hostile}".strip(),
    }
    web = {"page": {"path": f"/tea/{hostile}"}}
    said: list[tuple[topics.Topic, str, dict[str, Any]]] = [
        (topics.CLICKSTREAM, "page_viewed", web),
        (topics.CLICKSTREAM, "product_viewed", {"product": product, **web}),
        (topics.CLICKSTREAM, "products_searched",
         {"query": {"text": f"green tea {hostile}".strip(), "results_count": 12}, **web}),
        (topics.PROFILE, "profile_updated",
         {"op": "set", "traits": {"favorite": hostile or "tea"}}),
        (topics.PURCHASE, "order_completed",
         {"order_id": f"o-{person}", "total": {"amount": "24.80", "currency": "EUR"},
          "items": [{"product_id": "sku-7", "quantity": 2, "unit_price": 12.4}]}),
    ]  # fmt: skip
    for number, (topic, name, more) in enumerate(said):
        page.door.engine.say(
            topic,
            {
                "event_id": f"{person}-{number}-{engine.now_ms}",
                "event_name": name,
                **common,
                **more,
            },
        )


def work(page: PageDoor, steps: int) -> None:
    """What two workers count meanwhile."""
    draws, meters = random.Random(7), [Meter(), Meter()]
    for meter in meters:
        meter.count(metrics.READY)
        meter.set(metrics.PARTITIONS, value=2)
        meter.set(metrics.ROWS, value=draws.randint(900, 1_100))
        compare(meter)
    for step in range(steps):
        for address, meter in zip(WORKERS, meters, strict=True):
            busy(meter, draws, wave=1 + 0.5 * ((step // 40) % 2))
            page.seen(meter, address)
        page.tick()


def compare(meter: Meter) -> None:
    """What a worker tells of the experiment."""
    for arm, people in (("policy", 4_210), ("uniform", 528), ("holdout", 531)):
        meter.set(metrics.WINDOWS, arm, value=people)
    for pair, estimates in {
        "policy_holdout": (0.412, 0.133, 0.691),
        "policy_uniform": (0.118, -0.09, 0.326),
    }.items():
        for name, value in zip(("value", "low", "high"), estimates, strict=True):
            meter.set(metrics.INCREMENTAL, pair, name, value=value)
            meter.set(metrics.OFFER_INCREMENTAL, "tea-ten-off", name, value=value / 2)


def busy(meter: Meter, draws: random.Random, wave: float) -> None:
    """Two seconds of one worker."""
    for topic, event in EVENTS.items():
        meter.count(metrics.EVENTS, topic, event, value=int(draws.gauss(20 * wave, 4)))
    for verdict, weight in VERDICTS.items():
        count = sum(draws.random() < weight / 12 for _ in range(3))
        meter.count(metrics.DECISIONS, "product_viewed", verdict, "policy", value=count)
        if verdict == "offer" and count:
            meter.count(metrics.OFFERS, "policy", "app", value=count)
            meter.observe(metrics.EVENT_TO_OFFER, value=draws.uniform(0.01, 0.06))
    meter.set(metrics.LAG, "events.clickstream", value=draws.randint(0, 9))


def ask_for_offers(page: PageDoor) -> None:
    """Offers that were asked for and made."""
    for person in PEOPLE:
        page.door.engine.now_ms += 17_000
        page.knows(person)
        walk(page, person)
        page.ask_for_an_offer(person)
