"""A log with offers that some people never get: what is judged draws as the decisions drew."""

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arbitration, Arm, Experiment
from streams.decisions import Basis, Policy, decide
from streams.evaluation.off_policy import Logged
from streams.evaluation.offer_logs import Chooser, Question, Reward, by_policy, read_own, uniform
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, rule, shop, someone

SHARE = 0.3
ARMS = Experiment(
    arms=(
        Arm(name="policy", share=0.7, chooser="policy"),
        Arm(name="uniform", share=0.3, chooser="uniform"),
    )
)


def a_log(policy: Policy, decisions: int = 400) -> tuple[list[bytes], list[bytes]]:
    """Decisions about as many people, and a label of each that sent an offer."""
    entries, labels = list[bytes](), list[bytes]()
    for number in range(decisions):
        person = replace(someone(), customer_id=f"c-{number}")
        by = policy.policies.triggers[0]
        _, effects = decide(person, request(number, by=by), T0, Basis(Fixed(), policy))
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        entries.append(msgspec.json.encode(entry))
        if entry.chosen_offer_id is not None:
            labels.append(msgspec.json.encode(_label(entry, float(number % 10 == 0))))
    return entries, labels


def _label(entry: DecisionLog, label: float) -> LearningExample:
    return LearningExample(
        example_id=derive_id("x", entry.decision_id, "used"),
        model="response",
        observed_at_ms=T0,
        label=label,
        features={},
    )


def judged(policy: Policy, chooser: Chooser, reward: Reward = "used") -> Logged:
    """Its own log, read for a policy."""
    return read_own(*a_log(policy), Question(policy, chooser, reward))[0]


def a_shop(share: float = SHARE, **fields: object) -> Policy:
    """Two offers, one of which three of ten people never get."""
    arbitration = Arbitration(exploration="epsilon", epsilon=0.3)
    offers = (offer("a", holdout_share=share, margin=8.0), offer("b"))
    return shop(*offers, **{"chooser": "policy", "arbitration": arbitration, **fields})  # type: ignore[arg-type]


def test_a_policy_judged_on_its_own_log_has_weights_of_one() -> None:
    """Each decision counts once, also where the draw fell on an offer that was withheld."""
    policy = a_shop()
    logged = judged(policy, by_policy(policy))
    assert len(logged.reward) == 400
    assert (logged.target == logged.action_probability).all()
    even = shop(offer("a", holdout_share=SHARE), offer("b"), chooser="uniform")
    logged = judged(even, uniform())
    assert (logged.target == logged.action_probability).all()


def test_a_contact_costs_what_its_channel_costs() -> None:
    """By margin, an unused offer brought minus its SMS; where none was chosen, nothing."""
    for channels, cost in ((("sms",), 0.07), ((), 0.0)):
        by = rule(channel="sms", channels=channels)
        contact = replace(FREE, channel_costs={"sms": 0.07})
        policy = shop(offer("a", channels=("sms",)), rules=(by,), contact=contact)
        rewards = judged(policy, uniform(), "margin").reward
        assert sorted(set(rewards.round(9))) == pytest.approx([-cost, 3.5 - cost])


def test_arms_are_pooled_with_what_each_withholds() -> None:
    """Of two arms the mean weight is 1 for either, within four standard errors."""
    policy = a_shop(experiment=ARMS)
    for chooser in (by_policy(policy), uniform()):
        logged = judged(policy, chooser)
        weights = logged.target / logged.action_probability
        error = weights.std() / np.sqrt(len(weights))
        assert weights.mean() == pytest.approx(1.0, abs=4.0 * error)
        assert len(np.unique(logged.action_probability.round(9))) > 2
