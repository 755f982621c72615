"""Offers that a share of the people never gets, so that what each of them brings can be measured.

It is drawn as if nobody were held out. Where the draw falls on an offer that this person is held
out of, nothing is sent, and the log names the offer. So the people who were sent it and those who
would have been are alike until then, and can be compared (ghost ads; Johnson, Lewis and Nubbemeyer,
Journal of Marketing Research 54, 2017).
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec.structs import replace

from streams.contracts.sums import sum_of
from streams.decisions.exploration import Draw
from streams.decisions.policy import Policy
from streams.identity.arms import is_held_out

OFFER_HOLDOUT: Final[Literal["offer_holdout"]] = "offer_holdout"
NO_OFFERS: Final[frozenset[str]] = frozenset()


def held_out_of(policy: Policy, person_id: str) -> frozenset[str]:
    """The offers that this person never gets."""
    shares, experiment = policy.holdout_shares, policy.policies.experiment
    if not shares:
        return NO_OFFERS
    return frozenset(
        [name for name, share in shares.items() if is_held_out(experiment, name, share, person_id)]
    )


def without_held(drawn: Draw, offer_ids: Sequence[str], held: frozenset[str]) -> Draw:
    """The draw where these offers are not sent: their probability is that of no offer.

    >>> drawn = Draw(1, (0.5, 0.25), 0.25)
    >>> without_held(drawn, ["a", "b"], frozenset({"b"}))
    Draw(index=None, probabilities=(0.5, 0.0), no_offer=0.5, withheld=1)
    """
    if held.isdisjoint(offer_ids):
        return drawn
    pairs = list(zip(offer_ids, drawn.probabilities, strict=True))
    sent = tuple([0.0 if name in held else p for name, p in pairs])
    no_offer = drawn.no_offer + sum_of([p for name, p in pairs if name in held])
    if drawn.index is None or offer_ids[drawn.index] not in held:
        return replace(drawn, probabilities=sent, no_offer=no_offer)
    return Draw(None, sent, no_offer, drawn.index)
