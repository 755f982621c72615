"""Poison is rejected with the right reason and path, and never quoted."""

import pytest

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from tests.contract.poison import GOOD, ORDER, POISON, Poison, _with

NOW_MS = 1_790_000_000_000
RULES = InputRules(now_ms=NOW_MS)


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.name)
def test_poison_gets_its_reason_and_its_path(poison: Poison) -> None:
    """Every bad record is rejected with the reason and the path that its maker wrote down."""
    rejected = decode(poison.topic, poison.value, poison.headers, RULES)
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.path) == (poison.reason, poison.path)


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.name)
def test_a_rejection_repeats_nothing_of_the_record(poison: Poison) -> None:
    """Neither path nor hint holds an e-mail address, a phone number or a value of the record."""
    rejected = decode(poison.topic, poison.value, poison.headers, RULES)
    assert isinstance(rejected, Rejected)
    for secret in ("jane", "example.com", "1234", "hacked", "noon", "fax", "mind_reading"):
        assert secret not in rejected.path + rejected.detail
    assert len(rejected.detail) < 200


def test_there_are_at_least_45_and_their_names_are_different() -> None:
    """The collection is as large as the design asks, and each can be told apart in a report."""
    assert len(POISON) >= 45
    assert len({poison.name for poison in POISON}) == len(POISON)


def test_what_the_poison_was_made_of_is_accepted() -> None:
    """The events that the poison was made from are good, so it is the change that is rejected."""
    assert not isinstance(decode("events.clickstream", _with(), (), RULES), Rejected)
    assert not isinstance(decode("events.purchase", _with(ORDER), (), RULES), Rejected)
    assert GOOD["event_name"] == "product_viewed"
