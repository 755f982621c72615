"""What is learned of offers on a channel that few answer: the channel counts once, not twice."""

import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import Terms
from streams.decisions import Basis, decide
from streams.feedback.labels import not_used, used
from streams.models.response import ResponseModel
from streams.models.trainer import Trainee
from tests.unit.decisions.people import FREE, T0, offer, request, rule, shop, someone

SEED, DECISIONS, TRUTH = 5, 1_200, 0.1
CHEAP = replace(
    FREE,
    channel_costs={"sms": 1.0},
    answer_rates={"sms": 0.4, "email": 0.2},
)


def test_labels_of_a_channel_are_not_discounted_again() -> None:
    """Everybody is written to, where half as many answer; one of ten uses it, and the terms say so.

    The rate that its owner expects is that on the best channel.
    """
    print(f"seed {SEED}")
    draw, trainee = np.random.default_rng(SEED), Trainee("response")
    by = rule(channel="email", channels=("email", "sms"))
    made = offer("a", channels=("email", "sms"), expected_rate=0.3, discount=0.0)
    policy = shop(made, rules=(by,), contact=CHEAP)
    terms: list[Terms] = []
    for number in range(DECISIONS):
        at_ms = T0 + number * 60_000
        if number % 100 == 0:
            model = trainee.learner.view(f"response-{trainee.examples}")
            assert isinstance(model, ResponseModel)
            basis = Basis(model, policy)
        person = someone(customer_id=f"c-{number}")
        person, effects = decide(person, request(number, by=by, at_ms=at_ms), at_ms, basis)
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        assert entry.offers[0].terms is not None
        terms.append(entry.offers[0].terms)
        came = used if draw.random() < TRUTH else not_used
        (labeled,) = came(person, person.open_decisions[0], at_ms)
        trainee.learn(labeled.example)
    assert {(t.channel, t.reach) for t in terms} == {("email", 0.5)}
    assert np.mean([t.response_probability for t in terms[-500:]]) == pytest.approx(TRUTH, abs=0.02)
