"""How sure a model is of what it says of the offers of a decision, where they are drawn by that."""

from collections.abc import Sequence

import numpy as np

from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.outputs.terms import Doubt
from streams.contracts.reference.structs import Arbitration
from streams.decisions.arbitration import margin_for
from streams.decisions.exploration import mode_of
from streams.decisions.known import Scorer
from streams.decisions.policy import CompiledOffer
from streams.decisions.posterior_draws import Floats, Posterior
from streams.features.packing import Vector


def posterior_by(
    scorer: Scorer,
    arbitration: Arbitration,
    eligible: Sequence[CompiledOffer],
    terms: TermColumns,
    features: tuple[Vector, Vector],
) -> Posterior | None:
    """What a model's draws stand on; None where it explores otherwise, which then costs nothing.

    `features` are those of the offers, shape `[n, 8]`, and of the context, shape `[K]`.
    """
    if mode_of(arbitration, scorer.version) != "thompson":
        return None
    vectors, context = features
    loads, shared, own = scorer.spreads(context, vectors, [c.offer.offer_id for c in eligible])
    doubt = Doubt(shared=tuple(shared.tolist()), own=tuple(own.tolist()))
    return posterior_of(eligible, terms, loads, doubt, arbitration.redeemed_at_base_rate)


def posterior_of(
    offers: Sequence[CompiledOffer | None],
    terms: TermColumns,
    loads: Floats,
    doubt: Doubt,
    prior: float,
) -> Posterior:
    """The same of what is logged: `offers` that are not known any more bring nothing.

    `prior` counts where older terms do not say who would have bought anyway.
    """
    pairs = zip(offers, terms.bought_anyway, strict=True)
    size = terms.order_size
    gains = [_gain(offer, prior if share is None else share, size) for offer, share in pairs]
    return Posterior(np.array(terms.response_probability), np.array(gains), loads, doubt)


def _gain(candidate: CompiledOffer | None, share: float, order_size: float | None) -> float:
    """What a use brings, in the shop's currency."""
    if candidate is None:
        return 0.0
    offer = candidate.offer
    return margin_for(offer, order_size) * (1.0 - share) - offer.discount
