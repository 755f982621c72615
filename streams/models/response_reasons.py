"""What a response probability is made of: the log odds, split by what they come from."""

from collections.abc import Mapping, Sequence

import numpy as np

from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.models.response import AnyFloats, ResponseModel

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

    What a context feature gives counts all of its crosses with the offer; an offer feature, what it
    gives whoever looks. `base` is the owner's rate and the shop's level, `own` the offer's own.

    Args:
        model: the view that decided.
        context: shape `[len(CONTEXT_FEATURES)]`.
        offer: shape `[len(OFFER_FEATURES)]`.
        offer_id: for its own residual.
        prior: log odds of what its owner expects.

    >>> parts_of_log_odds(ResponseModel(), np.zeros(len(CONTEXT_FEATURES)),
    ...     np.zeros(len(OFFER_FEATURES)), "new", -3.0)["base"]
    -3.0
    """
    with_bias = np.concatenate(([1.0], np.asarray(offer, np.float64)))
    by_context = (with_bias @ model.weights[:, 1:]) * context
    by_offer = model.weights[1:, 0] * offer
    parts = {
        BASE: prior + float(model.weights[0, 0]),
        OWN: model.residuals.get(offer_id, 0.0),
    }
    _add(parts, [f"c.{name}" for name in CONTEXT_FEATURES], by_context)
    _add(parts, [f"o.{name}" for name in OFFER_FEATURES], by_offer)
    return parts


def _add(parts: dict[str, float], names: Sequence[str], numbers: AnyFloats) -> None:
    for name, number in zip(names, numbers.tolist(), strict=True):
        together = TOGETHER.get(name, name)
        parts[together] = parts.get(together, 0.0) + number
