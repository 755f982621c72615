"""The response model: learns person x offer interactions, starts from the owner's rate, stores."""

import msgspec
import numpy as np
import pytest

from streams.contracts.internal.learning import LearningExample
from streams.errors import StateError
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES, prior_log_odds
from streams.features.offers import RATE_LOGITS
from streams.models import response
from streams.models.response import (
    CONTEXT_AXIS,
    OFFER_AXIS,
    OFFER_PREFIX,
    ResponseLearner,
    ResponseModel,
)

RATE = 0.2
RATE_FEATURE = prior_log_odds(RATE) / RATE_LOGITS


def examples(count: int, offers: int = 12) -> list[LearningExample]:
    """Labels that depend on the affinity, on app x price cut, and on one good offer."""
    random = np.random.default_rng(7)
    made = []
    for i in range(count):
        context = dict.fromkeys((f"c.{name}" for name in CONTEXT_FEATURES), 0.0)
        offer = dict.fromkeys((f"o.{name}" for name in OFFER_FEATURES), 0.0)
        context["c.on_app"] = float(random.integers(2))
        context["c.recency"] = float(random.normal())
        offer["o.affinity"] = float(random.normal())
        offer["o.price_cut"] = float(random.integers(2))
        offer["o.expected_rate"] = RATE_FEATURE
        number = int(random.integers(offers))
        logit = -1.4 + 1.2 * offer["o.affinity"] + 1.5 * (number == 0)
        logit += 1.5 * (2 * context["c.on_app"] - 1) * offer["o.price_cut"]
        label = float(random.random() < 1 / (1 + np.exp(-logit)))
        made.append(
            LearningExample(
                example_id=f"x-{i}",
                model="response",
                observed_at_ms=i,
                label=label,
                features=context | offer,
                offer_id=f"offer-{number}",
                action_probability=0.1,
            )
        )
    return made


def scored(model: ResponseModel, example: LearningExample) -> float:
    """The view's response probability for the one offer of an example."""
    context = np.array([example.features[name] for name in CONTEXT_AXIS[1:]])
    offer = np.array([[example.features[name] for name in OFFER_AXIS[1:]]])
    offer_id = example.offer_id or ""
    return float(
        model.response_probabilities(context, offer, [offer_id], [prior_log_odds(RATE)])[0]
    )


def trained(count: int) -> ResponseLearner:
    """A learner after `count` examples."""
    learner = ResponseLearner()
    for example in examples(count):
        learner.learn(example)
    return learner


def test_numpy_reads_what_river_learned() -> None:
    """The view says for all offers at once what River says one by one."""
    learner = trained(400)
    view = learner.view("v")
    for example in examples(440)[400:]:
        assert scored(view, example) == pytest.approx(learner.predict(example), abs=1e-9)


def test_a_new_offer_starts_at_its_owners_rate() -> None:
    """A model that has learned nothing answers with what the owners expect."""
    context, offers = np.zeros(len(CONTEXT_FEATURES)), np.zeros((2, len(OFFER_FEATURES)))
    priors = [prior_log_odds(0.05), prior_log_odds(0.3)]
    found = ResponseModel().response_probabilities(context, offers, ["new", "newer"], priors)
    assert found == pytest.approx([0.05, 0.3])


def test_response_probabilities_of_no_offer() -> None:
    """No eligible offer is no probability, not an error."""
    none = np.zeros((0, len(OFFER_FEATURES)))
    found = (
        trained(10).view("v").response_probabilities(np.zeros(len(CONTEXT_FEATURES)), none, [], [])
    )
    assert found.shape == (0,)


def test_finds_the_interactions_and_the_good_offer() -> None:
    """Price cuts sell in the app and not elsewhere; offer 0 is better than its features say."""
    view = trained(4000).view("v")
    cross = view.weights[OFFER_AXIS.index("o.price_cut"), CONTEXT_AXIS.index("c.on_app")]
    assert cross > 0.5
    assert view.weights[OFFER_AXIS.index("o.affinity"), 0] > 0.3
    assert max(view.residuals, key=lambda offer: view.residuals[offer]) == "offer-0"


def test_a_view_is_not_changed_by_later_learning() -> None:
    """Who decides with a view decides with the same numbers until the next snapshot."""
    learner = trained(100)
    view = learner.view("v")
    before = view.weights.copy(), dict(view.residuals)
    for example in examples(200)[100:]:
        learner.learn(example)
    assert (view.weights == before[0]).all()
    assert view.residuals == before[1]
    with pytest.raises(ValueError, match="read-only"):
        view.weights[0, 0] = 1.0


def test_offers_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Residuals stay within their maximum; the offer learned of longest ago goes."""
    monkeypatch.setattr(response, "OFFERS_MAX", 2)
    learner, (first, second, third) = ResponseLearner(), examples(3)
    for example, offer in ((first, "a"), (second, "b"), (first, "a"), (third, "c")):
        learner.learn(msgspec.structs.replace(example, offer_id=offer))
    assert set(learner.view("v").residuals) == {"a", "c"}
    assert OFFER_PREFIX + "b" not in str(learner.dump())


@pytest.mark.parametrize("broken", [{}, {"weights": "none"}, {"surprise": 1}])
def test_damaged_parameters_are_refused(broken: dict[str, object]) -> None:
    """What is missing, unknown or of the wrong type is a StateError that says which."""
    data = {**trained(5).dump(), **broken} if broken else {}
    with pytest.raises(StateError, match="response model"):
        ResponseLearner.load(data)
