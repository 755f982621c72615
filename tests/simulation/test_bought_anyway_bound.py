"""What can be known of who would have bought anyway: more told, less error; fewer offers, too."""

import numpy as np
import pytest

from benchmarks.bought_anyway import asked_of, campaign_world
from benchmarks.bought_anyway_bound import LIFE, TOLD, _renewals, _seen, designs, errors


def test_who_is_told_more_errs_less() -> None:
    """In a small campaign, and one offer alone is known better than one of all."""
    world = campaign_world("drugstore", 2_000, 3)
    sent = [offer.offer_id for offer in world.reference.offers]
    seen = _seen(world, list(asked_of(world, sent, 3)))
    of_one = [errors(seen, len(sent), told)[1] for told in TOLD.values()]
    print(of_one)
    assert of_one == sorted(of_one, reverse=True)
    found = {design.name: design.error for design in designs(world, seen)}
    print(found)
    assert (
        found["it alone: all orders, as the product"]
        < found["8 offers: all orders, as the product"]
    )
    assert found["it alone: both of these"] < found[f"it alone: told {LIFE}"]


def test_orders_to_come_are_those_of_a_renewal_process() -> None:
    """In the long run one in each gap; who has just ordered orders later than who did long ago."""
    just, long_ago = _renewals(np.array([[0.0, 0.5], [1.0, 0.5]]), 4.0)
    assert just < long_ago
    (many,) = _renewals(np.array([[0.3, 50.0]]), 1.0)
    assert many == pytest.approx(50.0, rel=0.1)
