"""How sure the response model is of what it says: as the pool that it was taken from."""

import numpy as np
import pytest

from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.models.response import ResponseLearner, ResponseModel
from tests.unit.models.test_response_model import examples, trained


def variance_by_pool(learner: ResponseLearner, number: int) -> float:
    """Of one offer, as steps of the pool count it: experts and levels by their shares, pairs."""
    pool, of = learner.estimator.pool, learner.asked(examples(number + 1)[number])
    spread = np.matmul(pool.variances * of.z, of.z.transpose(0, 2, 1)).ravel()
    own = pool.own.get(of.offer_id or "")
    variances = np.full((2, 2, len(pool.u_prior)), pool.u_prior) if own is None else own.variances
    spread = spread + np.matmul(variances * of.x, of.x.transpose(0, 2, 1)).ravel()
    _, of_pairs = pool.pairs.looked_at(of.f, of.products)
    level = pool.levels.own_prior if own is None else own.level[1]
    of_level = float(pool.levels.variances @ (of.f * of.f)) + level
    *shares, of_levels = pool.shares
    return float(np.dot(shares, spread) + (1 - of_levels) * of_pairs + of_levels * of_level)


def variance_by_view(view: ResponseModel, number: int) -> float:
    """The same of the view: what is shared, as far as it counts, and the offer's own."""
    example = examples(number + 1)[number]
    context = np.array([example.features[f"c.{name}"] for name in CONTEXT_FEATURES])
    offers = np.array([[example.features[f"o.{name}"] for name in OFFER_FEATURES]])
    loads, shared, own = view.spreads(context, offers, [example.offer_id or ""])
    assert loads.shape == (1, len(shared))
    return float(((loads[0] * shared) ** 2).sum() + own[0] ** 2)


@pytest.mark.parametrize("labels", [0, 1, 300])
def test_the_view_is_as_sure_as_the_pool(labels: int) -> None:
    """Of offers that were learned of and of one that was not."""
    learner = trained(labels)
    view = learner.view("v") if labels else ResponseModel()
    for number in (0, 5, 320):
        by_pool = variance_by_pool(learner, number)
        assert variance_by_view(view, number) == pytest.approx(by_pool, rel=1e-4)


def test_labels_make_it_surer() -> None:
    """And a view does not change with its learner."""
    learner = trained(20)
    view = learner.view("v")
    before = variance_by_view(view, 5)
    for example in examples(400)[20:]:
        learner.learn(example)
    assert variance_by_view(view, 5) == before
    assert variance_by_view(learner.view("w"), 5) < 0.9 * before
