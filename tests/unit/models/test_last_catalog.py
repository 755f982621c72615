"""What is looked up of a catalog once: it is the view's own, and serves any of the offers."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.models.offer_effects import effects_of
from streams.models.response import ResponseLearner, ResponseModel
from streams.models.uplift import UpliftModel
from tests.unit.decisions.people import offer

NAMES = tuple("abcde")
CATALOG = tuple(offer(name) for name in NAMES)
CONTEXT = np.full(len(CONTEXT_FEATURES), 0.5, np.float32)
PLACES: tuple[list[int], ...] = ([0, 1, 2, 3, 4], [0, 2, 3, 4], [3], [], [1, 4])


class Counted(dict[str, float]):
    """Corrections by offer that count how often they are asked for."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        """As of any mapping."""
        self.asked += 1
        return super().get(key, default)


def learned() -> ResponseModel:
    """A view in which each offer but one has own terms, all different."""
    view = ResponseLearner().view("v")
    own = np.zeros((len(NAMES), *view.own.shape[1:]), np.float32)
    own[:-1] = np.linspace(-0.5, 0.5, own[:-1].size).reshape(own[:-1].shape)
    return replace(view, own=own, rows={name: n for n, name in enumerate(NAMES[:-1])})


def added(shift: float = 0.0) -> UpliftModel:
    """A view that says of each offer something else."""
    rows = {
        name: (shift + n / 7, 0.1 + n / 9, shift - n / 3, 0.2 + n / 5)
        for n, name in enumerate(NAMES[:-1])
    }
    effects = effects_of(rows, {}, (0.0, 0.5, 0.0, 0.5), None)
    return UpliftModel(offers={name: n / 11 - 0.2 for n, name in enumerate(NAMES)}, added=effects)


def used(view: ResponseModel, where: list[int] | None = None) -> list[float]:
    """P(used) of all offers, or of those at these places."""
    count = len(NAMES if where is None else where)
    vectors = np.full((count, len(OFFER_FEATURES)), 0.25, np.float32)
    places = None if where is None else np.array(where, np.intp)
    found = view.response_probabilities(CONTEXT, vectors, NAMES, [-2.0] * count, places)
    return [float(p) for p in found]


def test_a_copy_with_other_corrections_says_them() -> None:
    """Also where the view that it was made of had been asked for the same catalog."""
    catalog, view = (offer("a"),), UpliftModel(offers={"a": 0.3})
    assert view.shares(catalog, [0.2]) == [0.5]
    assert replace(view, offers={"a": -0.1}).shares(catalog, [0.2]) == [0.1]


def test_a_copy_with_other_effects_says_them() -> None:
    """The same of what sending an offer changes."""
    view, other = added(), added(1.0)
    assert view.added is not None
    assert other.added is not None
    before = view.effects(CATALOG, CONTEXT)
    copied = replace(view.added, means=other.added.means).of(CATALOG, CONTEXT)
    assert copied == other.effects(CATALOG, CONTEXT) != before


def test_a_copy_with_other_own_terms_says_them() -> None:
    """The same of the own terms of offers."""
    view = learned()
    before = used(view)
    copied = replace(view, own=-view.own)
    assert used(copied) == used(replace(learned(), own=-view.own)) != before


def test_asking_makes_no_view_another() -> None:
    """Two views that have learned the same are equal, whoever was asked before."""
    asked = UpliftModel()
    asked.shares(CATALOG, [0.2] * len(CATALOG))
    assert asked == UpliftModel()
    assert repr(asked) == repr(UpliftModel())


@pytest.mark.parametrize("where", PLACES)
def test_of_some_offers_it_says_what_it_says_of_them_alone(where: list[int]) -> None:
    """To the bit; whichever others the catalog has."""
    places, some = np.array(where, np.intp), [CATALOG[n] for n in where]
    view, expected = added(), [0.3 + n / 50 for n in where]
    assert view.shares(CATALOG, expected, places) == added().shares(some, expected)
    assert view.effects(CATALOG, CONTEXT, places) == added().effects(some, CONTEXT)
    vectors = np.full((len(where), len(OFFER_FEATURES)), 0.25, np.float32)
    ids, priors = [NAMES[n] for n in where], [-2.0] * len(where)
    alone = learned().response_probabilities(CONTEXT, vectors, ids, priors)
    assert used(learned(), where) == alone.tolist()


def test_a_catalog_is_looked_up_once_whichever_offers_are_asked_for() -> None:
    """Each time another of them is not eligible."""
    corrections = Counted(a=0.1)
    view = UpliftModel(offers=corrections)
    for n in range(len(CATALOG)):
        where = np.delete(np.arange(len(CATALOG)), n)
        view.shares(CATALOG, [0.2] * len(where), where)
    assert corrections.asked == len(CATALOG)


def test_a_view_that_was_asked_is_freed_at_once() -> None:
    """Not only when cycles are looked for, which workers seldom do; its arrays are large."""
    corrections = Counted(a=0.1)
    seen, view = weakref.ref(corrections), UpliftModel(offers=corrections)
    gc.disable()
    try:
        view.shares(CATALOG, [0.2] * len(CATALOG))
        del view, corrections
        assert seen() is None
    finally:
        gc.enable()


def test_a_list_is_looked_up_anew() -> None:
    """For it may change."""
    view, some = added(), [CATALOG[0], CATALOG[1]]
    before = view.shares(some, [0.3, 0.3])
    some.reverse()
    assert view.shares(some, [0.3, 0.3]) == before[::-1] != before
