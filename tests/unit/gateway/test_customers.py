"""A server is told what is known of a person; nothing changes, and it is logged who asked."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from streams.contracts.common import Identity, LifecycleStage, Money
from streams.contracts.inputs.events import Purchase
from streams.contracts.outputs.effects import EventRefused
from streams.contracts.reference.structs import ExchangeRate, Policies, Reference
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import Customer
from streams.decisions import compile_policy
from streams.decisions.telling import facts_of
from streams.driver import Driver
from streams.models import initial_models
from tests.support.asking import KEY, QUESTION, SERVER_KEY, Door
from tests.unit.decisions.people import T0, someone


@pytest.fixture
def door() -> Iterator[Door]:
    """A new one."""
    made = Door()
    with made.client:
        yield made


def ask(door: Door, path: str, key: str = SERVER_KEY) -> Any:
    """An answer."""
    return door.client.get(f"/v1/customers/{path}", headers={"authorization": f"Bearer {key}"})


def test_a_server_is_told_in_json_and_in_words(door: Door) -> None:
    """Consent, contacts, caps; the same in sentences; the row is the very same after it."""
    decided = door.post(QUESTION).json()["decision_id"]
    row = door.engine.rows["c-1"]
    told = ask(door, "c-1").json()
    assert door.engine.rows["c-1"] is row
    assert [c["decision_id"] for c in told["customer"]["contacts"]] == [decided]
    words = "\n".join(told["words"])
    assert "consent to personalization: granted (they last spoke of it 20" in words
    assert f"({decided})" in words
    assert "messages that the caps still allow now: 29" in words
    assert told["would_decide"] is None


def test_what_was_spent_is_told_with_its_currency(door: Door) -> None:
    """The shop's, to which orders in others were converted."""
    policy = door.engine.reference
    yen = replace(policy.policies, currency="JPY")
    for reference, currency in ((policy, "EUR"), (replace(policy, policies=yen), "JPY")):
        door.engine.reference = reference
        told = ask(door, "c-1").json()
        spent = told["customer"]["spend_total"]
        assert told["customer"]["spend_currency"] == currency
        assert f"{spent:.2f} {currency} in all" in "\n".join(told["words"])


def test_an_order_in_another_currency_is_told_in_the_shops() -> None:
    """10,000 yen are 62 euros at the rate of their day; without a rate they are not in it."""
    rate = ExchangeRate(currency="JPY", from_=from_ms(T0 - DAY_MS), rate=0.0062)
    for rates, spent, refused in (((rate,), 82.0, 0), ((), 20.0, 1)):
        shop = Reference(policies=Policies(exchange_rates=rates))
        driver = Driver(compile_policy(shop), initial_models())
        effects = [
            effect
            for number, (amount, currency) in enumerate((("20", "EUR"), ("10000", "JPY")))
            for effect in driver.handle(bought(number, Money(amount=amount, currency=currency)))
        ]
        row = driver.rows["c-9"]
        assert isinstance(row, Customer)
        facts = facts_of(row, T0, driver.policy)
        assert (facts.spend_total, facts.spend_currency) == (spent, "EUR")
        assert len([e for e in effects if isinstance(e, EventRefused)]) == refused


def bought(number: int, total: Money) -> Purchase:
    """Somebody's order."""
    return Purchase(
        event_id=f"e-{number}",
        event_name="order_completed",
        occurred_at=from_ms(T0 + number),
        identity=Identity(customer_id="c-9"),
        channel="web",
        order_id=f"o-{number}",
        total=total,
        items=(),
    )


@pytest.mark.parametrize(("stage", "told"), [("new", "not yet"), ("active", "72%")])
def test_who_has_hardly_bought_has_no_risk_of_leaving(
    door: Door, stage: LifecycleStage, told: str
) -> None:
    """The model says a number of everybody; of stage `new` nobody is a case of churn."""
    person = someone()
    churn = replace(person.churn, risk=0.72, stage=stage)
    door.engine.rows["c-1"] = replace(person, churn=churn)
    (said,) = [line for line in ask(door, "c-1").json()["words"] if "risk of leaving" in line]
    assert told in said


def test_what_would_be_decided_is_told_and_not_decided(door: Door) -> None:
    """Asked as often as one likes, no offer goes out and no cap is touched."""
    for _ in range(3):
        would = ask(door, "c-1?decide=banner").json()["would_decide"]
        assert (would["verdict"], would["chosen_offer_id"]) == ("offer", "tea")
    assert [r.topic for r in door.engine.records] == ["questions"] * 3
    assert ask(door, "c-1?decide=nowhere").json()["reason_codes"] == ["no_rule"]


def test_only_a_server_asks_about_people(door: Door) -> None:
    """Not a page's key, and not the person's own token."""
    assert ask(door, "c-1", KEY).status_code == 403
    assert ask(door, "c-1", door.token("c-1")).status_code == 403
    assert ask(door, "c-1", "").status_code == 401
    assert door.engine.records == []


def test_it_is_logged_who_asked_and_not_about_whom(door: Door) -> None:
    """By the name of the key; the topic's record says it as well."""
    with capture_logs() as logs:
        ask(door, "c-1")
    assert logs == [
        {"event": "customer_asked_about", "log_level": "info", "by": "till", "decide": False}
    ]
    assert b'"asked_by":"till"' in (door.engine.records[0].value or b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nobody", 404),
        ("a%20b", 400),
        ("%2e%2e%2fx", 404),
        ("c-1?decide=a%20b", 400),
        ("c-1?decisions=99", 400),
        ("c-1?decisions=x", 400),
    ],
)
def test_what_cannot_be_answered_says_why(door: Door, path: str, status: int) -> None:
    """A problem with a code; what is wrong in the address is named as it is written there."""
    answer = ask(door, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    if status == 400:
        name = path.rpartition("?")[2].partition("=")[0] if "?" in path else "customer_id"
        assert answer.json()["detail"].startswith(f"`{name}` of the address: m")
