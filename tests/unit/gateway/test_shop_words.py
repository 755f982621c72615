"""What a shop's policies say of ids counts at the gateway as it does in the worker."""

import msgspec

from streams.contracts.reference.structs import IdentityRules, Policies
from tests.support.gateway_door import Door
from tests.unit.gateway.test_answers import VIEW


def test_the_shops_own_words_for_nobody_are_no_ids() -> None:
    """As in the worker: rejected where no other id is there, else under that one; live."""
    door = Door()
    guest = {**VIEW, "identity": {"customer_id": "Guest"}}
    both = {**VIEW, "identity": {"customer_id": "Guest", "anonymous_id": "a-1"}}
    assert door.post("/v1/events", guest).status_code == 202
    policies = Policies(identity=IdentityRules(placeholders=("guest",)))
    door.shop_words.take(b"policies", msgspec.json.encode(policies))
    door.shop_words.take(b"policies", b"{")  # the last good one stays
    assert door.post("/v1/events", both).status_code == 202
    assert door.kafka.records[-1].key == b"a-1"
    answer = door.post("/v1/events", guest)
    (rejected,) = answer.json()["rejected"]
    assert (answer.status_code, rejected["reason"]) == (400, "no_identity")
    door.shop_words.take(b"policies", None)
    assert door.post("/v1/events", guest).status_code == 202


def test_the_placements_are_those_where_offers_are_asked_for() -> None:
    """Each once, of rules that are on; live."""
    words = Door().shop_words
    asked = {"kind": "offer_requested", "channel": "web"}
    rules = [
        {**asked, "rule_id": "r-1", "placement": "home"},
        {**asked, "rule_id": "r-2", "placement": "banner"},
        {**asked, "rule_id": "r-3", "placement": "home"},
        {**asked, "rule_id": "r-4", "placement": "old", "enabled": False},
        {"rule_id": "r-5", "kind": "order_completed", "channel": "app", "placement": "receipt"},
    ]
    words.take(b"policies", msgspec.json.encode({"triggers": rules}))
    assert words.placements == ("banner", "home")
    words.take(b"policies", None)
    assert not words.placements


def test_the_currency_is_the_shops_own() -> None:
    """None is told as long as no policies say one."""
    words = Door().shop_words
    said = [words.currency]
    for policies in (msgspec.json.encode({"currency": "JPY"}), b"{", None):
        words.take(b"policies", policies)
        said.append(words.currency)
    assert said == ["", "JPY", "JPY", ""]
