"""What the response learner remembers, by name: how it is stored, and how it comes back.

Features go by name, so what was learned of those that are still computed stays, in whichever order.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.models.pairs import Pairs, places
from streams.models.pool import AS_IT_IS, BASES, SAY, SPEEDS, Array, Own, Pool, Tuning

OFFER_AXIS = tuple(f"o.{name}" for name in OFFER_FEATURES)
CONTEXT_AXIS = tuple(f"c.{name}" for name in CONTEXT_FEATURES)


class ResponseState(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """All that the learner remembers; arrays are little-endian float32, by the names of their axes.

    `own` has means, then variances, of each offer; the offer that was learned of last is the last.
    `pairs` has means, then variances, then those of the prior; None where format 2 wrote. `levels`
    has means, then variances, `own_levels` a mean and a variance of each offer (float64); they and
    what is `believed` are None where formats 2 and 3 wrote, whose W began at what was believed.
    """

    context: tuple[str, ...]
    offer: tuple[str, ...]
    means: bytes
    variances: bytes
    offers: tuple[str, ...]
    own: bytes
    own_at_ms: tuple[int, ...]
    shares: tuple[float, ...]
    gains: tuple[float, ...]
    examples: int
    at_ms: int
    pairs: bytes | None
    levels: bytes | None
    own_levels: bytes | None
    believed: dict[str, float] | None
    tuning: Tuning = AS_IT_IS


def state_of(pool: Pool, believed: Mapping[str, float], tuning: Tuning) -> ResponseState:
    """All of a pool, and what is believed beside it."""
    return ResponseState(
        context=CONTEXT_AXIS,
        offer=OFFER_AXIS,
        means=_bytes(pool.means),
        variances=_bytes(pool.variances),
        offers=tuple(pool.own),
        own=b"".join(_bytes(o.means) + _bytes(o.variances) for o in pool.own.values()),
        own_at_ms=tuple(o.at_ms for o in pool.own.values()),
        shares=tuple(pool.shares),
        gains=tuple(pool.gains),
        examples=pool.examples,
        at_ms=pool.at_ms,
        pairs=b"".join(_bytes(array) for array in _learned(pool.pairs)),
        levels=_bytes(pool.levels.means) + _bytes(pool.levels.variances),
        own_levels=np.array([o.level for o in pool.own.values()], "<f8").tobytes(),
        believed=dict(believed),
        tuning=tuning,
    )


def believed_in(state: ResponseState, today: Mapping[str, float]) -> Mapping[str, float]:
    """What the learner believed, and what is believed today of features that it did not know."""
    new = {name: b for name, b in today.items() if name not in state.offer}
    known = {name: b for name, b in (state.believed or {}).items() if name in OFFER_AXIS}
    return new | known


def restore(pool: Pool, state: ResponseState) -> None:
    """Put into a new pool what a state remembers.

    Raises:
        ValueError: sizes do not fit.
    """
    rows, columns = len(state.offer) + 1, len(state.context) + 1
    from_offer, to_offer = _places(state.offer, OFFER_AXIS)
    from_context, to_context = _places(state.context, CONTEXT_AXIS)
    for flat, stored in ((pool.means, state.means), (pool.variances, state.variances)):
        array = flat.reshape(BASES, SPEEDS, len(OFFER_AXIS) + 1, len(CONTEXT_AXIS) + 1)
        told = _array(stored, (BASES, SPEEDS, rows, columns))
        array[:, :, to_offer[:, None], to_context] = told[:, :, from_offer[:, None], from_context]
    told = _array(state.own, (len(state.offers), 2, BASES, SPEEDS, columns))
    own = np.zeros((len(state.offers), 2, BASES, SPEEDS, len(pool.u_prior)), np.float32)
    own[:, 1] = pool.u_prior
    own[..., to_context] = told[..., from_context]
    for offer_id, at_ms, (means, variances) in zip(state.offers, state.own_at_ms, own, strict=True):
        pool.own[offer_id] = Own(means, variances, at_ms, (0.0, pool.levels.own_prior))
    if state.pairs is not None:
        _restore_pairs(pool.pairs, state, state.pairs)
    shares = state.shares
    if state.levels is None or state.own_levels is None:
        shares = (*shares, 0.0)
    else:
        _restore_levels(pool, state, state.levels, state.own_levels)
    if len(shares) != SAY or len(state.gains) != BASES:
        raise ValueError(f"{len(state.shares)} shares, {len(state.gains)} gains")
    pool.shares, pool.gains = list(shares), list(state.gains)
    pool.examples, pool.at_ms = state.examples, state.at_ms


def _restore_levels(pool: Pool, state: ResponseState, stored: bytes, of_offers: bytes) -> None:
    """Those of the features that are still there, and of each offer.

    Raises:
        ValueError: sizes do not fit.
    """
    from_offer, to_offer = _places(state.offer, OFFER_AXIS)
    means, variances = _array(stored, (2, len(state.offer) + 1))
    pool.levels.means[to_offer] = means[from_offer]
    pool.levels.variances[to_offer] = variances[from_offer]
    own_levels = np.frombuffer(of_offers, "<f8").reshape(-1, 2).tolist()
    for own, (mean, variance) in zip(pool.own.values(), own_levels, strict=True):
        own.level = mean, variance


def _learned(pairs: Pairs) -> tuple[Array, Array, Array]:
    return pairs.means, pairs.variances, pairs.prior[None]


def _restore_pairs(pairs: Pairs, state: ResponseState, stored: bytes) -> None:
    """Those of which both features are still there, in whichever order.

    Raises:
        ValueError: sizes do not fit.
    """
    from_offer, to_offer = _places(state.offer, OFFER_AXIS)
    from_pair, to_pair = _pair_places(state.context)
    rows, count = len(state.offer) + 1, len(places(len(state.context))[0])
    told = _array(stored, (2 * rows + 1, count))
    means, variances, prior = told[:rows], told[rows:-1], told[-1:]
    pairs.prior[to_pair] = prior[0, from_pair]
    pairs.variances[:] = pairs.prior
    pairs.means[np.ix_(to_offer, to_pair)] = means[np.ix_(from_offer, from_pair)]
    pairs.variances[np.ix_(to_offer, to_pair)] = variances[np.ix_(from_offer, from_pair)]


def _pair_places(stored: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the pairs agree, stored and today's, in whichever order their features stand."""
    before = {frozenset(pair): n for n, pair in enumerate(combinations(stored, 2))}
    both = [
        (before[pair], n)
        for n, pair in enumerate(map(frozenset, combinations(CONTEXT_AXIS, 2)))
        if pair in before
    ]
    from_pair, to_pair = np.array(both, np.intp).reshape(-1, 2).T
    return from_pair, to_pair


def _places(
    stored: Sequence[str], today: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the axes agree, stored and today's; the bias is first in both."""
    both = [name for name in today if name in stored]
    return (
        np.array([0, *(stored.index(name) + 1 for name in both)]),
        np.array([0, *(today.index(name) + 1 for name in both)]),
    )


def _bytes(array: Array) -> bytes:
    return array.astype("<f4").tobytes()


def _array(stored: bytes, shape: tuple[int, ...]) -> Array:
    return np.frombuffer(stored, "<f4").astype(np.float32).reshape(shape)
