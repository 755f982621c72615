"""The arm of an experiment, by its written rule: a hash of salt, experiment and person, as a share.

BLAKE2b of 8 bytes over the three, joined by the unit separator, read as a number of [0, 1); the
arms take their shares in their order, and the last takes what is left.
"""

from hashlib import blake2b

from streams.contracts.reference.structs import Arm, Experiment, Offer

SEPARATOR = "\x1f"


def arm_by_hash(experiment: Experiment, person_id: str) -> Arm:
    """The arm of a person.

    >>> arm_by_hash(Experiment(), "c-1").chooser
    'policy'
    """
    point = _point(experiment.salt, experiment.id, person_id)
    for arm in experiment.arms:
        point -= arm.share
        if point < 0:
            return arm
    return experiment.arms[-1]


def held_out_by_hash(experiment: Experiment, offer: Offer, person_id: str) -> bool:
    """Whether a person is in an offer's own holdout: the same hash, with the offer in it."""
    point = _point(experiment.salt, experiment.id, "offer", offer.offer_id, person_id)
    return point < offer.holdout_share


def _point(*parts: str) -> float:
    text = SEPARATOR.join(parts)
    return int(blake2b(text.encode(), digest_size=8).hexdigest(), 16) / 2**64
