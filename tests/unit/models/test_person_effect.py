"""What an offer changes for one person: found where people differ, and no surer than it may be."""

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from streams.errors import StateError
from streams.features import CONTEXT_FEATURES
from streams.models.person_effect import NAMES, PLACES, PersonEffect, PersonState

Floats = NDArray[np.float64]
OFFERED = 0.7
MEAN = 0.2


def learned(many: int, spread: float, seed: int, tilted: bool = False) -> PersonEffect:
    """People whose effect on orders grows with their first feature, by `spread`; margin twice that.

    With `tilted` those with much of it are offered something more often.
    """
    draw, learner = np.random.default_rng(seed), PersonEffect()
    for _ in range(many):
        x = np.zeros(len(NAMES) + 1)
        x[0], x[1:4] = 1.0, draw.normal(0.0, 1.0, 3)
        e = (0.8 if x[1] > 0.0 else 0.4) if tilted else OFFERED
        treated = float(draw.random() < e)
        rest = treated * (MEAN + spread * x[1]) + draw.normal(0.0, 1.0)
        learner.learn(x, np.array((rest, 2.0 * rest)), treated - e, 1.0, 1.0)
    return learner


def told(learner: PersonEffect, first: float) -> tuple[Floats, Floats]:
    """More than on average for a person with this much of the first feature, and its errors."""
    context = np.zeros(len(CONTEXT_FEATURES), np.float32)
    context[PLACES[0]] = first
    view = learner.view(np.array((MEAN, 2.0 * MEAN)))
    assert view is not None
    more, variances = view.of(context)
    return more, np.sqrt(variances)


@pytest.mark.parametrize("tilted", [False, True])
def test_who_gains_more_is_found(tilted: bool) -> None:
    """Whoever is offered more; margin is known as well as orders are."""
    more, errors = told(learned(20_000, 0.15, 3, tilted), 2.0)
    assert more[0] == pytest.approx(0.3, abs=0.08)
    assert more[1] == pytest.approx(2.0 * more[0])
    assert 0.0 < errors[0] < 0.06


def test_where_people_are_alike_everybody_leans_on_the_mean() -> None:
    """Twelve campaigns of noise alone: nobody is far from it."""
    for seed in range(12):
        more, _ = told(learned(2_000, 0.0, seed), 2.0)
        assert abs(more[0]) < 0.15


def test_few_comparisons_say_little() -> None:
    """Of 50 people no more is said than that people may differ a little."""
    more, errors = told(learned(50, 0.15, 3), 2.0)
    assert abs(more[0]) < errors[0]


def test_errors_are_as_large_as_they_say() -> None:
    """Over 100 campaigns, each with people of its own kind, .9 of truths are within two errors.

    Of campaigns in which people differ by much, by little, or hardly.
    """
    inside = []
    for seed in range(100):
        draw, learner = np.random.default_rng(100 + seed), PersonEffect()
        weights = draw.normal(0.0, draw.choice([0.02, 0.05, 0.1]), 3)
        for _ in range(1_000):
            x = np.zeros(len(NAMES) + 1)
            x[0], x[1:4] = 1.0, draw.normal(0.0, 1.0, 3)
            treated = float(draw.random() < OFFERED)
            rest = treated * (MEAN + weights @ x[1:4]) + draw.normal(0.0, 1.0)
            learner.learn(x, np.array((rest, np.nan)), treated - OFFERED, 1.0, 1.0)
        context, person = np.zeros(len(CONTEXT_FEATURES), np.float32), draw.normal(0.0, 1.0, 3)
        context[PLACES[:3]] = person
        view = learner.view(np.array((MEAN, 1.0)))
        assert view is not None
        more, variances = view.of(context)
        off = (weights @ person - more[0]) / np.sqrt(variances[0])
        inside.append(abs(off) < 2.0)
    assert np.mean(inside) > 0.9


def test_margin_is_not_said_where_none_was_told() -> None:
    """Comparisons of a shop that tells no margins teach orders alone."""
    learner = PersonEffect()
    draw = np.random.default_rng(1)
    for n in range(400):
        x = np.concatenate(((1.0,), draw.normal(0.0, 1.0, len(NAMES))))
        learner.learn(x, np.array((1.0, np.nan)), 0.5 if n % 2 else -0.5, 1.0, 1.0)
    more, errors = told(learner, 1.0)
    assert more[1] == 0.0
    assert np.isfinite(errors).all()
    assert PersonEffect().view(np.ones(2)) is None


def test_what_is_stored_goes_on_and_follows_the_features_names() -> None:
    """A state with its features in another order, and one that is not computed any more."""
    learner = learned(300, 0.1, 2)
    state = msgspec.convert(msgspec.to_builtins(learner.dump()), PersonState)
    again = PersonEffect.of(state)
    assert (told(again, 1.0)[0] == told(learner, 1.0)[0]).all()
    names = list(NAMES)
    names[0], names[1], names[2] = names[1], names[0], "c.once_computed"
    turned = PersonEffect.of(msgspec.structs.replace(state, names=names))
    assert turned.products[1, 1] == learner.products[2, 2]
    assert turned.products[1, 2] == learner.products[1, 2]
    assert turned.scores[0, 2] == learner.scores[0, 1]
    assert turned.products[3, 3] == 0.0


def test_damage_is_said() -> None:
    """Sums that do not fit their names are refused."""
    state = learned(5, 0.1, 2).dump()
    for broken in (
        msgspec.structs.replace(state, names=list(NAMES)[1:]),
        msgspec.structs.replace(state, scores=state.scores[:1]),
        msgspec.structs.replace(state, squares=[]),
    ):
        with pytest.raises(StateError, match="people do not fit"):
            PersonEffect.of(broken)
