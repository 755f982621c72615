"""Of those who use an offer, who would have bought anyway: by person, before anything is learned.

A use is of an order that would have come anyway, or of one that only the offer brings. With p the
probability that an order comes anyway, it is of the first with odds p * K, where K says how many
times as likely a coupon is used on such an order as it brings one of its own (a coupon is used most
by who buys anyway: Neslin and Shoemaker, Marketing Science 1983; Bawa and Shoemaker, Journal of
Marketing Research 1987). The shop's setting says K: where p is `USUAL` the share is
`redeemed_at_base_rate`.
"""

from collections.abc import Collection, Iterable, Sequence

from streams.customer import Customer
from streams.decisions.known import Uplift
from streams.decisions.policy import CompiledOffer, Policy
from streams.features import Taste, ordered_anyway
from streams.features.offer_table import Where

USUAL = 0.1
Anyway = tuple[list[float], list[float]]


def share_expected(ordered: float | None, prior: float) -> float:
    """The share of uses that is expected to be bought anyway, 0 to 1.

    Args:
        ordered: P(an order that fits comes anyway); None: a record of an older version, which does
            not say.
        prior: what the shop thinks, `redeemed_at_base_rate`.

    >>> share_expected(None, 0.3), round(share_expected(0.8, 0.3), 2)
    (0.3, 0.77)
    """
    if ordered is None:
        return prior
    anyway = ordered * prior
    total = anyway + USUAL * (1.0 - prior)
    return anyway / total if total > 0.0 else prior


def shares_expected(ordered: Iterable[float], prior: float) -> list[float]:
    """`share_expected` of several, to the same bits, in a third of its time.

    >>> shares_expected([0.8, 0.1], 0.3) == [share_expected(0.8, 0.3), share_expected(0.1, 0.3)]
    True
    """
    rest = USUAL * (1.0 - prior)
    if rest <= 0.0:  # nothing may be divided by
        return [share_expected(p, prior) for p in ordered]
    return [(p * prior) / (p * prior + rest) for p in ordered]


def anyway_of(
    policy: Policy,
    eligible: Sequence[CompiledOffer],
    where: Where,
    person: tuple[Customer, Taste],
    uplift: Uplift,
) -> Anyway:
    """Of each offer the share of its uses bought anyway, and P(an order that fits comes anyway).

    `where` are the places of the eligible ones in the catalog.
    """
    kinds: Sequence[int] = policy.fits.kind_of
    present: Collection[int] = range(len(policy.fits.kinds))
    if where is not None:
        kinds = [kinds[c.place] for c in eligible]
        present = set(kinds)
    by_kind = ordered_anyway(policy.fits, present, *person)
    prior = policy.policies.arbitration.redeemed_at_base_rate
    told = list(by_kind.values())
    expected = shares_expected(told, prior)
    if where is not None:
        row_of = {kind: row for row, kind in enumerate(by_kind)}
        kinds = [row_of[kind] for kind in kinds]
    shares = uplift.shares(policy.catalog, [expected[row] for row in kinds], where)
    return shares, [told[row] for row in kinds]


def shares_of(
    eligible: Sequence[CompiledOffer],
    ordered: Sequence[float | None],
    policy: Policy,
    uplift: Uplift,
) -> list[float]:
    """Of each offer the share of its uses bought anyway, by P(an order that fits comes anyway)."""
    prior = policy.policies.arbitration.redeemed_at_base_rate
    expected = {p: share_expected(p, prior) for p in set(ordered)}
    return uplift.shares([c.offer for c in eligible], [expected[p] for p in ordered])
