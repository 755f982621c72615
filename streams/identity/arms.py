"""Which arm, and which holdouts of offers, a person is in: a salted hash of their id, for good."""

from streams.contracts.ids import unit_draw
from streams.contracts.reference.structs import Arm, Experiment


def arm_of(experiment: Experiment, person_id: str) -> Arm:
    """The arm; shares are taken in the order of the arms, and the last takes what is left.

    >>> arm_of(Experiment(), "c-1").name
    'policy'
    """
    draw = unit_draw(experiment.salt, experiment.id, person_id)
    total = 0.0
    for arm in experiment.arms:
        total += arm.share
        if draw < total:
            return arm
    return experiment.arms[-1]


def is_held_out(experiment: Experiment, offer_id: str, share: float, person_id: str) -> bool:
    """Whether the person never gets this offer; a greater share holds the same people and more.

    >>> is_held_out(Experiment(), "tea-10", 0.0, "c-1")
    False
    """
    return unit_draw(experiment.salt, experiment.id, "offer", offer_id, person_id) < share
