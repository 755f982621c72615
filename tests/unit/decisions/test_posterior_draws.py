"""Draws from the posterior: shares that follow from the decision's id and what is not known."""

from statistics import NormalDist, fmean
from typing import Never

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.outputs.terms import Doubt
from streams.contracts.reference.structs import Arbitration, ChallengerPolicy
from streams.decisions import Basis, Policy, decide, redecide
from streams.decisions.posterior_draws import DRAWS, WIDTH, Posterior, normals, win_shares
from streams.models import ResponseModel
from streams.models.response import ResponseLearner
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone
from tests.unit.models.test_response_model import trained

THOMPSON = Arbitration(exploration="thompson", epsilon=0.04)
OFFERS = (offer("a", expected_rate=0.1), offer("b", expected_rate=0.11), offer("c"))
FIRST = [0.176859, 1.259739, 0.829216]
RIVAL = Fixed("challenger-400")


def posterior(shared: float, own: float) -> Posterior:
    """Of two offers that are used with .5 and .55; both share one number alike."""
    doubt = Doubt(shared=(shared,), own=(own, own))
    return Posterior(np.array([0.5, 0.55]), np.ones(2), np.ones((2, 1)), doubt)


def test_the_better_one_wins_as_often_as_its_lead_is_true() -> None:
    """Over 400 decisions the mean share is the normal probability of a lead of log(.55 / .45)."""
    told = [win_shares(f"d-{n}", [0.5, 0.55], posterior(2.0, 1.0)) for n in range(400)]
    lead = np.log(0.55 / 0.45) / (WIDTH * 2**0.5)
    right = NormalDist().cdf(float(lead))
    assert fmean(shares[1] for shares, _ in told) == pytest.approx(right, abs=0.01)
    assert all(none == 0.0 for _, none in told)


def test_what_is_shared_alike_never_changes_the_order() -> None:
    """However little is known of both together."""
    shares, none = win_shares("d", [0.5, 0.55], posterior(9.0, 0.0))
    assert (shares, none) == ([0.0, 1.0], 0.0)


def test_no_offer_wins_where_none_is_worth_its_cost() -> None:
    """Offers that cost .5 more than a use of .55 or less brings are the best in few draws."""
    shares, none = win_shares("d", [-0.1, -0.05], posterior(1.0, 1.0))
    assert 0.0 < sum(shares) < none < 1.0
    assert sum(shares) + none == pytest.approx(1.0)


def test_the_numbers_are_the_same_on_every_machine() -> None:
    """Quantiles by SHAKE128, so these are the first of `d-1` for good; and they are normal."""
    assert normals("d-1", 3).round(6).tolist() == FIRST
    many = normals("d-2", 50_000)
    assert abs(many.mean()) < 0.02
    assert abs(many.std() - 1.0) < 0.02


def entry_of(
    policy: Policy,
    number: int,
    challenger: Fixed | None = None,
    model: ResponseModel = ResponseModel(),  # noqa: B008 - it is frozen
) -> DecisionLog:
    """The record of one decision, read back from its bytes."""
    basis = Basis(model, policy, challenger=challenger)
    _, effects = decide(someone(), request(number), T0, basis)
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    return msgspec.json.decode(msgspec.json.encode(entry), type=DecisionLog)


@pytest.mark.parametrize("chooser", ["policy", "uniform"])
def test_a_decision_is_made_again_to_the_byte(chooser: str) -> None:
    """From the record and both snapshots, also of a challenger that draws so; shares have a floor.

    An arm that draws all alike says how sure the model was as well.
    """
    rules = replace(THOMPSON, challenger=ChallengerPolicy(exploration="thompson", epsilon=0.4))
    held = replace(OFFERS[0], holdout_share=0.5)
    policy = shop(held, *OFFERS[1:], chooser=chooser, arbitration=rules)
    seen = set()
    for number in range(40):
        entry = entry_of(policy, number, RIVAL)
        assert entry.challenger is not None
        assert entry.doubt is not None
        assert len(entry.doubt.own) == 3
        spoilt = replace(
            entry,
            doubt=None,
            action_probability=0.5,
            challenger=replace(entry.challenger, probabilities=()),
        )
        again = redecide(spoilt, ResponseModel(), policy, challenger=RIVAL)
        assert msgspec.json.encode(again) == msgspec.json.encode(entry)
        assert min(entry.challenger.probabilities[1:]) > 0.09
        seen.add(entry.chosen_offer_id)
    assert len(seen) > 2


def test_the_snapshot_of_a_model_that_has_learned_gives_the_same_bytes() -> None:
    """Stored and loaded again, with own terms of some of the offers, it is as sure as it was."""
    learner = trained(200)
    stored = msgspec.json.decode(msgspec.json.encode(learner.dump()))
    again = ResponseLearner.load(stored).view("response-200")
    made = [offer(f"offer-{n}", expected_rate=0.1) for n in range(10, 14)]
    policy = shop(*made, chooser="policy", arbitration=THOMPSON)
    seen = set()
    for number in range(30):
        entry = entry_of(policy, number, model=learner.view("response-200"))
        assert entry.doubt is not None
        assert entry.doubt.own[0] != entry.doubt.own[-1]  # 12 offers were learned of
        assert msgspec.json.encode(redecide(entry, again, policy)) == msgspec.json.encode(entry)
        seen.add(entry.chosen_offer_id)
    assert len(seen) > 2


def test_shares_are_whole_draws_above_the_floor() -> None:
    """Each probability is epsilon / k and a whole number of draws of what is left."""
    entry = entry_of(shop(*OFFERS, chooser="policy", arbitration=THOMPSON), 1)
    shares = [*(c.probability for c in entry.offers), entry.no_offer_probability]
    wins = [(share - 0.01) / 0.96 * DRAWS for share in shares]
    assert wins == pytest.approx([round(w) for w in wins])
    assert sum(wins) == pytest.approx(DRAWS)


def test_other_modes_do_not_ask_how_sure_the_model_is() -> None:
    """The record says nothing of it, and the model is not asked."""

    class Silent(Fixed, frozen=True):
        def spreads(self, context: object, offers: object, offer_ids: object) -> Never:
            raise AssertionError("asked")

    basis = Basis(Silent(), shop(*OFFERS, chooser="policy"))
    _, effects = decide(someone(), request(1), T0, basis)
    assert next(e.entry for e in effects if isinstance(e, DecisionLogged)).doubt is None
