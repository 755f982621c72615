"""What a response probability is made of: the log odds, split by what they come from."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.models.pairs import products_of
from streams.models.pool import Array, on_bases
from streams.models.response import CONTEXT_AXIS, OFFER_AXIS, PAIRS, AnyFloats, ResponseModel

BASE = "base"
OWN = "own"
TOGETHER: Mapping[str, str] = {"c.hour_sin": "c.hour", "c.hour_cos": "c.hour"}
"""Features that mean something only together."""


def parts_of_log_odds(
    model: ResponseModel,
    context: AnyFloats,
    offer: AnyFloats,
    offer_id: str,
    prior: float = 0.0,
) -> dict[str, float]:
    """The log odds of one offer as a sum.

    What a context feature gives counts all of its crosses with the offer, and the offer's own terms
    of it, and half of what its pairs give; an offer feature, what it gives whoever looks. `base` is
    the owner's rate and the shop's level, `own` the offer's own level.

    Args:
        model: the view that decided.
        context: shape `[len(CONTEXT_FEATURES)]`.
        offer: shape `[len(OFFER_FEATURES)]`.
        offer_id: for its own terms.
        prior: log odds of what its owner expects.

    >>> none = np.zeros(len(CONTEXT_AXIS)), np.zeros(len(OFFER_AXIS))
    >>> parts_of_log_odds(ResponseModel(), *none, "new", -3.0)["base"]
    -3.0
    """
    x = on_bases(np.asarray(context, np.float32))
    f = on_bases(np.asarray(offer, np.float32))
    own = model.own[model.rows.get(offer_id, len(model.own) - 1)]
    by_context = (((f[:, :, None] * model.weights).sum(1) + own) * x).sum(0, dtype=np.float64)
    by_offer = (f * model.weights[:, :, 0]).sum(0, dtype=np.float64)
    by_offer[1:] += f[0, 1:] * model.beliefs
    by_context[1:] += _by_pairs(model, x, f)
    parts = {BASE: prior + float(by_offer[0]), OWN: float(own[:, 0].sum())}
    _add(parts, CONTEXT_AXIS, by_context[1:])
    _add(parts, OFFER_AXIS, by_offer[1:])
    return parts


def _by_pairs(model: ResponseModel, x: Array, f: Array) -> NDArray[np.float64]:
    """What pairs give, half to each of their two features: shape `[contexts]`."""
    each = ((f[0] @ model.pairs) * products_of(x[0, 1:])).astype(np.float64)
    given = np.zeros(len(CONTEXT_AXIS))
    for places in PAIRS:
        np.add.at(given, places, 0.5 * each)
    return given


def _add(parts: dict[str, float], names: Sequence[str], numbers: AnyFloats) -> None:
    for name, number in zip(names, numbers.tolist(), strict=True):
        together = TOGETHER.get(name, name)
        parts[together] = parts.get(together, 0.0) + number
