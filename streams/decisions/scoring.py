"""The eligible offers of a decision, scored and weighed: their features, and what each is worth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.contracts.outputs.candidates import TermColumns, columns_of
from streams.contracts.outputs.terms import EffectColumns, rows_of
from streams.decisions.anyway import Anyway, anyway_of
from streams.decisions.arbitration import Floats, Response, fatigue_of, weigh, weigh_many
from streams.decisions.known import Known, Priors, Scorer
from streams.decisions.order_size import order_size_of
from streams.decisions.policy import CompiledOffer
from streams.features import offer_matrix, taste_of
from streams.features.offer_table import Where
from streams.features.packing import Vector


class Scored(NamedTuple):
    """Offers of which it is known what they are to the person, whichever model says P(used).

    Attributes:
        eligible: the offers; the rest is in their order.
        where: their places in the catalog; None: they are all of it.
        offer_ids: their names.
        priors: what their owners expect, log odds.
        prices: `arbitration.prices_of` them, shape `[4, n]`.
        vectors: their features, shape `[n, len(OFFER_FEATURES)]`; `context`: the person's.
        context: the person's features, shape `[len(CONTEXT_FEATURES)]`.
        anyway: the share of the uses of each bought anyway, and P(an order comes anyway).
        effects: what sending each changes; None: that is not known.
    """

    eligible: Sequence[CompiledOffer]
    where: Where
    offer_ids: Sequence[str]
    priors: Priors
    prices: Floats
    vectors: Vector
    context: Vector
    anyway: Anyway
    effects: EffectColumns | None

    @property
    def features(self) -> tuple[Vector, Vector]:
        """Of the offers, and of the context."""
        return self.vectors, self.context


def scored(known: Known, eligible: Sequence[CompiledOffer], context: Vector) -> Scored:
    """The eligible offers as this person sees them.

    Models are asked by places in the catalog, so that they look it up once.
    """
    policy, uplift = known.policy, known.basis.uplift
    ids, priors, prices = policy.offer_ids, policy.priors, policy.prices
    places: Sequence[int] = range(len(ids))
    where: Where = None
    if len(eligible) < len(ids):
        places = [c.place for c in eligible]
        where, ids = np.array(places, np.intp), tuple([ids[place] for place in places])
        priors, prices = priors.take(where), prices.take(where, 1)
    taste = taste_of(known.person, known.now_ms, policy.abouts)
    return Scored(
        eligible,
        where,
        ids,
        priors,
        prices,
        offer_matrix(policy.table, places, taste),
        context,
        anyway_of(policy, eligible, where, (known.person, taste), uplift),
        uplift.effects(policy.catalog, context, where),
    )


def terms_by(scorer: Scorer, known: Known, of: Scored) -> TermColumns:
    """Terms of each offer by what a model says of P(used)."""
    policies, options, eligible = known.policy.policies, known.ways.options, of.eligible
    ids = known.policy.offer_ids
    used = scorer.response_probabilities(of.context, of.vectors, ids, of.priors, of.where)
    price = known.basis.fatigue.price(policies.contact)
    fatigue = fatigue_of(known.person, known.now_ms, price)
    order_margin, share_of_price = known.basis.uplift.order_margin, policies.churn.margin_share
    size = order_size_of(known.person, order_margin, share_of_price)
    now_ms, channel = known.now_ms, known.request.rule.channel
    if not options:
        levers = [c.levers.at(now_ms, channel) for c in eligible] if policies.levers else None
        return weigh_many(of.prices, used, of.anyway, fatigue, levers, of.effects, size)
    responses = [
        Response(p, share, options, 0.0, ordered, effect, size)
        for p, share, ordered, effect in zip(
            used.tolist(), *of.anyway, rows_of(of.effects, len(eligible)), strict=True
        )
    ]
    if policies.levers:
        pairs = zip(eligible, responses, strict=True)
        responses = [c.levers.on(response, now_ms, channel) for c, response in pairs]
    each = zip(eligible, responses, strict=True)
    return columns_of([weigh(c.offer, response, fatigue) for c, response in each])
