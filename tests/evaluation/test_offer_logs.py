"""A log with offers that some people never get: what is judged draws as the decisions drew."""

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arbitration, Arm, Experiment
from streams.contracts.times import DAY_MS
from streams.decisions import Basis, Policy, decide
from streams.decisions.known import Priors, Scorer
from streams.evaluation.judged_policies import Chooser, by_policy, uniform
from streams.evaluation.off_policy import Logged, judge
from streams.evaluation.offer_logs import Question, Reward, read_own
from streams.evaluation.two_models import challenger, champion
from streams.models import ResponseModel
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, rule, shop, someone

SHARE = 0.3
ARMS = Experiment(
    arms=(
        Arm(name="policy", share=0.7, chooser="policy"),
        Arm(name="uniform", share=0.3, chooser="uniform"),
    )
)


def a_log(
    policy: Policy,
    decisions: int = 400,
    beside: Scorer | None = None,
    scorer: Scorer = Fixed(),  # noqa: B008 - it is frozen
) -> tuple[list[bytes], list[bytes]]:
    """Decisions about as many people, and a label of each that sent an offer."""
    entries, labels = list[bytes](), list[bytes]()
    for number in range(decisions):
        person = replace(someone(), customer_id=f"c-{number}")
        by = policy.policies.triggers[0]
        basis = Basis(scorer, policy, challenger=beside)
        _, effects = decide(person, request(number, by=by), T0, basis)
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        entries.append(msgspec.json.encode(entry))
        if entry.chosen_offer_id is not None:
            labels.append(msgspec.json.encode(label_for(entry, float(number % 10 == 0))))
    return entries, labels


def label_for(entry: DecisionLog, label: float) -> LearningExample:
    """The label of a decision that sent an offer."""
    return LearningExample(
        example_id=derive_id("x", entry.decision_id, "used" if label else "not_used"),
        model="response",
        observed_at_ms=T0 + 7 * DAY_MS,
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


@pytest.mark.parametrize("experiment", [None, ARMS])
def test_draws_from_the_posterior_are_judged_as_they_were_drawn(
    experiment: Experiment | None,
) -> None:
    """A record says how sure the model was, so a draw's probabilities follow from it, to the bit.

    Over both arms together the weights have mean 1. Of a log that says nothing of it nobody is
    asked.
    """
    rules = Arbitration(exploration="thompson", epsilon=0.05)
    fields = {"arbitration": rules} | ({} if experiment is None else {"experiment": experiment})
    policy = a_shop(**fields)  # type: ignore[arg-type]
    log = a_log(policy, 800, scorer=ResponseModel())
    logged, counts = read_own(*log, Question(policy, by_policy(policy), "used"))
    assert (counts.judged, counts.not_asked) == (800, 0)
    weights = logged.target / logged.action_probability
    if experiment is None:
        assert (weights == 1.0).all()
    else:
        assert 0.0 < weights.min() < weights.max() < 1.0 / 0.6  # pooled, so never above
        assert abs(weights.mean() - 1.0) < 4 * weights.std() / np.sqrt(len(weights))
    other = a_log(a_shop(), 50)
    _, counts = read_own(*other, Question(policy, by_policy(policy), "used"))
    assert (counts.judged, counts.not_asked) == (0, 50)


@pytest.mark.parametrize("share", [0.0, SHARE])
@pytest.mark.parametrize(
    "spoil",
    [
        {"own": ()},
        {"own": (0.3,)},
        {"own": (0.3,) * 3},
        {"shared": (0.4,) * 17},
        {"shared": (0.4,) * 19},
        {"shared": ()},
    ],
)
def test_a_doubt_of_other_offers_or_features_says_nothing(
    spoil: dict[str, tuple[float, ...]], share: float
) -> None:
    """Nobody is asked of such a decision, and the others are judged."""
    policy = a_shop(share, arbitration=Arbitration(exploration="thompson", epsilon=0.05))
    entries, labels = a_log(policy, 20, scorer=ResponseModel())
    first = msgspec.json.decode(entries[0], type=DecisionLog)
    assert first.doubt is not None
    entries[0] = msgspec.json.encode(replace(first, doubt=replace(first.doubt, **spoil)))
    _, counts = read_own(entries, labels, Question(policy, by_policy(policy), "used"))
    assert (counts.judged, counts.not_asked) == (19, 1)


def test_features_of_different_lengths_say_nothing_of_the_posterior() -> None:
    """As a list of version 1 may have them."""
    policy = a_shop(arbitration=Arbitration(exploration="thompson", epsilon=0.05))
    entries, labels = a_log(policy, 20, scorer=ResponseModel())
    first = msgspec.json.decode(entries[0], type=DecisionLog).by_offer()
    rows = list(first.offers)
    rows[0] = replace(rows[0], features=(1.0,))
    entries[0] = msgspec.json.encode(replace(first, candidates=tuple(rows)))
    _, counts = read_own(entries, labels, Question(policy, by_policy(policy), "used"))
    assert (counts.judged, counts.not_asked) == (19, 1)


def test_a_challengers_draw_over_other_offers_says_nothing() -> None:
    """Its probabilities are as many as there are offers, or it is not asked."""
    policy = a_shop(0.0)
    entries, labels = a_log(policy, 20, beside=CONTRARY)
    first = msgspec.json.decode(entries[0], type=DecisionLog)
    assert first.challenger is not None
    beside = replace(first.challenger, probabilities=(0.5,))
    entries[0] = msgspec.json.encode(replace(first, challenger=beside))
    _, counts = read_own(entries, labels, Question(policy, challenger(policy), "used"))
    assert (counts.judged, counts.not_asked) == (19, 1)


def test_a_contact_costs_what_its_channel_costs() -> None:
    """By margin, an unused offer brought minus its SMS; where none was chosen, nothing."""
    for channels, cost in ((("sms",), 0.07), ((), 0.0)):
        by = rule(channel="sms", channels=channels)
        contact = replace(FREE, channel_costs={"sms": 0.07})
        policy = shop(offer("a", channels=("sms",)), rules=(by,), contact=contact)
        rewards = judged(policy, uniform(), "margin").reward
        assert sorted(set(rewards.round(9))) == pytest.approx([-cost, 3.5 - cost])


class Contrary(Fixed, frozen=True):
    """Thinks the more of an offer the less its owner does."""

    def response_probabilities(
        self,
        context: object,
        offers: object,
        offer_ids: object,
        priors: Priors,
        where: object = None,
    ) -> NDArray[np.float64]:
        """The owners' rates, turned around."""
        return np.round(1.0 / (1.0 + np.exp(np.asarray(priors, np.float64))), 7)


CONTRARY = Contrary("challenger-60")


def test_a_challenger_is_judged_beside_the_model_that_decides() -> None:
    """On a log of both arms mean weights are 1, and each has the value of the offer that it likes.

    Every tenth uses either offer. The model that decides likes a; the challenger likes b, which
    brings more by margin.
    """
    offers = (offer("a", expected_rate=0.2), offer("b", expected_rate=0.02, margin=12.0))
    rules = Arbitration(exploration="epsilon", epsilon=0.2)
    policy = shop(*offers, arbitration=rules, experiment=ARMS)
    log = a_log(policy, 2_000, CONTRARY)
    values = {}
    for chooser in (champion(policy), challenger()):
        logged, counts = read_own(*log, Question(policy, chooser, "margin"))
        assert (counts.judged, counts.not_asked) == (2_000, 0)
        weights = logged.target / logged.action_probability
        error = weights.std() / np.sqrt(len(weights))
        assert abs(weights.mean() - 1.0) < 4 * error
        values[chooser.name] = judge(logged, seed=1).snips
    assert values["the challenger"].low > values["the response model"].high
    _, counts = read_own(*a_log(policy, 20), Question(policy, challenger(), "used"))
    assert (counts.judged, counts.not_asked) == (0, 20)


def test_what_a_mandatory_offer_sent_is_no_draw() -> None:
    """In the holdout arm also where the reference data do not know the offer."""
    policy = shop(offer("recall", class_="mandatory"), offer("b"), chooser="holdout")
    for known in (policy, shop(offer("b"), chooser="policy")):
        _, counts = read_own(*a_log(policy, 20), Question(known, uniform(), "used"))
        assert (counts.judged, counts.nothing_drawn) == (0, 20)


def test_arms_are_pooled_with_what_each_withholds() -> None:
    """Of two arms the mean weight is 1 for either, within four standard errors."""
    policy = a_shop(experiment=ARMS)
    for chooser in (by_policy(policy), uniform()):
        logged = judged(policy, chooser)
        weights = logged.target / logged.action_probability
        error = weights.std() / np.sqrt(len(weights))
        assert weights.mean() == pytest.approx(1.0, abs=4.0 * error)
        assert len(np.unique(logged.action_probability.round(9))) > 2
