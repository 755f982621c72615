"""The response model: learns person x offer interactions, starts from the owner's rate, stores."""

from itertools import combinations
from time import process_time

import msgspec
import numpy as np
import pytest

from streams.contracts.internal.learning import LearningExample
from streams.errors import StateError
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES, prior_log_odds
from streams.features.offers import RATE_LOGITS
from streams.models.diagonal_logistic import OFFSET
from streams.models.response import (
    AT_MS,
    CONTEXT_AXIS,
    OFFER_AXIS,
    OFFER_ID,
    OFFERS_MAX,
    ResponseLearner,
    ResponseModel,
    ResponsePool,
)
from streams.models.trainer import learner_of

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
    context = np.array([example.features[name] for name in CONTEXT_AXIS])
    offer = np.array([[example.features[name] for name in OFFER_AXIS]])
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
    """The view says for all offers at once what the estimator of River's kind says one by one."""
    learner = trained(400)
    view = learner.view("v")
    for example in examples(440)[400:]:
        x = {**example.features, OFFER_ID: example.offer_id, OFFSET: prior_log_odds(RATE)}
        told = learner.estimator.predict_proba_one(x)[True]
        assert scored(view, example) == pytest.approx(told, abs=1e-6)
        assert learner.predict(example) == pytest.approx(told, abs=1e-9)


def test_the_estimator_learns_what_the_learner_learns() -> None:
    """By names and one by one, as River does it, the same parameters come out."""
    estimator = ResponsePool()
    for e in examples(200):
        x = {**e.features, OFFER_ID: e.offer_id, AT_MS: float(e.observed_at_ms)}
        estimator.learn_one({**x, OFFSET: prior_log_odds(RATE)}, e.label > 0.5, e.weight)
    learned = trained(200).estimator.pool
    assert estimator.pool.means == pytest.approx(learned.means, abs=1e-6)
    assert estimator.pool.shares == pytest.approx(learned.shares, abs=1e-6)


def test_a_new_offer_starts_at_its_owners_rate() -> None:
    """A model that has learned nothing answers with what the owners expect."""
    context, offers = np.zeros(len(CONTEXT_FEATURES)), np.zeros((2, len(OFFER_FEATURES)))
    priors = [prior_log_odds(0.05), prior_log_odds(0.3)]
    found = ResponseModel().response_probabilities(context, offers, ["new", "newer"], priors)
    assert found == pytest.approx([0.05, 0.3])


def test_what_was_looked_up_of_one_catalog_is_told_of_no_other() -> None:
    """Asked for a catalog again and again, then for another, it says what a new view says."""
    learner, context = trained(60), np.full(len(CONTEXT_FEATURES), 0.5, np.float32)
    view, offers, priors = learner.view("v"), np.zeros((2, len(OFFER_FEATURES))), [-2.0, -2.0]
    catalogs = ("offer-1", "new"), ("new", "offer-1")
    for ids in (*catalogs, *catalogs, catalogs[1], [*catalogs[0]]):
        told = view.response_probabilities(context, offers, ids, priors)
        fresh = learner.view("v").response_probabilities(context, offers, [*ids], priors)
        assert told.tolist() == fresh.tolist()
        assert told[0] != told[1]


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
    price_cut, on_app = 1 + OFFER_AXIS.index("o.price_cut"), 1 + CONTEXT_AXIS.index("c.on_app")
    assert view.weights[:, price_cut, on_app].sum() > 0.5
    affinity = OFFER_AXIS.index("o.affinity")
    assert view.beliefs[affinity] + view.weights[:, 1 + affinity, 0].sum() > 0.8
    assert max(view.rows, key=lambda offer: float(view.own[view.rows[offer], :, 0].sum())) == (
        "offer-0"
    )


def test_a_view_is_not_changed_by_later_learning() -> None:
    """Who decides with a view decides with the same numbers until the next snapshot."""
    learner = trained(100)
    view = learner.view("v")
    before = view.weights.copy(), view.own.copy(), dict(view.rows)
    for example in examples(200)[100:]:
        learner.learn(example)
    assert (view.weights == before[0]).all()
    assert (view.own == before[1]).all()
    assert view.rows == before[2]
    for array in (view.weights, view.own, view.pairs[None]):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 1.0


def test_offers_are_forgotten_oldest_first() -> None:
    """An offer's own terms stay within their maximum; the one learned of longest ago goes."""
    learner, (first, second, third) = ResponseLearner(), examples(3)
    learner.estimator.pool.own_max = 2
    for example, offer in ((first, "a"), (second, "b"), (first, "a"), (third, "c")):
        learner.learn(msgspec.structs.replace(example, offer_id=offer))
    assert set(learner.view("v").rows) == {"a", "c"}
    assert learner.dump()["offers"] == ("a", "c")


def test_two_hundred_offers_fit_and_load_quickly() -> None:
    """The snapshot has at most 400 KB and is read in at most 5 ms of CPU time, equal to the bit."""
    learner = ResponseLearner()
    for number, example in enumerate(examples(400)):
        learner.learn(msgspec.structs.replace(example, offer_id=f"offer-{number % 200}"))
    raw = msgspec.json.encode(learner.dump())
    assert len(raw) <= 400_000
    parameters = msgspec.json.decode(raw)
    took = []
    for _ in range(5):
        began = process_time()
        loaded = ResponseLearner.load(parameters).view("v")
        took.append(process_time() - began)
    view = learner.view("v")
    assert (loaded.weights == view.weights).all()
    assert (loaded.own == view.own).all()
    assert (loaded.pairs == view.pairs).all()
    assert loaded.pairs.any()
    assert loaded.rows == view.rows
    assert min(took) <= 0.005, took


def test_a_snapshot_has_an_end_however_many_offers_there_are() -> None:
    """At most 450 KB, with as many offers as are kept and names as long as they may be."""
    learner = ResponseLearner()
    for number, example in enumerate(examples(OFFERS_MAX + 50)):
        learner.learn(msgspec.structs.replace(example, offer_id=f"{number:x>64}"))
    parameters = learner.dump()
    assert len(parameters["offers"]) == OFFERS_MAX  # type: ignore[arg-type]
    assert len(msgspec.json.encode(parameters)) <= 450_000


def test_features_come_and_go_by_name() -> None:
    """What was learned of features that are still computed stays; a new one starts anew."""
    learner = trained(300)
    data = learner.dump()
    context, gone = list(CONTEXT_AXIS), CONTEXT_AXIS[3]
    context[3] = "c.once_computed"
    loaded = ResponseLearner.load({**data, "context": context})
    places = [1 + CONTEXT_AXIS.index(name) for name in CONTEXT_AXIS if name != gone]
    before, after = learner.view("v").weights, loaded.view("v").weights
    assert (after[:, :, places] == before[:, :, places]).all()
    assert not after[:, :, 4].any()


def test_pairs_are_found_by_the_names_of_their_features() -> None:
    """Whatever the order of a state's features; a pair of one that is gone starts anew."""
    learner, stored = trained(300), list(CONTEXT_AXIS)
    stored[1], stored[3], stored[4] = stored[4], "c.once_computed", stored[1]
    loaded = ResponseLearner.load({**learner.dump(), "context": stored})
    before, after = (by_pair(one.view("v").pairs) for one in (learner, loaded))
    assert any(weights.any() for weights in after.values())
    for pair, weights in after.items():
        if CONTEXT_AXIS[3] in pair:
            assert not weights.any()
        else:
            was = frozenset(CONTEXT_AXIS[stored.index(name)] for name in pair)
            assert (weights == before[was]).all()


def by_pair(pairs: np.ndarray) -> dict[frozenset[str], np.ndarray]:
    """The weights of each pair of features, by their names."""
    return dict(zip(map(frozenset, combinations(CONTEXT_AXIS, 2)), pairs.T, strict=True))


def test_a_state_from_before_pairs_goes_on() -> None:
    """What format 2 wrote decides to the bit as it did, and learns pairs from then on."""
    learner = without_levels(trained(300))
    learner.estimator.pool.pairs.means[:] = 0.0
    old = before_levels(learner)
    del old["pairs"]
    loaded = learner_of("response", old, written=2)
    assert isinstance(loaded, ResponseLearner)
    before, after, anew = learner.view("v"), loaded.view("v"), ResponseLearner().estimator.pool
    for example in examples(320)[300:]:
        assert scored(after, example) == scored(before, example)
    assert (loaded.estimator.pool.pairs.variances == anew.pairs.variances).all()
    for example in examples(320)[300:]:
        loaded.learn(example)
    assert loaded.view("v").pairs.any()


def without_levels(learner: ResponseLearner) -> ResponseLearner:
    """The learner as it was before there were levels: four shares, and beliefs in W alone."""
    pool = learner.estimator.pool
    pool.shares = [0.4, 0.3, 0.2, 0.1, 0.0]
    learner.estimator.believed = {}
    return learner


def before_levels(learner: ResponseLearner) -> dict[str, object]:
    """What format 3 wrote of it."""
    new = ("levels", "own_levels", "believed")
    dumped = {name: value for name, value in learner.dump().items() if name not in new}
    return dumped | {"shares": learner.estimator.pool.shares[:4]}


def test_a_state_from_before_levels_goes_on() -> None:
    """What format 3 wrote decides to the bit as it did, and gives levels a share from then on."""
    learner = without_levels(trained(300))
    loaded = learner_of("response", before_levels(learner), written=3)
    assert isinstance(loaded, ResponseLearner)
    before, after = learner.view("v"), loaded.view("v")
    for example in examples(320)[300:]:
        assert scored(after, example) == scored(before, example)
    assert not after.beliefs.any()
    for example in examples(320)[300:]:
        loaded.learn(example)
    assert loaded.estimator.pool.shares[4] > 0.0


def test_what_was_believed_when_it_was_written_is_believed_on() -> None:
    """A learner keeps what it began at; what is new since is believed as today."""
    learner = trained(50)
    learner.estimator.believed = {"o.affinity": 0.5, "o.gone": 1.0}
    loaded = ResponseLearner.load(learner.dump())
    assert loaded.estimator.believed == {"o.affinity": 0.5}
    assert loaded.view("v").beliefs.tolist() == [0.5] + [0.0] * (len(OFFER_AXIS) - 1)


def test_before_any_label_interest_and_depth_count() -> None:
    """Who likes it twice as much is expected to use it nearly twice as often."""
    context, offers = np.zeros(len(CONTEXT_FEATURES)), np.zeros((3, len(OFFER_FEATURES)))
    offers[1, OFFER_AXIS.index("o.affinity")] = np.log(2.0)
    offers[2, OFFER_AXIS.index("o.depth")] = 1.0
    priors = [prior_log_odds(0.01)] * 3
    found = ResponseModel().response_probabilities(context, offers, ["a", "b", "c"], priors)
    assert found[1] / found[0] == pytest.approx(2.0**0.9, rel=0.02)
    assert found[2] > found[0]


def test_an_odd_example_teaches_no_nonsense() -> None:
    """Features out of their bounds count as the bound, and all stays finite."""
    (example,) = examples(1)
    odd = msgspec.structs.replace(example, features={**example.features, "c.recency": 1e300})
    learner = trained(50)
    for _ in range(20):
        learner.learn(odd)
    assert 0.0 < learner.predict(example) < 1.0


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"means": 1},
        {"means": "AAAA"},
        {"shares": [1.0]},
        {"offers": ["a"]},
        {"surprise": 1},
        {"pairs": "AAAA"},
        {"pairs": ""},
        {"levels": "AAAA"},
        {"own_levels": "AAAA"},
    ],
)
def test_damaged_parameters_are_refused(broken: dict[str, object]) -> None:
    """What is missing, unknown or of the wrong type is a StateError that says which."""
    data = {**trained(5).dump(), **broken} if broken else {}
    with pytest.raises(StateError, match="response model"):
        ResponseLearner.load(data)
