"""Decisions come out to the same bits under every version of Python, whose sums differ."""

import builtins
import math
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.reference.structs import Arbitration
from streams.contracts.sums import sum_of
from streams.customer.row import Affinity, Contact
from streams.decisions import Basis, Policy, decide, redecide
from streams.models import ResponseModel
from tests.unit.decisions.people import T0, offer, request, shop, someone

SEED, DECISIONS, OFFERS = 8, 60, 12
PLAIN = builtins.sum


def compensated(numbers: Iterable[Any], start: Any = 0) -> Any:
    """`sum` as Python 3.12 and later have it, near enough: floats without loss by rounding."""
    told = list(numbers)
    if any(isinstance(x, float) for x in told):
        return math.fsum([start, *told])
    return PLAIN(told, start)


def a_shop() -> Policy:
    """Offers of odd prices, each with a holdout of half of the people."""
    draw = np.random.default_rng(SEED)
    offers = [
        offer(f"o-{n}", margin=float(draw.uniform(1, 9)), holdout_share=0.5) for n in range(OFFERS)
    ]
    return shop(*offers, chooser="policy", arbitration=Arbitration(epsilon=0.1))


def entries() -> list[bytes]:
    """Records of decisions about people with interests and contacts of odd sizes, and again."""
    policy, draw, model = a_shop(), np.random.default_rng(SEED), ResponseModel()
    told = list[bytes]()
    for number in range(DECISIONS):
        interests = tuple(
            Affinity(f"c-{n}", float(draw.uniform(0, 5)), T0 - n * 1_000_003) for n in range(9)
        )
        contacts = tuple(
            Contact(T0 - int(draw.integers(1, 10**9)), f"o-{n}", "app", f"d-{n}") for n in range(6)
        )
        person = replace(
            someone(), customer_id=f"c-{number}", affinities=interests, contacts=contacts
        )
        _, effects = decide(person, request(number), T0, Basis(model, policy))
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        assert redecide(entry, model, policy) == entry
        told.append(msgspec.json.encode(entry))
    return told


def test_what_is_decided_and_logged_does_not_hang_on_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same bytes with the `sum` of Python 3.11, and with one that makes up for rounding."""
    print(f"seed {SEED}")
    ours = entries()
    monkeypatch.setattr(builtins, "sum", compensated)
    assert sum([0.1] * 10) == 1.0
    assert entries() == ours


def test_numbers_are_added_up_one_after_the_other() -> None:
    """As `sum` of Python 3.11 did, to the bit; whole numbers stay whole."""
    print(f"seed {SEED}")
    numbers = np.random.default_rng(SEED).normal(0.0, 1e3, 1_000).tolist()
    assert sum_of(numbers) == float(np.cumsum(numbers)[-1])
    assert (sum_of([]), sum_of([1, 2])) == (0, 3)
