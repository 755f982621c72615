"""Of the uses of an offer, the share by people who would have bought anyway.

In a campaign that was dealt by lot, who would have bought anyway either uses the offer or buys
without using it. With p0 the share that buys without an offer, c the share of those offered that
buys without using it, and u that of those offered that uses it:

    share = (p0 - c) / u

p0 is adjusted for features: what they foretell of those without an offer, over all people, and what
came beside it. What few people say of an offer is chance, so each share leans on the mean of all
offers by the random-effects weights of DerSimonian and Laird (Controlled Clinical Trials 7, 1986),
in which offers differ by a standard deviation of `SPREAD_MIN` at least.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.evaluation.trials import Trial

Floats = NDArray[np.float64]
USES_MIN = 10
SPREAD_MIN = 0.1
RIDGE = 30.0
Z_95 = 1.959964


class OfferShare(Struct, frozen=True, kw_only=True):
    """One offer: how many got it, how many used it, and who of these would have bought anyway.

    `own` is what its people alone say of the share, `share` what is said with the other offers
    behind it; `low` to `high` is its 95 % interval.
    """

    offer: str
    offered: int
    uses: int
    own: float
    share: float
    low: float
    high: float


class _Own(Struct, frozen=True):
    offer: str
    offered: int
    uses: int
    share: float
    variance: float


def anyway_shares(trial: Trial) -> tuple[OfferShare, ...]:
    """The share of each offer that was used often enough; none where no offers are told.

    `treated` is 1 for who got any offer, the outcome is 1 for who bought.
    """
    if not trial.offers:
        return ()
    of = np.array(trial.offers)
    base = _without_offer(trial)
    every = (_own(trial, of == name, name, base) for name in sorted(set(trial.offers) - {""}))
    found = [one for one in every if one is not None]
    if not found:
        return ()
    leaned, errors = _leaning(
        np.array([one.share for one in found]), np.array([one.variance for one in found])
    )
    return tuple(
        OfferShare(
            offer=one.offer,
            offered=one.offered,
            uses=one.uses,
            own=one.share,
            share=float(np.clip(share, 0.0, 1.0)),
            low=float(np.clip(share - Z_95 * error, 0.0, 1.0)),
            high=float(np.clip(share + Z_95 * error, 0.0, 1.0)),
        )
        for one, share, error in zip(found, leaned.tolist(), errors.tolist(), strict=True)
    )


def _without_offer(trial: Trial) -> tuple[float, float]:
    """The share that buys without an offer, over all people, and its variance."""
    control = trial.treated == 0.0
    x, y = trial.features[control], trial.outcomes[control]
    gram = x.T @ x + RIDGE * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x.T @ (y - y.mean()))
    foretold = y.mean() + trial.features @ weights
    beside = y - foretold[control]
    value = float(foretold.mean() + beside.mean())
    return value, float(beside.var() / len(y) + foretold.var() / len(foretold))


def _own(
    trial: Trial,
    offered: NDArray[np.bool_],
    name: str,
    base: tuple[float, float],
) -> _Own | None:
    """What an offer's own people say; None: it was hardly used."""
    used = trial.used[offered]
    many, uses = int(offered.sum()), int(used.sum())
    if uses < USES_MIN:
        return None
    rate = uses / many
    unused = trial.outcomes[offered] * (1.0 - used)
    share = (base[0] - float(unused.mean())) / rate
    scores = unused + share * used
    return _Own(name, many, uses, share, (base[1] + float(scores.var()) / many) / rate**2)


def _leaning(shares: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Each share with the others behind it, and its standard error."""
    weights = 1.0 / variances
    mean = float((weights * shares).sum() / weights.sum())
    spread = float((weights * (shares - mean) ** 2).sum()) - (len(shares) - 1)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    between = max(spread / scale if scale > 0.0 else 0.0, SPREAD_MIN**2)
    whole = 1.0 / (variances + between)
    center = float((whole * shares).sum() / whole.sum())
    own = between / (between + variances)
    leaned = own * shares + (1.0 - own) * center
    return leaned, np.sqrt(own * variances + (1.0 - own) ** 2 / whole.sum())
