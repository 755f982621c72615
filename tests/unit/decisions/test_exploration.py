"""How often the draw falls where, by mode."""

import math
from collections import Counter

import pytest

from streams.contracts.internal.learning import examples_of
from streams.contracts.outputs.candidates import columns_of
from streams.contracts.outputs.payloads import Terms
from streams.contracts.reference.structs import Arbitration, Arm
from streams.decisions.exploration import Exploring, draw, exploring_of

POLICY = Arm(name="policy", share=1.0, chooser="policy")


def terms(priority: float, value: float = 1.0, response_probability: float = 0.5) -> Terms:
    """The terms of an offer."""
    return Terms(
        response_probability=response_probability,
        value=value,
        cost=0.0,
        lever=0.0,
        fatigue=0.0,
        priority=priority,
    )


def test_inverse_gap_weighting_by_hand() -> None:
    """Three actions, gaps .1 and .2, gamma 1000 * sqrt(3 + 1): 1 / (3 + 200), 1 / (3 + 400)."""
    told = draw("d-1", [0.2, 0.1], POLICY, Exploring("inverse_gap", 0.003, 1.0, 3))
    second, none = 0.997 / 203 + 0.001, 0.997 / 403 + 0.001
    assert told.probabilities == pytest.approx((1 - second - none, second))
    assert told.no_offer == pytest.approx(none)


def test_money_does_not_change_how_much_is_explored() -> None:
    """A shop that counts in yen explores as the one that counts in dollars."""
    dollars = [terms(0.3, 0.4), terms(0.2, 0.3), terms(-0.1, 0.2)]
    yen = [terms(150 * t.priority, 150 * t.value) for t in dollars]
    told = [
        draw(
            "d",
            [t.priority for t in of],
            POLICY,
            exploring_of(Arbitration(), columns_of(of), "response-40"),
        )
        for of in (dollars, yen)
    ]
    assert told[0].probabilities == pytest.approx(told[1].probabilities)
    assert told[0].no_offer == pytest.approx(told[1].no_offer)


def test_who_has_learned_more_explores_less() -> None:
    """The version's name says how much; one that names no number has learned nothing."""
    of = columns_of([terms(0.3), terms(0.2)])
    best = [
        draw("d", [0.3, 0.2], POLICY, exploring_of(Arbitration(), of, version)).probabilities[0]
        for version in ("cold-start", "response-200", "response-20000")
    ]
    assert best == sorted(best)
    assert len(set(best)) == 3
    assert (examples_of("cold-start"), examples_of("response-200"), examples_of("")) == (0, 200, 0)


@pytest.mark.parametrize("mode", ["inverse_gap", "epsilon"])
def test_equal_offers_and_worthless_ones(mode: str) -> None:
    """The first of equals is the best, and no offer where none is worth more than nothing."""
    exploring = Exploring("epsilon" if mode == "epsilon" else "inverse_gap", 0.01)
    equal = draw("d", [0.5, 0.5], POLICY, exploring)
    assert equal.probabilities[0] >= equal.probabilities[1]
    worthless = draw("d", [0.0, -1.0], POLICY, exploring)
    assert worthless.no_offer > max(worthless.probabilities)


@pytest.mark.parametrize("mode", ["inverse_gap", "epsilon"])
def test_what_is_logged_is_how_often_it_is_drawn(mode: str) -> None:
    """Over 20,000 decisions every action comes as often as its probability says, within 4 sigma."""
    exploring = Exploring("epsilon" if mode == "epsilon" else "inverse_gap", 0.2, 100.0)
    counts = Counter(
        draw(f"d-{n}", [0.6, 0.5, 0.1], POLICY, exploring).index for n in range(20_000)
    )
    told = draw("d-0", [0.6, 0.5, 0.1], POLICY, exploring)
    for action, p in [*enumerate(told.probabilities), (None, told.no_offer)]:
        assert abs(counts[action] / 20_000 - p) < 4 * math.sqrt(p * (1 - p) / 20_000)
