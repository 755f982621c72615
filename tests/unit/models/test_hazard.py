"""The hazard learns online with River and is read with numpy: both say the same."""

import numpy as np
import pytest
from river import linear_model, optim, preprocessing

from streams.errors import StateError
from streams.models.hazard import Hazard, HazardView

NAMES = ("a", "b", "c")


def drawn(count: int, seed: int = 3) -> list[tuple[dict[str, float], bool]]:
    """Examples whose label depends on `a` and `b`; `c` never varies."""
    random = np.random.default_rng(seed)
    examples = []
    for a, b in random.normal(size=(count, 2)).tolist():
        p = 1.0 / (1.0 + np.exp(-(1.5 * a - b - 1.0)))
        examples.append(({"a": a, "b": 5.0 + 3.0 * b, "c": 7.0}, bool(random.random() < p)))
    return examples


def trained(count: int) -> Hazard:
    """A hazard after `count` examples."""
    model = Hazard(NAMES)
    for x, returned in drawn(count):
        model.learn(x, returned)
    return model


def test_numpy_reads_what_river_learned() -> None:
    """The view's probability is that of River's own pipeline, to 12 digits."""
    pipeline = preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.AdaGrad(0.05))
    for x, returned in drawn(400):
        pipeline.learn_one(x, returned)
    view = trained(400).view()
    for x, _ in drawn(50, seed=4):
        z = view.z(np.array([x[name] for name in NAMES]))
        assert float(view.p_return(z)) == pytest.approx(pipeline.predict_proba_one(x)[True], 1e-12)


def test_signs_of_the_weights_are_found() -> None:
    """What brings customers back has a positive weight, what keeps them away a negative one."""
    weights = trained(3000).view().weights
    assert weights[0] > 0.3
    assert weights[1] < -0.2
    assert weights[2] == 0.0


def test_silence_over_a_path_is_the_product_of_silent_ticks() -> None:
    """P(silent) = product of 1 - hazard; a last tick counts in part, and goes on past the path."""
    view = HazardView(np.zeros(1), np.ones(1), np.array([1.0]), 0.0)
    path = np.array([[0.0], [-1.0], [2.0]])
    each = 1.0 - view.p_return(path)
    assert view.p_silent(path, 3.0) == pytest.approx(float(np.prod(each)))
    assert view.p_silent(path, 2.5) == pytest.approx(each[0] * each[1] * each[2] ** 0.5)
    assert view.p_silent(path, 7.5) == pytest.approx(each[0] * each[1] * each[2] ** 5.5)


def test_forgetting_lets_a_grown_model_follow_a_change() -> None:
    """After 6,000 examples the sign turns: the one that forgets a tick's share follows faster."""
    kept, forgot = trained(6000), trained(6000)
    for number, (x, returned) in enumerate(drawn(600, seed=9)):
        if number % 100 == 0:
            forgot.forget(0.5)
        kept.learn(x, not returned)
        forgot.learn(x, not returned)
    assert forgot.view().weights[0] < kept.view().weights[0]


def test_dump_is_read_back_by_name() -> None:
    """An unknown or missing parameter is refused with a clear error."""
    data = trained(50).dump()
    assert Hazard.load(data).dump() == data
    with pytest.raises(StateError, match="hazard"):
        Hazard.load({**data, "surprise": 1})
    with pytest.raises(StateError, match="weights"):
        Hazard.load({name: value for name, value in data.items() if name != "weights"})
    with pytest.raises(StateError, match="features"):
        Hazard.load({**data, "weights": {"a": 1.0}})
